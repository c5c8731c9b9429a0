//! Who types in a room, as far as the replica was told.

use std::collections::BTreeMap;

use leptos_realtime::{
    UserId,
    core::{
        message::{RoomMessage, RoomSignal},
        replica::{Replica, TYPING_TTL_MS},
    },
};

/// Each with the time until which they do.
#[derive(Debug, Default)]
pub struct Typists(BTreeMap<UserId, u64>);

impl Typists {
    /// The replica has been told something. Whoever it does not show does not type, and does not go on when they come
    /// back.
    pub fn follow(&mut self, replica: &Replica, message: Option<&RoomMessage>, now: u64) {
        if let Some(RoomMessage::Signal(RoomSignal::Typing { user, on })) = message {
            match on {
                true => self.0.insert(user.clone(), now + TYPING_TTL_MS),
                false => self.0.remove(user),
            };
        }
        let here = replica.page(None, usize::MAX);
        self.0
            .retain(|user, _| here.iter().any(|member| member.user == *user));
    }

    pub fn expire(&mut self, now: u64) {
        self.0.retain(|_, until| *until > now);
    }

    /// What is shown is what is known.
    pub fn check(&self, replica: &Replica) {
        let shown = replica.typing().users;
        let shown = shown.iter().map(|user| &user.id);
        assert!(shown.eq(self.0.keys()), "{:?} type", self.0);
    }
}

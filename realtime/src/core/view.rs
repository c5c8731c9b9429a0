//! One room as a client knows it.

use std::collections::BTreeMap;

use crate::protocol::{
    Digest, FirstView, Joined, Member, Own, Position, ProtocolError, RoomFrame, TypingNow,
    UnixMillis, User, UserId,
};

/// How much a view can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ViewState {
    /// Nothing is known yet.
    #[default]
    Loading,
    /// In step with the server.
    Live,
    /// As it was when the connection was lost, or when the page was made.
    Stale,
    /// The server refused the room.
    Refused(ProtocolError),
}

/// Who is in a room, and who types, up to a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomView {
    /// How much of this can be trusted.
    pub state: ViewState,
    /// Everyone here, by id; in a large room the first of them.
    pub members: BTreeMap<UserId, Member>,
    /// The number of people, in a large room.
    pub count: Option<u32>,
    /// People whom only this client is shown: itself where it hides, and whom it watches in a large room.
    pub own: BTreeMap<UserId, Member>,
    /// How many guests are here.
    pub guests: u32,
    /// Who is typing.
    pub typing: Vec<User>,
    /// When the person was last seen, in a room about one person who is not here.
    pub last_seen: Option<UnixMillis>,
    /// The place up to which the events are known.
    pub position: Option<Position>,
}

impl RoomView {
    /// The view that came with the page's data.
    #[must_use]
    pub fn from_first_view(view: &FirstView) -> Self {
        Self {
            state: ViewState::Stale,
            members: by_id(view.members.clone()),
            count: view.count,
            guests: view.guests,
            last_seen: view.last_seen,
            position: Some(view.position),
            ..Self::default()
        }
    }

    /// Replaces everything.
    pub fn join(&mut self, joined: Joined) {
        *self = Self {
            state: ViewState::Live,
            members: by_id(joined.members),
            count: joined.count,
            own: by_id(joined.own),
            guests: joined.guests,
            typing: joined.typing,
            last_seen: joined.last_seen,
            position: Some(joined.position),
        };
    }

    /// Applies the next frame.
    pub fn apply(&mut self, frame: RoomFrame) {
        for user in &frame.gone {
            self.members.remove(user);
        }
        for (user, member) in by_id(frame.members) {
            self.own.remove(&user);
            self.members.insert(user, member);
        }
        self.count = frame.count.or(self.count);
        self.guests = frame.guests.unwrap_or(self.guests);
        self.last_seen = frame
            .last_seen
            .or(self.last_seen)
            .filter(|_| self.members.is_empty());
        if let (Some(position), Some(last)) = (&mut self.position, frame.events.last()) {
            position.seq = last.seq;
        }
    }

    /// Replaces the people whom only this client is shown.
    pub fn apply_own(&mut self, own: Own) {
        self.own = by_id(own.members);
    }

    /// Replaces who types.
    pub fn apply_typing(&mut self, typing: TypingNow) {
        self.typing = typing.users;
    }

    /// How many people are here, this one not counted while they hide.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
            .map_or(self.members.len(), |count| count as usize)
    }

    /// A person here, as far as they are shown.
    #[must_use]
    pub fn member(&self, user: &UserId) -> Option<&Member> {
        self.members.get(user).or_else(|| self.own.get(user))
    }

    /// The members in the order in which they came, which no later change reorders, with those whom only this client
    /// is shown.
    #[must_use]
    pub fn members_by_arrival(&self) -> Vec<Member> {
        let own = self.own.values();
        let own = own.filter(|member| !self.members.contains_key(&member.user));
        let mut members: Vec<Member> = self.members.values().chain(own).cloned().collect();
        members.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.user.cmp(&b.user)));
        members
    }

    /// What the server compares this view by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.members.values(), self.guests, self.count() as u32)
    }
}

fn by_id(members: Vec<Member>) -> BTreeMap<UserId, Member> {
    members
        .into_iter()
        .map(|member| (member.user.clone(), member))
        .collect()
}

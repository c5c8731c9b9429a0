//! One room as a client knows it.

use std::collections::BTreeMap;

use crate::protocol::{FirstView, Joined, Member, Position, ProtocolError, RoomFrame, UserId};

/// How much a view can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
pub struct RoomView {
    /// How much of this can be trusted.
    pub state: ViewState,
    /// Everyone here, by id.
    pub members: BTreeMap<UserId, Member>,
    /// How many guests are here.
    pub guests: u32,
    /// Who is typing.
    pub typing: Vec<UserId>,
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
            guests: view.guests,
            typing: Vec::new(),
            position: Some(view.position),
        }
    }

    /// Replaces everything.
    pub fn join(&mut self, joined: Joined) {
        *self = Self {
            state: ViewState::Live,
            members: by_id(joined.members),
            guests: joined.guests,
            typing: joined.typing,
            position: Some(joined.position),
        };
    }

    /// Applies the next frame.
    pub fn apply(&mut self, frame: RoomFrame) {
        for user in &frame.gone {
            self.members.remove(user);
        }
        self.members.extend(by_id(frame.members));
        if let Some(guests) = frame.guests {
            self.guests = guests;
        }
        if let Some(typing) = frame.typing {
            self.typing = typing;
        }
        if let (Some(position), Some(last)) = (&mut self.position, frame.events.last()) {
            position.seq = last.seq;
        }
    }

    /// The members in the order in which they came, which no later change reorders.
    #[must_use]
    pub fn members_by_arrival(&self) -> Vec<Member> {
        let mut members: Vec<Member> = self.members.values().cloned().collect();
        members.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.user.cmp(&b.user)));
        members
    }
}

fn by_id(members: Vec<Member>) -> BTreeMap<UserId, Member> {
    members
        .into_iter()
        .map(|member| (member.user.clone(), member))
        .collect()
}

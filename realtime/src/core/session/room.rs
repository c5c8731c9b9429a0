//! One room in use: how it stands with the server, and what is shown of it.

use super::{RoomView, ViewState, listeners::Listeners, watched::Watched};
use crate::protocol::{JoinRoom, Joined, Outcome, Position, RoomId, WireEvent};

/// How many views may come before the answer to the newest question: the answers to earlier ones, each of which may be
/// overtaken by a view that comes unasked.
const MAX_OVERTAKEN: u32 = 16;

/// What is known between this client and the server about one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// Not joined on this connection.
    #[default]
    Out,
    /// Asked for, with everything after this position.
    Asked(Option<Position>),
    /// In step, up to this frame.
    In { frame: u64 },
    /// Refused on this connection.
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct UsedRoom {
    pub(super) uses: u32,
    pub(super) leave_at: Option<u64>,
    /// When to ask for it again, after it could not be joined.
    pub(super) join_at: Option<u64>,
    /// Until when the server asked not to be asked for it.
    pub(super) not_before: u64,
    /// From when on a refused room may be asked for again, for whoever comes to use it.
    pub(super) refused_until: u64,
    /// Whether it is to be asked for as soon as it is used again.
    pub(super) join_when_used: bool,
    /// Whether it is asked for in a message of its own: with others it was refused.
    pub(super) alone: bool,
    /// Whether a refused room had been asked for, so that the server may let the person in after all.
    pub(super) may_be_granted: bool,
    /// Whether the server was asked for it on this connection, and so may count this session in.
    pub(super) may_be_in: bool,
    /// How many views came in a row that were not the answer, which is still to come.
    pub(super) overtaken: u32,
    pub(super) view: RoomView,
    pub(super) link: Link,
    pub(super) listeners: Listeners,
    pub(super) watched: Watched,
    /// Whether the server does not know yet whom to show in any case.
    pub(super) untold: bool,
    pub(super) typed_at: Option<u64>,
}

impl UsedRoom {
    pub(super) fn is_in(&self) -> bool {
        matches!(self.link, Link::In { .. })
    }

    /// Whether the server is to be told at once what has changed of the asking: otherwise it is asked when it may be.
    pub(super) fn is_asked_for(&self) -> bool {
        matches!(self.link, Link::Asked(_) | Link::In { .. })
    }

    /// Whom to show has changed. True where the server is to be told at once.
    pub(super) fn watches_others(&mut self) -> bool {
        self.untold = true;
        self.is_asked_for()
    }

    /// A new connection, on which nothing is known of the room.
    pub(super) fn connected(&mut self) {
        self.link = Link::Out;
        self.not_before = 0;
        self.typed_at = None;
        self.join_at = None;
        self.join_when_used = false;
        self.alone = false;
        self.may_be_granted = false;
        self.may_be_in = false;
        self.overtaken = 0;
    }

    /// What to ask the server for.
    pub(super) fn ask(&mut self, room: RoomId) -> JoinRoom {
        let since = self.listeners.since();
        self.link = Link::Asked(since);
        self.may_be_in = true;
        self.join_at = None;
        self.untold = false;
        let watch = self.watched.all().to_vec();
        JoinRoom { room, since, watch }
    }

    /// In step from this frame on: there is nothing to ask for any more.
    pub(super) fn enter(&mut self, frame: u64) {
        self.link = Link::In { frame };
        self.alone = false;
        self.join_at = None;
    }

    /// Whether a view is no answer to the newest question, which is still to come; but that is not waited for for ever.
    pub(super) fn is_overtaken(
        &mut self,
        asked: Option<Position>,
        joined: &Joined,
        events: &[WireEvent],
    ) -> bool {
        let overtaken = !answers(asked, joined, events) && self.overtaken < MAX_OVERTAKEN;
        self.overtaken = if overtaken { self.overtaken + 1 } else { 0 };
        overtaken
    }

    /// What is known is no longer kept in step. True where that is news.
    pub(super) fn unlink(&mut self) -> bool {
        self.link = Link::Out;
        let was_live = self.view.state == ViewState::Live;
        if was_live {
            self.view.state = ViewState::Stale;
            self.view.typing.clear();
        }
        was_live
    }
}

/// Whether a view with these events can be what a join was answered with.
fn answers(asked: Option<Position>, joined: &Joined, events: &[WireEvent]) -> bool {
    match (joined.outcome, asked, events.first()) {
        (Outcome::Reset, ..) | (_, None, _) => true,
        // That of an earlier question, which named no position.
        (Outcome::Fresh, ..) => false,
        (Outcome::Replay, Some(since), Some(first)) => {
            since.epoch != joined.position.epoch || since.seq.checked_add(1) >= Some(first.seq)
        }
        (Outcome::Replay, Some(since), None) => !since.is_before(joined.position),
    }
}

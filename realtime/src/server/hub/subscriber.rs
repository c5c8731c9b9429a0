//! One viewer of a served room, and what it has been shown beside what everyone is.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::{unnumbered::Unnumbered, viewer::Viewer};
use crate::{
    core::replica::Replica,
    protocol::{Member, Outcome, Own, Position, RoomId, UserId},
};

/// One viewer of a room.
pub(super) struct Subscriber {
    pub(super) viewer: Arc<dyn Viewer>,
    /// Set where frames were lost to a full buffer: the last position before them, if the client named or has one.
    pub(super) behind: Option<Option<Position>>,
    /// The people it watches where the room does not show everyone.
    pub(super) watched: Vec<UserId>,
    /// The people whom only it was shown.
    pub(super) own: Vec<Member>,
    /// Whether it has not been told who types.
    pub(super) typing_due: bool,
    /// Up to which of the events without a number it was shown them.
    pub(super) unnumbered: u64,
}

impl Subscriber {
    /// Shows the whole room. Returns how that goes on from where the viewer was.
    pub(super) fn show(&mut self, replica: &Replica, since: Option<Position>) -> Outcome {
        let own = replica.own(self.viewer.key().user.as_ref(), &self.watched);
        let view = replica.joined(since, own.clone());
        let outcome = view.outcome;
        let shown = self.viewer.send("joined", &written(&view)).is_ok();
        self.behind = (!shown).then_some(since);
        if shown {
            self.own = own;
            self.typing_due = false;
            self.unnumbered = 0;
        }
        outcome
    }

    /// Shows the events that have no number yet, up to the first for which there is no room.
    pub(super) fn show_unnumbered(&mut self, events: &Unnumbered) {
        if self.behind.is_some() {
            return;
        }
        for (number, frame) in events.after(self.unnumbered) {
            if self.viewer.send("provisional", frame).is_err() {
                return;
            }
            self.unnumbered = number;
        }
    }

    /// Shows what only this viewer is to see, where that is something else than before.
    pub(super) fn show_own(&mut self, replica: &Replica, room: &RoomId) -> bool {
        let members = replica.own(self.viewer.key().user.as_ref(), &self.watched);
        if members == self.own {
            return true;
        }
        self.own.clone_from(&members);
        let room = room.clone();
        let own = written(&Own { room, members });
        self.viewer.send("own", &own).is_ok()
    }
}

/// A frame as it is sent, written once for all who are sent it.
pub(super) fn written<T: serde::Serialize>(frame: &T) -> Box<RawValue> {
    to_raw_value(frame).expect("frames are plain data")
}

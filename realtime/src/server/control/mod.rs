//! What instances tell each other to do to people and rooms, through the broker's control room.
//!
//! ```text
//! kick, revoke, … ── at once, here ──► Gateway ◄── what others said ── Listener ◄── Hub ◄── control:all
//!        └── Queue ── append, until it has a place ──► Broker (control:all) ─────────────────────┘
//! ```
//!
//! The control room is a room as any other, so what is said there is ordered, kept, and repeated without harm, and what
//! a node lost on its way is found by the hub. No client sees it. Who says something has done it already: its own words
//! change nothing when they come back. A node that cannot know what was said looks at everything again: that is what
//! the gateway's `recheck` does, and why whatever lasts is kept in the store, and read there.

mod event;
mod listener;
mod queue;

use std::sync::{Mutex, PoisonError};

pub(crate) use event::ControlEvent;
pub(super) use event::Said;
pub(super) use listener::{Heard, Listener};
pub(super) use queue::{Queue, Ticket};

use crate::{
    core::message::NewEvent,
    protocol::{EventId, Position},
};

/// This node's part in the control room.
pub(super) struct Control {
    /// This run of this node: tells its own words from those of others.
    from: String,
    pub(super) queue: Queue,
    /// Up to where this node has done what was said.
    done: Mutex<Option<Position>>,
}

impl Control {
    pub(super) fn new() -> Self {
        Self {
            from: format!("{:032x}", crate::server::random::random::<u128>()),
            queue: Queue::default(),
            done: Mutex::default(),
        }
    }

    /// Whether this node said it.
    pub(super) fn is_own(&self, said: &Said) -> bool {
        said.from == self.from
    }

    /// Tells every other node, now or once the broker is back. To be called when it is done here, or what lasts of it is
    /// kept.
    pub(super) fn tell(&self, event: ControlEvent) -> Ticket {
        let write = |event| {
            let said = Said {
                from: self.from.clone(),
                event,
            };
            let id = format!("{:032x}", crate::server::random::random::<u128>());
            NewEvent {
                id: EventId::try_from(id).expect("32 hexadecimal digits"),
                subject: None,
                origin: None,
                data: said.write(),
            }
        };
        self.queue
            .push(write(event), || write(ControlEvent::Everything))
    }

    pub(super) fn set_done(&self, position: Position) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
    }

    /// Whether this node has done everything that was said before this place.
    pub(super) fn has_done(&self, position: Position) -> bool {
        let done = *self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.is_some_and(|done| done.epoch == position.epoch && done.seq >= position.seq)
    }
}

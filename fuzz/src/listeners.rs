//! What each listener was told, and so what it may be told next.

use std::collections::BTreeMap;

use leptos_realtime::{Position, RoomId, core::session::ListenerId, protocol::WireEvent};

use crate::server::event_id;

#[derive(Debug)]
struct Listener {
    room: RoomId,
    /// The position up to which it knows everything; nothing, before its room was joined.
    at: Option<Position>,
}

/// The listeners in use.
#[derive(Debug, Default)]
pub struct Listeners {
    known: BTreeMap<ListenerId, Listener>,
}

impl Listeners {
    pub fn add(&mut self, id: ListenerId, room: &RoomId, at: Option<Position>) {
        let room = room.clone();
        let twice = self.known.insert(id, Listener { room, at });
        assert!(twice.is_none(), "{id:?} is given out once");
    }

    /// Takes away the oldest but `n`.
    pub fn remove(&mut self, n: u64) -> Option<(ListenerId, RoomId)> {
        let id = *self.known.keys().nth(n as usize)?;
        self.known.remove(&id).map(|listener| (id, listener.room))
    }

    /// A room that is not in use any more has no listeners.
    pub fn forget(&mut self, room: &RoomId) {
        self.known.retain(|_, listener| listener.room != *room);
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The next event: the one after the last, of the same epoch, and of the right room. Of a server that keeps to the
    /// protocol it is also known which epoch the event was made in.
    pub fn event(&mut self, id: ListenerId, to: Position, event: &WireEvent, honest: bool) {
        let Some(listener) = self.known.get_mut(&id) else {
            panic!("{id:?} does not listen, and is told {to:?}");
        };
        if let Some(at) = listener.at {
            assert_eq!(
                (at.epoch, at.seq.checked_add(1)),
                (to.epoch, Some(to.seq)),
                "{id:?} misses nothing and hears nothing twice"
            );
        }
        assert_eq!(to.seq, event.seq, "{id:?} is told the event's own place");
        let made = event_id(&listener.room, to.epoch.0, to.seq);
        if honest {
            assert_eq!(event.id.as_str(), made, "{id:?} hears its room's order");
        } else {
            let room = format!("{}/", listener.room);
            assert!(event.id.as_str().starts_with(&room), "{id:?} hears {room}");
        }
        listener.at = Some(to);
    }

    /// The listener goes on from here.
    pub fn reset(&mut self, id: ListenerId, to: Position) {
        let Some(listener) = self.known.get_mut(&id) else {
            panic!("{id:?} does not listen, and is reset to {to:?}");
        };
        assert_ne!(
            listener.at,
            Some(to),
            "{id:?} is not reset to where it stands"
        );
        listener.at = Some(to);
    }
}

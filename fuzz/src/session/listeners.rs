//! What each listener was told, and so what it may be told next.

use std::collections::{BTreeMap, HashMap};

use leptos_realtime::{
    Position, RoomId,
    core::session::ListenerId,
    protocol::{EventId, SubjectKey, WireEvent},
};

/// What a session remembers for certain: of more names and things than these it forgets the oldest.
const REMEMBERED: usize = 2_000;

#[derive(Debug)]
struct Listener {
    room: RoomId,
    /// The position up to which it knows everything; nothing, where that is not known.
    at: Option<Position>,
    ids: HashMap<EventId, Position>,
    versions: HashMap<SubjectKey, u64>,
}

/// The listeners in use.
#[derive(Debug, Default)]
pub struct Listeners {
    known: BTreeMap<ListenerId, Listener>,
    /// How many events the session was ever told of.
    heard: usize,
}

impl Listeners {
    pub fn add(&mut self, id: ListenerId, room: &RoomId, at: Option<Position>) {
        let listener = Listener {
            room: room.clone(),
            at,
            ids: HashMap::new(),
            versions: HashMap::new(),
        };
        let twice = self.known.insert(id, listener);
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

    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    #[must_use]
    pub fn room(&self, id: ListenerId) -> Option<&RoomId> {
        self.known.get(&id).map(|listener| &listener.room)
    }

    /// The session is told of events.
    pub fn heard(&mut self, events: usize) {
        self.heard += events;
    }

    /// The next event: of the same epoch, after the last, and none in between but those that may be skipped; of no
    /// event twice, and of no thing's older version.
    pub fn event(
        &mut self,
        id: ListenerId,
        to: Position,
        event: &WireEvent,
        may_be_skipped: impl Fn(Position) -> bool,
    ) {
        let Some(listener) = self.known.get_mut(&id) else {
            panic!("{id:?} does not listen, and is told {to:?}");
        };
        assert_eq!(to.seq, event.seq, "{id:?} is told the event's own place");
        if let Some(at) = listener.at {
            assert!(
                at.is_before(to),
                "{id:?} at {at:?} goes on in order, and not to {to:?}"
            );
            for seq in at.seq + 1..to.seq {
                let missed = Position { seq, ..at };
                assert!(may_be_skipped(missed), "{id:?} misses {missed:?}");
            }
        }
        listener.at = Some(to);
        if self.heard > REMEMBERED {
            return;
        }
        let before = listener.ids.insert(event.id.clone(), to);
        assert_eq!(before, None, "{id:?} is told {} again at {to:?}", event.id);
        if let Some(subject) = &event.subject {
            let newest = listener.versions.entry(subject.key.clone()).or_default();
            assert!(
                subject.version >= *newest,
                "{id:?} is told {subject:?} after version {newest}"
            );
            *newest = subject.version;
        }
    }

    /// The listener goes on from here. That is told only of events that could not be had.
    pub fn reset(&mut self, id: ListenerId, to: Position, lost: bool) {
        let Some(listener) = self.known.get_mut(&id) else {
            panic!("{id:?} does not listen, and is reset to {to:?}");
        };
        let at = listener.at.replace(to);
        assert_ne!(at, Some(to), "{id:?} is not reset to where it stands");
        let elsewhere = at.is_none_or(|at| at.epoch != to.epoch);
        assert!(
            elsewhere || lost,
            "{id:?} is reset from {at:?} to {to:?}, and nothing was lost"
        );
    }

    /// In a room that is in step up to here, each listener was told everything.
    pub fn check(&self, room: &RoomId, here: Position, may_be_skipped: impl Fn(Position) -> bool) {
        for (id, listener) in &self.known {
            let Some(at) = listener.at.filter(|_| listener.room == *room) else {
                continue;
            };
            assert_eq!(at.epoch, here.epoch, "{id:?} is left in an older order");
            for seq in at.seq.saturating_add(1)..=here.seq {
                let missed = Position { seq, ..at };
                assert!(may_be_skipped(missed), "{id:?} is not told {missed:?}");
            }
        }
    }
}

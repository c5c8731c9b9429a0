//! What this node has at Redis: the sessions that it entered, and the rooms that it listens to.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::MutexGuard;

use crate::{
    core::message::{EntryKey, RunId},
    protocol::{Epoch, RoomId},
    server::hashed::{HashMap, HashSet},
};

/// Enough that rooms seldom wait for each other.
const LINES: usize = 64;

/// The rooms that this node has somebody in.
#[derive(Debug, Default)]
pub(super) struct Entered(HashMap<RoomId, EnteredRoom>);

#[derive(Debug, Default)]
pub(super) struct EnteredRoom {
    /// The life of the room that knows them; nothing where none may.
    pub(super) epoch: Option<Epoch>,
    /// The one before, where somebody may still show them.
    pub(super) before: Option<Epoch>,
    pub(super) sessions: HashSet<EntryKey>,
    /// The run in whose index the room stands.
    indexed: Option<RunId>,
}

impl Entered {
    pub(super) fn get(&self, room: &RoomId) -> Option<&EnteredRoom> {
        self.0.get(room)
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.0.keys()
    }

    /// Before Redis is told, because its answer may be lost. True where the room does not stand in the run's index yet.
    pub(super) fn enter(&mut self, room: &RoomId, key: &EntryKey, run: RunId) -> bool {
        let entered = self.0.entry(room.clone()).or_default();
        entered.sessions.insert(key.clone());
        entered.indexed != Some(run)
    }

    /// The room stands in the run's index.
    pub(super) fn indexed(&mut self, room: &RoomId, run: RunId) {
        if let Some(entered) = self.0.get_mut(room) {
            entered.indexed = Some(run);
        }
    }

    /// The room's life that knows those who were entered. Another one has forgotten those of before: true.
    pub(super) fn known_in(&mut self, room: &RoomId, epoch: Option<Epoch>) -> bool {
        let Some(entered) = self.0.get_mut(room) else {
            return false;
        };
        let before = std::mem::replace(&mut entered.epoch, epoch);
        if before != epoch {
            entered.before = before.or(entered.before);
        }
        before != epoch && (before.is_some() || epoch.is_none()) && !entered.sessions.is_empty()
    }

    /// True where nobody is left in the room.
    pub(super) fn exit(&mut self, room: &RoomId, key: &EntryKey) -> bool {
        let Some(entered) = self.0.get_mut(room) else {
            return false;
        };
        entered.sessions.remove(key);
        let empty = entered.sessions.is_empty();
        if empty {
            self.0.remove(room);
        }
        empty
    }

    /// No room is known to know anybody. Returns all of them.
    pub(super) fn forget(&mut self) -> Vec<RoomId> {
        for entered in self.0.values_mut() {
            entered.before = entered.epoch.take().or(entered.before);
            entered.indexed = None;
        }
        self.0.keys().cloned().collect()
    }
}

/// What is told of one room goes one after the other.
#[derive(Debug)]
pub(super) struct Lines(Vec<tokio::sync::Mutex<()>>);

impl Lines {
    pub(super) fn new() -> Self {
        Self((0..LINES).map(|_| tokio::sync::Mutex::default()).collect())
    }

    pub(super) async fn of(&self, room: &RoomId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        self.0[(hasher.finish() % LINES as u64) as usize]
            .lock()
            .await
    }
}

/// The rooms that this node listens to, whether Redis can be reached or not.
pub(super) type Subscribed = HashSet<RoomId>;

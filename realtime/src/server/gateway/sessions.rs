//! The sessions of this node: which connection speaks for each, and in which rooms each is still seen.
//!
//! A session outlives its connection by the leave grace, so that a reload, a blip or a restart is no leave: losing the
//! connection gives each of its rooms a time to leave, and joining again takes it away.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::connection::Connection;
use crate::{core::message::EntryKey, protocol::RoomId, server::hub::ViewerId};

/// A session leaves a room: what the broker is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leave {
    pub(super) room: RoomId,
    pub(super) key: EntryKey,
    pub(super) incarnation: u64,
}

/// Below the client's connection number there is room for this many bits of steps on one connection: each enter takes
/// one, so that an exit decided before it, and carried out after it, changes nothing.
const STEP_BITS: u32 = 20;

#[derive(Default)]
struct Session {
    connection: Option<Arc<Connection>>,
    /// Counted up at each connect and each enter.
    incarnation: u64,
    /// The rooms in which the session is seen, each with the time at which it leaves unless it comes back.
    rooms: HashMap<RoomId, Option<Instant>>,
}

/// See the [module](self).
pub(super) struct Sessions {
    grace: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<EntryKey, Session>,
    /// The times at which sessions may have to leave. The grace is one for all, so they are in order.
    due: VecDeque<(Instant, EntryKey)>,
}

impl Sessions {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            inner: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection speaks for its session from now on. Returns the one that did before, or itself where that one
    /// is the newer, by the client's own count: this one was held up on its way.
    pub(super) fn attach(&self, connection: &Arc<Connection>) -> Option<Arc<Connection>> {
        let mut inner = self.lock();
        let session = inner.sessions.entry(connection.key()).or_default();
        let count = connection.identity.incarnation;
        let current = session.connection.as_ref();
        if current.is_some_and(|current| count != 0 && current.identity.incarnation > count) {
            return Some(connection.clone());
        }
        session.incarnation = (count << STEP_BITS).max(session.incarnation + 1);
        let before = session.connection.replace(connection.clone());
        // Whoever is back in time has as long again to join its rooms.
        self.schedule(&mut inner, &connection.key());
        before
    }

    /// The connection is gone. Its session leaves its rooms after the grace, unless another has taken over.
    pub(super) fn detach(&self, connection: &Connection) {
        let mut inner = self.lock();
        let key = connection.key();
        let Some(session) = inner.sessions.get_mut(&key) else {
            return;
        };
        if session
            .connection
            .as_ref()
            .is_some_and(|current| current.id == connection.id)
        {
            session.connection = None;
            self.schedule(&mut inner, &key);
        }
    }

    /// Gives every room of a session a time to leave.
    fn schedule(&self, inner: &mut Inner, key: &EntryKey) {
        let at = Instant::now() + self.grace;
        if let Some(session) = inner.sessions.get_mut(key) {
            for leave_at in session.rooms.values_mut() {
                *leave_at = Some(at);
            }
            inner.due.push_back((at, key.clone()));
        }
    }

    /// The session is seen in a room. Returns its incarnation, or nothing where it is seen there already by this
    /// connection, or the connection does not speak for it any more.
    pub(super) fn enter(&self, connection: &Connection, room: &RoomId) -> Option<u64> {
        let mut inner = self.lock();
        let session = inner.sessions.get_mut(&connection.key())?;
        if !session.speaks(connection.id) {
            return None;
        }
        if session.rooms.insert(room.clone(), None) == Some(None) {
            return None;
        }
        session.incarnation += 1;
        Some(session.incarnation)
    }

    /// The session leaves a room now.
    pub(super) fn leave(&self, connection: &Connection, room: &RoomId) -> Option<Leave> {
        let mut inner = self.lock();
        let key = connection.key();
        let session = inner.sessions.get_mut(&key)?;
        if !session.speaks(connection.id) || session.rooms.remove(room).is_none() {
            return None;
        }
        Some(Leave {
            room: room.clone(),
            key,
            incarnation: session.incarnation,
        })
    }

    /// The session ends now: it leaves all its rooms. Its connection may be gone already, but not replaced.
    pub(super) fn end(&self, connection: &Connection) -> Vec<Leave> {
        let mut inner = self.lock();
        let key = connection.key();
        let current = inner
            .sessions
            .get(&key)
            .and_then(|session| session.connection.as_ref());
        if current.is_some_and(|current| current.id != connection.id) {
            return Vec::new();
        }
        let Some(session) = inner.sessions.remove(&key) else {
            return Vec::new();
        };
        let incarnation = session.incarnation;
        session
            .rooms
            .into_keys()
            .map(|room| Leave {
                room,
                key: key.clone(),
                incarnation,
            })
            .collect()
    }

    /// What is due by now.
    pub(super) fn take_due(&self, now: Instant) -> Vec<Leave> {
        let mut inner = self.lock();
        let mut leaves = Vec::new();
        while inner.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = inner.due.pop_front() else {
                break;
            };
            let Some(session) = inner.sessions.get_mut(&key) else {
                continue;
            };
            let incarnation = session.incarnation;
            session.rooms.retain(|room, leave_at| {
                let stays = leave_at.is_none_or(|at| at > now);
                if !stays {
                    leaves.push(Leave {
                        room: room.clone(),
                        key: key.clone(),
                        incarnation,
                    });
                }
                stays
            });
            if session.connection.is_none() && session.rooms.is_empty() {
                inner.sessions.remove(&key);
            }
        }
        leaves
    }

    /// Every connection that speaks for a session.
    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        self.lock()
            .sessions
            .values()
            .filter_map(|session| session.connection.clone())
            .collect()
    }
}

impl Session {
    fn speaks(&self, connection: ViewerId) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|current| current.id == connection)
    }
}

//! The sessions of this node: which connection speaks for each, and in which rooms each is still seen.
//!
//! A session outlives its connection by the leave grace, so that a reload, a blip or a restart is no leave: losing the
//! connection gives each of its rooms a time to leave, and joining again takes it away.
//!
//! Whatever changes something returns the [`Mark`]s of the rooms that it concerns, for the
//! [`teller`](super::teller) to tell them.

mod state;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use state::Session;
use tokio::time::Instant;

use super::{connection::Connection, teller::Mark};
use crate::{
    core::message::{Entry, EntryKey},
    protocol::{RoomId, SessionId, UserId},
    server::hashed::{HashMap, HashSet},
};

/// See the [module](self).
pub(super) struct Sessions {
    grace: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<EntryKey, Session>,
    /// The people with sessions here.
    people: HashMap<UserId, Person>,
    /// The times at which sessions may have to leave. The grace is one for all, so they are in order.
    due: VecDeque<(Instant, EntryKey)>,
}

#[derive(Default)]
struct Person {
    sessions: HashSet<EntryKey>,
    invisible: bool,
}

impl Inner {
    fn is_invisible(&self, key: &EntryKey) -> bool {
        let person = key.user.as_ref().and_then(|user| self.people.get(user));
        person.is_some_and(|person| person.invisible)
    }

    fn remove(&mut self, key: &EntryKey) -> Vec<Mark> {
        let Some(session) = self.sessions.remove(key) else {
            return Vec::new();
        };
        if let Some(user) = &key.user
            && let Some(person) = self.people.get_mut(user)
        {
            person.sessions.remove(key);
            if person.sessions.is_empty() {
                self.people.remove(user);
            }
        }
        marks(key, session.rooms())
    }

    /// The session, where this connection speaks for it.
    fn speaking(&mut self, connection: &Connection) -> Option<&mut Session> {
        let session = self.sessions.get_mut(connection.key())?;
        session.speaks(connection.id).then_some(session)
    }

    fn of_person(&self, user: &UserId) -> Vec<EntryKey> {
        let person = self.people.get(user);
        person
            .map(|person| person.sessions.iter().cloned().collect())
            .unwrap_or_default()
    }
}

fn marks(key: &EntryKey, rooms: impl IntoIterator<Item = RoomId>) -> Vec<Mark> {
    let rooms = rooms.into_iter();
    rooms.map(|room| (key.clone(), room)).collect()
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
        let key = connection.key();
        if !inner.sessions.contains_key(key) {
            inner.sessions.insert(key.clone(), Session::default());
            if let Some(user) = &key.user {
                let known = inner.people.contains_key(user);
                let person = inner.people.entry(user.clone()).or_default();
                person.sessions.insert(key.clone());
                if !known {
                    person.invisible = connection.identity.invisible;
                }
            }
        }
        let session = inner.sessions.get_mut(key)?;
        if session.is_newer_than(connection) {
            return Some(connection.clone());
        }
        let before = session.attach(connection);
        // Whoever is back in time has as long again to join its rooms.
        self.schedule(&mut inner, key);
        before
    }

    /// The connection is gone. Its session leaves its rooms after the grace, unless another has taken over.
    pub(super) fn detach(&self, connection: &Connection) {
        let mut inner = self.lock();
        let Some(session) = inner.speaking(connection) else {
            return;
        };
        session.connection = None;
        self.schedule(&mut inner, connection.key());
    }

    /// Gives every room of a session a time to leave.
    fn schedule(&self, inner: &mut Inner, key: &EntryKey) {
        let at = Instant::now() + self.grace;
        if let Some(session) = inner.sessions.get_mut(key) {
            session.leave_at(at);
            inner.due.push_back((at, key.clone()));
        }
    }

    /// The session is seen in a room. Nothing is to be told where it is seen there already by this connection, or the
    /// connection does not speak for it any more.
    pub(super) fn enter(&self, connection: &Connection, room: &RoomId) -> Option<Mark> {
        let mut inner = self.lock();
        let entered = inner.speaking(connection)?.enter(room);
        entered.then(|| (connection.key().clone(), room.clone()))
    }

    /// Whether the session is seen in a room.
    pub(super) fn is_in(&self, key: &EntryKey, room: &RoomId) -> bool {
        let inner = self.lock();
        let session = inner.sessions.get(key);
        session.is_some_and(|session| session.is_in(room))
    }

    /// Whether a person has this session already.
    pub(super) fn is_known(&self, user: &UserId, session: &SessionId) -> bool {
        let key = EntryKey {
            user: Some(user.clone()),
            session: session.clone(),
        };
        self.lock().sessions.contains_key(&key)
    }

    /// People of these rooms may see that the session is in this one.
    pub(super) fn locate(
        &self,
        connection: &Connection,
        place: &RoomId,
        told_in: Vec<RoomId>,
    ) -> Vec<Mark> {
        let mut inner = self.lock();
        let touched = inner.speaking(connection);
        let touched = touched.map(|session| session.locate(place, told_in));
        marks(connection.key(), touched.unwrap_or_default())
    }

    /// The session leaves a room now.
    pub(super) fn leave(&self, connection: &Connection, room: &RoomId) -> Vec<Mark> {
        let mut inner = self.lock();
        let touched = inner.speaking(connection);
        let touched = touched.map(|session| session.leave(room));
        marks(connection.key(), touched.unwrap_or_default())
    }

    /// Whether somebody is at the device.
    pub(super) fn set_active(&self, connection: &Connection, active: bool) -> Vec<Mark> {
        let mut inner = self.lock();
        match inner.speaking(connection) {
            Some(session) if session.active != active => {
                session.active = active;
                marks(connection.key(), session.rooms())
            }
            _ => Vec::new(),
        }
    }

    /// The person hides, or shows themselves again, on all their devices.
    pub(super) fn set_invisible(&self, user: &UserId, invisible: bool) -> Vec<Mark> {
        let mut inner = self.lock();
        match inner.people.get_mut(user) {
            Some(person) if person.invisible != invisible => person.invisible = invisible,
            _ => return Vec::new(),
        }
        let mut touched = Vec::new();
        for key in inner.of_person(user) {
            if let Some(session) = inner.sessions.get_mut(&key) {
                if !invisible {
                    // To others they come now, wherever they have been.
                    session.begin_anew();
                }
                touched.extend(marks(&key, session.rooms()));
            }
        }
        touched
    }

    /// Whether the person hides.
    pub(super) fn is_invisible(&self, key: &EntryKey) -> bool {
        self.lock().is_invisible(key)
    }

    /// The session ends now: it leaves all its rooms. Its connection may be gone already, but not replaced.
    pub(super) fn end(&self, connection: &Connection) -> Vec<Mark> {
        let mut inner = self.lock();
        let key = connection.key();
        let current = inner.sessions.get(key);
        let current = current.and_then(|session| session.connection.as_ref());
        if current.is_some_and(|current| current.id != connection.id) {
            return Vec::new();
        }
        inner.remove(key)
    }

    /// All sessions of a person end now, those without a connection too.
    pub(super) fn end_all(&self, user: &UserId) -> Vec<Mark> {
        let mut inner = self.lock();
        let keys = inner.of_person(user);
        keys.iter().flat_map(|key| inner.remove(key)).collect()
    }

    /// What is due by now.
    pub(super) fn take_due(&self, now: Instant) -> Vec<Mark> {
        let mut inner = self.lock();
        let mut touched = Vec::new();
        while inner.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = inner.due.pop_front() else {
                break;
            };
            let Some(session) = inner.sessions.get_mut(&key) else {
                continue;
            };
            for room in session.due(now) {
                touched.extend(marks(&key, session.leave(&room)));
            }
            if session.is_over() {
                inner.remove(&key);
            }
        }
        touched
    }

    /// How a room is to know of a session, if it is. Each answer has a greater number than those before.
    pub(super) fn entry(&self, key: &EntryKey, room: &RoomId) -> Option<Entry> {
        let mut inner = self.lock();
        let invisible = inner.is_invisible(key);
        inner.sessions.get_mut(key)?.entry(room, invisible)
    }

    /// Every connection that speaks for a session.
    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        let inner = self.lock();
        let sessions = inner.sessions.values();
        sessions
            .filter_map(|session| session.connection.clone())
            .collect()
    }

    /// Those of one person.
    pub(super) fn connections_of(&self, user: &UserId) -> Vec<Arc<Connection>> {
        let inner = self.lock();
        let keys = inner.of_person(user);
        let sessions = keys.iter().filter_map(|key| inner.sessions.get(key));
        sessions
            .filter_map(|session| session.connection.clone())
            .collect()
    }

    /// Everyone with a session.
    pub(super) fn people(&self) -> Vec<UserId> {
        self.lock().people.keys().cloned().collect()
    }

    /// Whether a person has a session.
    pub(super) fn is_here(&self, user: &UserId) -> bool {
        self.lock().people.contains_key(user)
    }

    /// The people whom others may see.
    pub(super) fn visible_people(&self) -> Vec<UserId> {
        let inner = self.lock();
        let visible = inner.people.iter().filter(|(_, person)| !person.invisible);
        visible.map(|(user, _)| user.clone()).collect()
    }

    /// How many sessions there are, those without a connection included.
    pub(super) fn len(&self) -> usize {
        self.lock().sessions.len()
    }
}

//! The sessions of this node: which connection speaks for each, and in which rooms each is still seen.
//!
//! A session outlives its connection by the leave grace, so that a reload, a blip or a restart is no leave: losing the
//! connection gives each of its rooms a time to leave, and joining again takes it away.
//!
//! What a room is to be told of a session is made here, under one lock, with a number that grows: of two things told,
//! the broker keeps the one with the greater number, whatever order they come in.

mod state;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use state::Session;
use tokio::time::Instant;

use super::connection::Connection;
use crate::{
    core::message::{Entry, EntryKey},
    protocol::{RoomId, UserId},
};

/// What the broker is to be told of a session in a room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is there, like this.
    Enter(RoomId, Entry),
    /// It left. The last field says whether others could see it there.
    Exit(RoomId, EntryKey, u64, bool),
}

/// See the [module](self).
pub(super) struct Sessions {
    grace: Duration,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<EntryKey, Session>,
    /// The people with sessions here, each with the number of them and whether they hide.
    people: HashMap<UserId, Person>,
    /// The times at which sessions may have to leave. The grace is one for all, so they are in order.
    due: VecDeque<(Instant, EntryKey)>,
}

#[derive(Default)]
struct Person {
    sessions: usize,
    invisible: bool,
}

impl Inner {
    fn is_invisible(&self, key: &EntryKey) -> bool {
        let person = key.user.as_ref().and_then(|user| self.people.get(user));
        person.is_some_and(|person| person.invisible)
    }

    fn remove(&mut self, key: &EntryKey) -> Option<Session> {
        let session = self.sessions.remove(key)?;
        if let Some(user) = &key.user
            && let Some(person) = self.people.get_mut(user)
        {
            person.sessions -= 1;
            if person.sessions == 0 {
                self.people.remove(user);
            }
        }
        Some(session)
    }

    /// The session, where this connection speaks for it, and whether its person hides.
    fn speaking(&mut self, connection: &Connection) -> Option<(&mut Session, bool)> {
        let invisible = self.is_invisible(connection.key());
        let session = self.sessions.get_mut(connection.key())?;
        session
            .speaks(connection.id)
            .then_some((session, invisible))
    }
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
                let person = inner.people.entry(user.clone()).or_default();
                person.sessions += 1;
                person.invisible |= connection.identity.invisible;
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
        let Some((session, _)) = inner.speaking(connection) else {
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
    pub(super) fn enter(&self, connection: &Connection, room: &RoomId) -> Option<Told> {
        let mut inner = self.lock();
        let (session, invisible) = inner.speaking(connection)?;
        session.enter(room).then(|| session.tell(room, invisible))?
    }

    /// People of these rooms may see that the session is in this one.
    pub(super) fn locate(
        &self,
        connection: &Connection,
        place: &RoomId,
        told_in: Vec<RoomId>,
    ) -> Vec<Told> {
        let mut inner = self.lock();
        let Some((session, invisible)) = inner.speaking(connection) else {
            return Vec::new();
        };
        let touched = session.locate(place, told_in);
        session.tell_all(touched, invisible)
    }

    /// The session leaves a room now.
    pub(super) fn leave(&self, connection: &Connection, room: &RoomId) -> Vec<Told> {
        let mut inner = self.lock();
        match inner.speaking(connection) {
            Some((session, invisible)) => session.leave(connection.key(), room, invisible),
            None => Vec::new(),
        }
    }

    /// Whether somebody is at the device.
    pub(super) fn set_active(&self, connection: &Connection, active: bool) -> Vec<Told> {
        let mut inner = self.lock();
        match inner.speaking(connection) {
            Some((session, invisible)) if session.active != active => {
                session.active = active;
                session.tell_everywhere(invisible)
            }
            _ => Vec::new(),
        }
    }

    /// The person hides, or shows themselves again, on all their devices.
    pub(super) fn set_invisible(&self, user: &UserId, invisible: bool) -> Vec<Told> {
        let mut inner = self.lock();
        match inner.people.get_mut(user) {
            Some(person) if person.invisible != invisible => person.invisible = invisible,
            _ => return Vec::new(),
        }
        let of_person = |key: &EntryKey| key.user.as_ref() == Some(user);
        let sessions = inner.sessions.iter_mut();
        sessions
            .filter(|(key, _)| of_person(key))
            .flat_map(|(_, session)| session.tell_everywhere(invisible))
            .collect()
    }

    /// Whether the person hides.
    pub(super) fn is_invisible(&self, key: &EntryKey) -> bool {
        self.lock().is_invisible(key)
    }

    /// The session ends now: it leaves all its rooms. Its connection may be gone already, but not replaced.
    pub(super) fn end(&self, connection: &Connection) -> Vec<Told> {
        let mut inner = self.lock();
        let key = connection.key();
        let current = inner.sessions.get(key);
        let current = current.and_then(|session| session.connection.as_ref());
        if current.is_some_and(|current| current.id != connection.id) {
            return Vec::new();
        }
        let invisible = inner.is_invisible(key);
        match inner.remove(key) {
            Some(session) => session.exits(key, invisible),
            None => Vec::new(),
        }
    }

    /// All sessions of a person end now, those without a connection too.
    pub(super) fn end_all(&self, user: &UserId) -> Vec<Told> {
        let mut inner = self.lock();
        let of_person = |key: &&EntryKey| key.user.as_ref() == Some(user);
        let keys: Vec<EntryKey> = inner.sessions.keys().filter(of_person).cloned().collect();
        let mut told = Vec::new();
        for key in keys {
            let invisible = inner.is_invisible(&key);
            if let Some(session) = inner.remove(&key) {
                told.extend(session.exits(&key, invisible));
            }
        }
        told
    }

    /// What is due by now.
    pub(super) fn take_due(&self, now: Instant) -> Vec<Told> {
        let mut inner = self.lock();
        let mut told = Vec::new();
        while inner.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = inner.due.pop_front() else {
                break;
            };
            let invisible = inner.is_invisible(&key);
            let Some(session) = inner.sessions.get_mut(&key) else {
                continue;
            };
            for room in session.due(now) {
                told.extend(session.leave(&key, &room, invisible));
            }
            if session.is_over() {
                inner.remove(&key);
            }
        }
        told
    }

    /// Every connection that speaks for a session.
    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        self.lock()
            .sessions
            .values()
            .filter_map(|session| session.connection.clone())
            .collect()
    }

    /// Those of one person.
    pub(super) fn connections_of(&self, user: &UserId) -> Vec<Arc<Connection>> {
        let mut connections = self.connections();
        connections.retain(|connection| connection.key().user.as_ref() == Some(user));
        connections
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

//! A person: one client, and what they saw come and go, and heard, in each room.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    time::Duration,
};

use leptos_realtime::{
    Room, RoomId, UserId,
    core::session::{ListenerId, Output, Session, SessionConfig},
    protocol::{Auth, SessionId},
};
use tokio::time::Instant;

use super::{
    Result,
    common::client::{Client, Witness, micros},
    host::{Hall, Post},
};

/// Somebody came into view, or went out of it.
#[derive(Clone, Debug)]
pub struct Change {
    pub at: Instant,
    pub user: UserId,
    pub came: bool,
}

/// An event, and how long it was on its way.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub number: u32,
    pub latency: Duration,
}

/// What happened in a room, as a person saw it.
#[derive(Debug, Default)]
pub struct Seen {
    pub present: BTreeSet<UserId>,
    pub changes: Vec<Change>,
    pub heard: Vec<Heard>,
    /// When it was told to begin anew.
    pub resets: Vec<Instant>,
    /// Whether it was entered after others: what was published before is not heard.
    pub is_late: bool,
    listener: Option<ListenerId>,
}

/// What a client notes.
#[derive(Debug, Default)]
pub struct Notes {
    pub rooms: BTreeMap<u32, Seen>,
    /// How long each loss of its connection kept it from what happens in its rooms.
    pub away: Vec<Duration>,
    away_since: Option<Instant>,
    was_live: bool,
    ids: HashMap<RoomId, u32>,
    listeners: HashMap<ListenerId, u32>,
}

/// See the [module](self).
pub struct Person {
    pub user: UserId,
    /// The instance it is connected to.
    pub instance: usize,
    /// The rooms it is in.
    pub rooms: BTreeSet<u32>,
    pub client: Client<Notes>,
}

impl Person {
    /// Somebody who connects, and enters these rooms.
    pub fn connect(
        name: &str,
        instance: usize,
        address: SocketAddr,
        rooms: impl IntoIterator<Item = u32>,
    ) -> Result<Self> {
        let auth = Auth {
            token: Some(name.to_owned()),
            session: Some(SessionId::try_from(format!("session-of-{name}"))?),
            ..Auth::default()
        };
        let mut config = SessionConfig::default();
        config.linger_ms = 0;
        let mut session = Session::new(config, auth);
        let mut notes = Notes::default();
        let rooms: BTreeSet<u32> = rooms.into_iter().collect();
        for room in &rooms {
            notes.enter(&mut session, *room, false);
        }
        Ok(Self {
            user: UserId::try_from(name)?,
            instance,
            rooms,
            client: Client::connect(address, session, notes, false),
        })
    }

    /// Enters a room.
    pub fn enter(&mut self, room: u32) {
        if self.rooms.insert(room) {
            self.client
                .act(|session, notes, _| notes.enter(session, room, true));
        }
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: u32) {
        if self.rooms.remove(&room) {
            self.client.act(|session, notes, now| {
                let seen = notes.rooms.remove(&room);
                let id = Hall(room).room_id();
                if let Some(listener) = seen.and_then(|seen| seen.listener) {
                    notes.listeners.remove(&listener);
                    session.unlisten(&id, listener);
                }
                notes.ids.remove(&id);
                session.release(now, &id);
            });
        }
    }

    /// Loses its connection, and is on another instance at once.
    pub fn move_to(&mut self, instance: usize, address: SocketAddr) {
        self.instance = instance;
        self.client.send_to(address);
        self.client.cut();
    }

    /// Whether all its rooms are in step with its instance.
    pub fn is_live(&self) -> bool {
        let state = self.client.state();
        let mut rooms = self.rooms.iter();
        rooms.all(|room| state.session().is_live(&Hall(*room).room_id()))
    }

    /// Whether it was told that its instance is cut off from the others.
    pub fn is_degraded(&self) -> bool {
        self.client.state().session().is_degraded()
    }

    /// Forgets what it saw come and go.
    pub fn mark(&self) {
        for seen in self.client.state().rooms.values_mut() {
            seen.changes.clear();
        }
    }
}

impl Notes {
    fn enter(&mut self, session: &mut Session, room: u32, is_late: bool) {
        let id = Hall(room).room_id();
        session.acquire(&id, None);
        let listener = session.listen(&id, None);
        self.listeners
            .extend(listener.map(|listener| (listener, room)));
        self.ids.insert(id, room);
        let seen = Seen {
            is_late,
            listener,
            ..Seen::default()
        };
        self.rooms.insert(room, seen);
    }
}

impl Notes {
    fn note_absence(&mut self, session: &Session) {
        let is_live = || self.ids.keys().all(|room| session.is_live(room));
        match self.away_since {
            None if self.was_live && !is_live() => self.away_since = Some(Instant::now()),
            Some(since) if is_live() => {
                self.away.push(since.elapsed());
                self.away_since = None;
            }
            None if !self.was_live => self.was_live = is_live(),
            _ => {}
        }
    }
}

impl Witness for Notes {
    fn told(&mut self, session: &Session, output: Output) {
        if matches!(output, Output::Connection | Output::View(_)) {
            self.note_absence(session);
        }
        match output {
            Output::View(id) => {
                let seen = self.ids.get(&id).and_then(|room| self.rooms.get_mut(room));
                if let (Some(seen), Some(view)) = (seen, session.view(&id)) {
                    seen.look(view.members.keys());
                }
            }
            Output::Event(listener, _, event) => {
                let room = self.listeners.get(&listener);
                let seen = room.and_then(|room| self.rooms.get_mut(room));
                if let (Some(seen), Ok(post)) =
                    (seen, serde_json::from_str::<Post>(event.data.get()))
                {
                    seen.heard.push(Heard {
                        number: post.number,
                        latency: Duration::from_micros(micros().saturating_sub(post.at)),
                    });
                }
            }
            Output::Reset(listener, _) => {
                let room = self.listeners.get(&listener);
                if let Some(seen) = room.and_then(|room| self.rooms.get_mut(room)) {
                    seen.resets.push(Instant::now());
                }
            }
            _ => {}
        }
    }
}

impl Seen {
    /// Notes who has come and gone. Both are in order, so that they can be gone through side by side: in a room of a
    /// thousand this is done a thousand times a second.
    fn look<'a>(&mut self, members: impl Iterator<Item = &'a UserId>) {
        let at = Instant::now();
        let before = self.changes.len();
        let mut present = self.present.iter().peekable();
        let mut note = |user: &UserId, came| {
            let user = user.clone();
            self.changes.push(Change { at, user, came });
        };
        for member in members {
            while let Some(gone) = present.next_if(|user| *user < member) {
                note(gone, false);
            }
            if present.next_if(|user| *user == member).is_none() {
                note(member, true);
            }
        }
        present.for_each(|gone| note(gone, false));
        for change in &self.changes[before..] {
            match change.came {
                true => self.present.insert(change.user.clone()),
                false => self.present.remove(&change.user),
            };
        }
    }
}

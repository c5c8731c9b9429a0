//! One room on the server: who is in it, what happened in it, and what its subscribers were shown of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    log::{EventLog, Retention},
    message::{Entry, EntryChange, EntryKey, RoomMessage, RoomSnapshot},
};
use crate::protocol::{
    DeviceKind, FirstView, Joined, Member, Outcome, Position, RoomFrame, RoomId, SessionId, Status,
    UnixMillis, UserId, WireEvent,
};

/// How long a typing line lives without being repeated, in milliseconds.
pub const TYPING_TTL_MS: u64 = 6_000;

/// How often a client repeats that its person types, in milliseconds: one lost repeat does no harm.
pub const TYPING_REPEAT_MS: u64 = 2_500;

/// The most people a typing line names.
pub const TYPING_MAX: usize = 10;

/// What a message did to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is known already, or says nothing new.
    Nothing,
    /// Events or typing to be shown at once.
    Urgent,
    /// Presence to be shown within the window.
    Presence,
    /// Messages before it were lost: load a snapshot.
    Gap,
}

/// A room's state on one node.
///
/// Changes gather until [`Replica::take_frame`] turns all of them into one frame; a person who came and went between
/// two frames appears in none.
#[derive(Debug)]
pub struct Replica {
    room: RoomId,
    log: EventLog,
    version: u64,
    people: BTreeMap<UserId, BTreeMap<SessionId, Entry>>,
    guests: BTreeMap<SessionId, Entry>,
    typing: BTreeMap<UserId, u64>,
    shown: Shown,
    pending: Pending,
}

/// What the subscribers have been shown, up to frame `frame`.
#[derive(Debug, Default)]
struct Shown {
    frame: u64,
    members: BTreeMap<UserId, Member>,
    guests: u32,
    typing: Vec<UserId>,
}

/// What they have not been shown yet.
#[derive(Debug, Default)]
struct Pending {
    events: Vec<Arc<WireEvent>>,
    people: BTreeSet<UserId>,
}

impl Replica {
    /// The replica of a snapshot, all of it shown.
    #[must_use]
    pub fn new(room: RoomId, snapshot: RoomSnapshot) -> Self {
        let log = EventLog::from_parts(snapshot.position, snapshot.events);
        let mut replica = Self {
            room,
            log,
            version: snapshot.version,
            people: BTreeMap::new(),
            guests: BTreeMap::new(),
            typing: BTreeMap::new(),
            shown: Shown::default(),
            pending: Pending::default(),
        };
        replica.replace_entries(snapshot.entries);
        replica.take_frame();
        replica
    }

    /// Takes over a snapshot read after a gap. Where the order goes on, the missing events become pending; where it
    /// does not, the subscribers need a [`Joined`] of the new order and `false` is returned.
    pub fn reload(&mut self, snapshot: RoomSnapshot) -> bool {
        let head = self.log.head();
        self.version = snapshot.version;
        self.replace_entries(snapshot.entries);
        let log = EventLog::from_parts(snapshot.position, snapshot.events);
        let missing = log.since(head);
        self.log = log;
        let continues = missing.is_some();
        match missing {
            Some(events) => self.pending.events.extend(events),
            None => self.pending.events.clear(),
        }
        continues
    }

    fn replace_entries(&mut self, entries: Vec<Entry>) {
        self.pending
            .people
            .extend(std::mem::take(&mut self.people).into_keys());
        self.guests.clear();
        for entry in entries {
            self.enter(entry);
        }
        self.typing.retain(|user, _| self.people.contains_key(user));
    }

    /// Applies one message of the broker, in the order in which they come.
    pub fn apply(&mut self, message: &RoomMessage, now: u64) -> Applied {
        match message {
            RoomMessage::Event { epoch, event } => {
                let head = self.log.head();
                if *epoch == head.epoch && event.seq <= head.seq {
                    return Applied::Nothing;
                }
                if *epoch != head.epoch || !self.log.push(event.clone()) {
                    return Applied::Gap;
                }
                self.pending.events.push(event.clone());
                Applied::Urgent
            }
            RoomMessage::Presence {
                epoch,
                version,
                change,
            } => {
                if *epoch == self.log.head().epoch && *version <= self.version {
                    return Applied::Nothing;
                }
                if *epoch != self.log.head().epoch || *version != self.version + 1 {
                    return Applied::Gap;
                }
                self.version = *version;
                match change {
                    EntryChange::Enter(entry) => self.enter(entry.clone()),
                    EntryChange::Exit(key) => self.exit(key),
                }
                Applied::Presence
            }
            RoomMessage::Typing { user, on } => {
                // Whoever is not here to be seen does not type either.
                let changed = if *on && self.people.contains_key(user) {
                    self.typing
                        .insert(user.clone(), now + TYPING_TTL_MS)
                        .is_none()
                } else {
                    self.typing.remove(user).is_some()
                };
                if changed {
                    Applied::Urgent
                } else {
                    Applied::Nothing
                }
            }
        }
    }

    fn enter(&mut self, entry: Entry) {
        match &entry.user {
            Some(user) => {
                self.pending.people.insert(user.id.clone());
                self.people
                    .entry(user.id.clone())
                    .or_default()
                    .insert(entry.session.clone(), entry);
            }
            None => {
                self.guests.insert(entry.session.clone(), entry);
            }
        }
    }

    fn exit(&mut self, key: &EntryKey) {
        let Some(user) = &key.user else {
            self.guests.remove(&key.session);
            return;
        };
        if let Some(sessions) = self.people.get_mut(user) {
            sessions.remove(&key.session);
            if sessions.is_empty() {
                self.people.remove(user);
                self.typing.remove(user);
            }
            self.pending.people.insert(user.clone());
        }
    }

    /// Drops old events and typing lines that were not repeated. True when a typing line ended.
    pub fn expire(&mut self, retention: Retention, now: u64, unix_now: UnixMillis) -> bool {
        self.log.trim(retention, unix_now);
        let before = self.typing.len();
        self.typing.retain(|_, until| *until > now);
        before != self.typing.len()
    }

    /// The place after the last event.
    #[must_use]
    pub fn position(&self) -> Position {
        self.log.head()
    }

    /// Whether nobody is here, typing lines included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.guests.is_empty()
    }

    /// Everything that changed since the last frame, as the next one; nothing, where nothing did.
    pub fn take_frame(&mut self) -> Option<RoomFrame> {
        let pending = std::mem::take(&mut self.pending);
        let (mut members, mut gone) = (Vec::new(), Vec::new());
        for user in pending.people {
            match self.people.get(&user).and_then(member) {
                Some(now) if self.shown.members.get(&user) != Some(&now) => {
                    self.shown.members.insert(user, now.clone());
                    members.push(now);
                }
                Some(_) => {}
                None => {
                    if self.shown.members.remove(&user).is_some() {
                        gone.push(user);
                    }
                }
            }
        }
        let guests = self.guests.len() as u32;
        let guests = (guests != self.shown.guests).then_some(guests);
        self.shown.guests = guests.unwrap_or(self.shown.guests);
        let typing: Vec<UserId> = self.typing.keys().take(TYPING_MAX).cloned().collect();
        let typing = (typing != self.shown.typing).then_some(typing);
        if let Some(typing) = &typing {
            self.shown.typing.clone_from(typing);
        }
        let events: Vec<WireEvent> = pending
            .events
            .iter()
            .map(|event| (**event).clone())
            .collect();
        if events.is_empty()
            && members.is_empty()
            && gone.is_empty()
            && guests.is_none()
            && typing.is_none()
        {
            return None;
        }
        self.shown.frame += 1;
        Some(RoomFrame {
            room: self.room.clone(),
            frame: self.shown.frame,
            events,
            members,
            gone,
            guests,
            typing,
        })
    }

    /// The view for someone who joins now and already has everything up to `since`. Take the pending frame first:
    /// the view contains what has been shown.
    #[must_use]
    pub fn joined(&self, since: Option<Position>) -> Joined {
        let (outcome, events) = match since.map(|since| self.log.since(since)) {
            None => (Outcome::Fresh, Vec::new()),
            Some(Some(events)) => (Outcome::Replay, events),
            Some(None) => (Outcome::Reset, Vec::new()),
        };
        Joined {
            room: self.room.clone(),
            outcome,
            position: self.log.head(),
            frame: self.shown.frame,
            events: events.iter().map(|event| (**event).clone()).collect(),
            members: self.shown.members.values().cloned().collect(),
            guests: self.shown.guests,
            typing: self.shown.typing.clone(),
        }
    }

    /// The view for a page's first HTML.
    #[must_use]
    pub fn first_view(&self) -> FirstView {
        FirstView {
            room: self.room.clone(),
            position: self.log.head(),
            members: self.people.values().filter_map(member).collect(),
            guests: self.guests.len() as u32,
        }
    }
}

/// A person as others see them: the union of their sessions.
fn member(sessions: &BTreeMap<SessionId, Entry>) -> Option<Member> {
    let latest = sessions.values().max_by_key(|entry| entry.incarnation)?;
    let user = latest.user.as_ref()?;
    let online = sessions
        .values()
        .any(|entry| entry.status == Status::Online);
    let devices: BTreeSet<DeviceKind> = sessions.values().map(|entry| entry.device_kind).collect();
    Some(Member {
        user: user.id.clone(),
        name: user.name.clone(),
        status: if online { Status::Online } else { Status::Away },
        devices: devices.into_iter().collect(),
        since: sessions
            .values()
            .map(|entry| entry.since)
            .min()
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;

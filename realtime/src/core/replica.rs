//! One room on the server: who is in it, what happened in it, and what its subscribers were shown of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::log::{EventLog, Retention};
use crate::protocol::{
    DeviceId, DeviceKind, Epoch, FirstView, Joined, Member, Outcome, Position, RoomFrame, RoomId,
    SessionId, Status, UnixMillis, User, UserId, WireEvent,
};

/// How long a typing line lives without being repeated, in milliseconds.
pub const TYPING_TTL_MS: u64 = 6_000;

/// How often a client repeats that its person types, in milliseconds: one lost repeat does no harm.
pub const TYPING_REPEAT_MS: u64 = 2_500;

/// The most people a typing line names.
pub const TYPING_MAX: usize = 10;

/// A session's presence in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The session, unique together with the user.
    pub session: SessionId,
    /// Who is signed in; nobody for a guest.
    pub user: Option<User>,
    /// The session's connection number: an older one changes nothing.
    pub incarnation: u64,
    /// The browser.
    pub device: Option<DeviceId>,
    /// Its kind.
    pub device_kind: DeviceKind,
    /// Online or away.
    pub status: Status,
    /// Since when the session has been here.
    pub since: UnixMillis,
}

impl Entry {
    /// What tells this entry from the others of its room.
    #[must_use]
    pub fn key(&self) -> EntryKey {
        EntryKey {
            user: self.user.as_ref().map(|user| user.id.clone()),
            session: self.session.clone(),
        }
    }
}

/// What tells an entry from the others of its room. The user is part of it, so that nobody can take over a session by
/// its id alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryKey {
    /// Who is signed in; nobody for a guest.
    pub user: Option<UserId>,
    /// The session.
    pub session: SessionId,
}

/// One step in a room's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryChange {
    /// The session is here, as said.
    Enter(Entry),
    /// The session is gone.
    Exit(EntryKey),
}

/// What a broker numbers and publishes. Events and presence are counted apart.
#[derive(Clone, Debug)]
pub enum RoomMessage {
    /// The event after the one before.
    Event {
        /// The life of the room's log.
        epoch: Epoch,
        /// The event, with its number.
        event: Arc<WireEvent>,
    },
    /// The presence change after the one before.
    Presence {
        /// The life of the room's log.
        epoch: Epoch,
        /// The number of the change, from 1.
        version: u64,
        /// The change.
        change: EntryChange,
    },
    /// A person begins, continues or ends typing: not numbered, not kept.
    Typing {
        /// Who.
        user: UserId,
        /// Whether typing.
        on: bool,
    },
}

/// A room as the broker holds it, read in one step.
#[derive(Clone, Debug)]
pub struct RoomSnapshot {
    /// The place after the last event.
    pub position: Position,
    /// The number of the last presence change.
    pub version: u64,
    /// Every session here.
    pub entries: Vec<Entry>,
    /// The retained events, in order.
    pub events: Vec<Arc<WireEvent>>,
}

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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EPOCH: Epoch = Epoch(1);

    fn empty() -> Replica {
        let position = Position {
            epoch: EPOCH,
            seq: 0,
        };
        let snapshot = RoomSnapshot {
            position,
            version: 0,
            entries: vec![],
            events: vec![],
        };
        Replica::new("board:7".parse().unwrap(), snapshot)
    }

    fn entry(user: i64, session: u64, kind: DeviceKind) -> Entry {
        Entry {
            session: format!("s{session}").try_into().unwrap(),
            user: (user > 0).then(|| User::new(user, format!("P{user}"))),
            incarnation: 1,
            device: None,
            device_kind: kind,
            status: Status::Online,
            since: session,
        }
    }

    fn presence(version: u64, change: EntryChange) -> RoomMessage {
        RoomMessage::Presence {
            epoch: EPOCH,
            version,
            change,
        }
    }

    fn event(seq: u64) -> RoomMessage {
        let data = serde_json::value::to_raw_value(&seq).unwrap();
        let event = WireEvent {
            seq,
            id: format!("e{seq}").try_into().unwrap(),
            at: 0,
            data,
        };
        RoomMessage::Event {
            epoch: EPOCH,
            event: Arc::new(event),
        }
    }

    #[test]
    fn two_devices_are_one_member_and_closing_one_shows_only_that() {
        let mut replica = empty();
        let (desk, phone) = (
            entry(1, 1, DeviceKind::Desktop),
            entry(1, 2, DeviceKind::Mobile),
        );
        replica.apply(&presence(1, EntryChange::Enter(desk)), 0);
        replica.apply(&presence(2, EntryChange::Enter(phone.clone())), 0);
        let frame = replica.take_frame().unwrap();
        assert_eq!(frame.members.len(), 1);
        assert_eq!(
            frame.members[0].devices,
            [DeviceKind::Desktop, DeviceKind::Mobile]
        );
        assert_eq!(frame.members[0].since, 1);
        replica.apply(&presence(3, EntryChange::Exit(phone.key())), 0);
        let frame = replica.take_frame().unwrap();
        assert!(frame.gone.is_empty());
        assert_eq!(frame.members[0].devices, [DeviceKind::Desktop]);
    }

    #[test]
    fn who_comes_and_goes_between_two_frames_appears_in_none() {
        let mut replica = empty();
        let guest = entry(0, 1, DeviceKind::Other);
        let person = entry(1, 2, DeviceKind::Other);
        for (i, change) in [
            EntryChange::Enter(person.clone()),
            EntryChange::Enter(guest.clone()),
            EntryChange::Exit(person.key()),
            EntryChange::Exit(guest.key()),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(
                replica.apply(&presence(i as u64 + 1, change), 0),
                Applied::Presence
            );
        }
        assert!(replica.take_frame().is_none());
        assert!(replica.is_empty());
    }

    #[test]
    fn a_lost_message_is_a_gap_and_a_repeated_one_is_nothing() {
        let mut replica = empty();
        assert_eq!(replica.apply(&event(1), 0), Applied::Urgent);
        assert_eq!(replica.apply(&event(1), 0), Applied::Nothing);
        assert_eq!(replica.apply(&event(3), 0), Applied::Gap);
        assert_eq!(
            replica.apply(
                &presence(2, EntryChange::Enter(entry(1, 1, DeviceKind::Other))),
                0
            ),
            Applied::Gap
        );
        assert_eq!(replica.position().seq, 1);
    }

    #[test]
    fn a_reload_in_the_same_epoch_shows_what_was_missed_and_in_another_asks_for_a_reset() {
        let mut replica = empty();
        replica.apply(&event(1), 0);
        replica.take_frame();
        let snapshot = |epoch| RoomSnapshot {
            position: Position { epoch, seq: 3 },
            version: 9,
            entries: vec![entry(1, 1, DeviceKind::Other)],
            events: [1, 2, 3]
                .map(|seq| match event(seq) {
                    RoomMessage::Event { event, .. } => event,
                    _ => unreachable!(),
                })
                .to_vec(),
        };
        assert!(replica.reload(snapshot(EPOCH)));
        let frame = replica.take_frame().unwrap();
        assert_eq!(
            frame.events.iter().map(|e| e.seq).collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(frame.members.len(), 1);
        assert!(!replica.reload(snapshot(Epoch(2))));
        assert!(replica.take_frame().is_none());
        assert_eq!(
            replica
                .joined(Some(Position {
                    epoch: EPOCH,
                    seq: 3
                }))
                .outcome,
            Outcome::Reset
        );
    }

    #[test]
    fn typing_ends_by_itself_and_only_those_who_are_here_type() {
        let mut replica = empty();
        let typing = |user: i64, on| RoomMessage::Typing {
            user: user.into(),
            on,
        };
        assert_eq!(
            replica.apply(&typing(1, true), 0),
            Applied::Nothing,
            "not here"
        );
        let ada = entry(1, 1, DeviceKind::Other);
        replica.apply(&presence(1, EntryChange::Enter(ada.clone())), 0);
        assert_eq!(replica.apply(&typing(1, true), 0), Applied::Urgent);
        assert_eq!(
            replica.apply(&typing(1, true), 1_000),
            Applied::Nothing,
            "a repeat changes nothing"
        );
        assert_eq!(replica.take_frame().unwrap().typing, Some(vec![1.into()]));
        assert!(!replica.expire(Retention::default(), TYPING_TTL_MS + 999, 0));
        assert!(replica.expire(Retention::default(), TYPING_TTL_MS + 1_000, 0));
        assert_eq!(replica.take_frame().unwrap().typing, Some(vec![]));
        replica.apply(&typing(1, true), 0);
        replica.apply(&presence(2, EntryChange::Exit(ada.key())), 0);
        assert_eq!(replica.take_frame().unwrap().gone, vec![UserId::from(1)]);
        assert!(replica.joined(None).typing.is_empty(), "leaving ends it");
    }

    proptest! {
        /// Whatever comes, the frames add up to the view of someone who joins afterwards.
        #[test]
        fn frames_add_up_to_the_view(
            steps in prop::collection::vec((0i64..4, 0u64..3, any::<bool>(), any::<bool>()), 0..60)
        ) {
            let mut replica = empty();
            let mut seen: BTreeMap<UserId, Member> = BTreeMap::new();
            let (mut guests, mut frames) = (0, 0);
            for (i, (user, session, enter, flush)) in steps.into_iter().enumerate() {
                let entry = entry(user, session, DeviceKind::Other);
                let change = if enter { EntryChange::Enter(entry) } else { EntryChange::Exit(entry.key()) };
                prop_assert_eq!(replica.apply(&presence(i as u64 + 1, change), 0), Applied::Presence);
                if flush && let Some(frame) = replica.take_frame() {
                    frames += 1;
                    prop_assert_eq!(frame.frame, frames);
                    seen.extend(frame.members.into_iter().map(|m| (m.user.clone(), m)));
                    for user in frame.gone {
                        prop_assert!(seen.remove(&user).is_some(), "only who was shown goes");
                    }
                    guests = frame.guests.unwrap_or(guests);
                }
            }
            if let Some(frame) = replica.take_frame() {
                seen.extend(frame.members.into_iter().map(|m| (m.user.clone(), m)));
                for user in frame.gone { seen.remove(&user); }
                guests = frame.guests.unwrap_or(guests);
            }
            let view = replica.joined(None);
            prop_assert_eq!(view.members, seen.into_values().collect::<Vec<_>>());
            prop_assert_eq!(view.guests, guests);
            prop_assert_eq!(replica.first_view().members, view_members(&replica));
        }
    }

    fn view_members(replica: &Replica) -> Vec<Member> {
        replica.joined(None).members
    }
}

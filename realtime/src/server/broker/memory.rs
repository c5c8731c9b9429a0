//! The broker inside one process: for a single instance, and for several in one test.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Broker, BrokerError, Head, Inbox, MAX_REMEMBERED, NodeInfo, REMEMBERED};
use crate::{
    core::{
        log::{EventLog, Retention},
        message::{
            Entry, EntryChange, EntryKey, NewEvent, RoomMessage, RoomSignal, RoomSnapshot, RunId,
        },
    },
    protocol::{
        Epoch, EventId, Online, Position, RoomId, SessionId, Status, UnixMillis, UserId, WireEvent,
    },
    server::{clock::unix_millis, hashed::HashMap, random::random},
};

/// The rooms of one process. Each node that meets there has an [`Inbox`] of its own.
#[derive(Clone, Debug)]
pub struct MemoryBroker {
    rooms: Arc<Mutex<HashMap<RoomId, MemoryRoom>>>,
    retention: Retention,
    inbox: Inbox,
    /// Tells this node's entries from those of others.
    run: RunId,
}

#[derive(Debug)]
struct MemoryRoom {
    log: EventLog,
    ids: Ids,
    version: u64,
    /// When the room was used last: a position in it is good for as long as an event would be.
    used: UnixMillis,
    /// The sessions of each person, and those of all guests under nobody.
    entries: HashMap<Option<UserId>, HashMap<SessionId, Entry>>,
    subscribers: Vec<Inbox>,
}

fn visible_since(entry: &Entry) -> Option<UnixMillis> {
    (entry.status != Status::Invisible).then_some(entry.since)
}

/// The ids of a room's events, and their numbers.
#[derive(Debug, Default)]
struct Ids {
    seqs: HashMap<EventId, u64>,
    by_age: VecDeque<(UnixMillis, EventId)>,
}

impl Ids {
    fn remember(&mut self, event: &WireEvent) {
        self.seqs.insert(event.id.clone(), event.seq);
        self.by_age.push_back((event.at, event.id.clone()));
    }

    /// Forgets what is old enough and no longer in the log, and what is too much.
    fn trim(&mut self, first_in_log: u64, now: UnixMillis) {
        let old = now.saturating_sub(REMEMBERED.as_millis() as u64);
        while let Some((at, id)) = self.by_age.front() {
            let in_log = self.seqs.get(id).is_some_and(|seq| *seq >= first_in_log);
            if self.by_age.len() <= MAX_REMEMBERED && (in_log || *at >= old) {
                break;
            }
            self.seqs.remove(id);
            self.by_age.pop_front();
        }
    }
}

impl MemoryRoom {
    fn new() -> Self {
        Self {
            log: EventLog::new(Epoch(random())),
            ids: Ids::default(),
            version: 0,
            used: unix_millis(),
            entries: HashMap::default(),
            subscribers: Vec::new(),
        }
    }

    fn publish(&self, room: &RoomId, message: &RoomMessage) {
        for inbox in &self.subscribers {
            inbox.deliver(room, message.clone());
        }
    }

    fn remove(&mut self, key: &EntryKey) {
        if let Some(sessions) = self.entries.get_mut(&key.user) {
            sessions.remove(&key.session);
            if sessions.is_empty() {
                self.entries.remove(&key.user);
            }
        }
    }

    fn presence(&mut self, room: &RoomId, change: EntryChange) {
        self.version += 1;
        let message = RoomMessage::Presence {
            epoch: self.log.head().epoch,
            version: self.version,
            at: unix_millis(),
            change,
        };
        self.publish(room, &message);
    }
}

impl MemoryBroker {
    /// A meeting point with its first node.
    #[must_use]
    pub fn new(retention: Retention, inbox: Inbox) -> Self {
        Self {
            rooms: Arc::default(),
            retention,
            inbox,
            run: RunId(random()),
        }
    }

    /// Another node at the same meeting point.
    #[must_use]
    pub fn join(&self, inbox: Inbox) -> Self {
        Self {
            rooms: self.rooms.clone(),
            retention: self.retention,
            inbox,
            run: RunId(random()),
        }
    }

    /// The node is dead: it hears nothing any more, and its sessions leave every room.
    #[cfg(feature = "testing")]
    pub(crate) fn purge(&self) {
        for (room, state) in &mut *self.lock() {
            state
                .subscribers
                .retain(|inbox| !inbox.same_as(&self.inbox));
            let of_node = |entry: &&Entry| entry.run == self.run;
            let entries = state.entries.values().flat_map(HashMap::values);
            let dead: Vec<EntryKey> = entries.filter(of_node).map(Entry::key).collect();
            for key in dead {
                state.remove(&key);
                state.presence(room, EntryChange::Exit(key));
            }
        }
    }

    /// Held for one room's step, never across an await: numbering and publishing are one.
    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, MemoryRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, room: &RoomId, step: impl FnOnce(&mut MemoryRoom) -> T) -> T {
        let mut rooms = self.lock();
        // Most steps find the room: only a new one pays for a second look-up.
        if let Some(found) = rooms.get_mut(room) {
            found.used = unix_millis();
            return step(found);
        }
        step(rooms.entry(room.clone()).or_insert_with(MemoryRoom::new))
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError> {
        Ok(self.with(room, |state| {
            let head = state.log.head();
            if let Some(seq) = state.ids.seqs.get(&event.id) {
                return Position { seq: *seq, ..head };
            }
            let previous = state.log.get(head.seq).map(|event| event.id.clone());
            let event = Arc::new(WireEvent {
                seq: head.seq + 1,
                id: event.id,
                at: unix_millis(),
                subject: event.subject,
                origin: event.origin,
                data: event.data,
            });
            state.log.push(event.clone());
            state.log.trim(self.retention, event.at);
            state.ids.remember(&event);
            state.ids.trim(state.log.first(), event.at);
            state.publish(
                room,
                &RoomMessage::Event {
                    epoch: head.epoch,
                    event,
                    previous,
                },
            );
            state.log.head()
        }))
    }

    async fn signal(&self, room: &RoomId, signal: RoomSignal) -> Result<(), BrokerError> {
        if let Some(state) = self.lock().get(room) {
            state.publish(room, &RoomMessage::Signal(signal));
        }
        Ok(())
    }

    async fn clear(&self, room: &RoomId) -> Result<(), BrokerError> {
        if let Some(state) = self.lock().get_mut(room) {
            let subscribers = std::mem::take(&mut state.subscribers);
            *state = MemoryRoom::new();
            state.subscribers = subscribers;
            let epoch = state.log.head().epoch;
            state.publish(
                room,
                &RoomMessage::Begun {
                    epoch,
                    cleared: true,
                },
            );
        }
        Ok(())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, BrokerError> {
        let head = |room| {
            self.with(room, |state| Head {
                position: state.log.head(),
                version: state.version,
            })
        };
        Ok(rooms.iter().map(head).collect())
    }

    async fn enter(&self, room: &RoomId, mut entry: Entry) -> Result<(), BrokerError> {
        self.with(room, |state| {
            let key = entry.key();
            let sessions = state.entries.entry(key.user.clone()).or_default();
            let stored = sessions.get(&key.session);
            if stored.is_some_and(|stored| entry.incarnation < stored.incarnation) {
                return;
            }
            // A person has been here since their first device came, whichever of them goes first.
            let before = match key.user {
                // Only since when others could see them: who hid has only just come.
                Some(_) => sessions.values().filter_map(visible_since).min(),
                None => stored.map(|stored| stored.since),
            };
            entry.since = before.unwrap_or(entry.since);
            entry.run = self.run;
            sessions.insert(key.session, entry.clone());
            state.presence(room, EntryChange::Enter(entry));
        });
        Ok(())
    }

    async fn exit(
        &self,
        room: &RoomId,
        key: &EntryKey,
        incarnation: u64,
    ) -> Result<(), BrokerError> {
        self.with(room, |state| {
            let Some(sessions) = state.entries.get(&key.user) else {
                return;
            };
            let stored = sessions.get(&key.session);
            if stored.is_none_or(|entry| entry.incarnation > incarnation) {
                return;
            }
            state.remove(key);
            state.presence(room, EntryChange::Exit(key.clone()));
        });
        Ok(())
    }

    async fn snapshot(&self, room: &RoomId) -> Result<RoomSnapshot, BrokerError> {
        Ok(self.with(room, |state| {
            let position = state.log.head();
            let events = state.log.all();
            RoomSnapshot {
                position,
                version: state.version,
                entries: state
                    .entries
                    .values()
                    .flat_map(HashMap::values)
                    .cloned()
                    .collect(),
                events,
            }
        }))
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.with(room, |state| {
            if !state
                .subscribers
                .iter()
                .any(|inbox| inbox.same_as(&self.inbox))
            {
                state.subscribers.push(self.inbox.clone());
            }
        });
        Ok(())
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        if let Some(state) = self.lock().get_mut(room) {
            state
                .subscribers
                .retain(|inbox| !inbox.same_as(&self.inbox));
        }
        Ok(())
    }

    fn nodes(&self) -> Vec<NodeInfo> {
        vec![NodeInfo {
            run: self.run,
            name: format!("process {}", std::process::id()),
            leaving: false,
        }]
    }

    fn maintain(&self) {
        let now = unix_millis();
        self.lock().retain(|room, state| {
            state.log.trim(self.retention, now);
            state.ids.trim(state.log.first(), now);
            // Nothing happens in a person's own room, so that nobody goes on there from a place.
            let kept = room.kind() != Online::KIND
                && state.used.saturating_add(self.retention.age_ms) >= now;
            kept || !(state.entries.is_empty()
                && state.subscribers.is_empty()
                && state.log.is_empty()
                && state.ids.by_age.is_empty())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::broker::suite::{self, Node};

    #[tokio::test]
    async fn the_memory_broker_does_what_every_broker_does() {
        suite::run(|| async {
            let retention = Retention::default();
            let (inbox, mut one) = Inbox::new(1, 64);
            let broker = MemoryBroker::new(retention, inbox);
            let (inbox, mut two) = Inbox::new(1, 64);
            let other = broker.join(inbox);
            let node = |broker, receivers: &mut Vec<_>| Node {
                broker,
                received: receivers.remove(0),
            };
            (node(broker, &mut one), node(other, &mut two))
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_full_inbox_loses_is_noted_and_a_room_that_nobody_needs_is_dropped() {
        let retention = Retention {
            count: 1,
            ..Retention::default()
        };
        let (inbox, _receivers) = Inbox::new(1, 1);
        let broker = MemoryBroker::new(retention, inbox.clone());
        let room: RoomId = "board:7".parse().unwrap();
        broker.subscribe(&room).await.unwrap();
        for _ in 0..2 {
            assert!(!inbox.take_lost(0));
            let user = UserId::from(1);
            let typing = RoomSignal::Typing { user, on: true };
            broker.signal(&room, typing).await.unwrap();
        }
        assert!(inbox.take_lost(0));
        assert!(!inbox.take_lost(0), "noted once");
        broker.maintain();
        assert_eq!(broker.lock().len(), 1);
        broker.unsubscribe(&room).await.unwrap();
        broker.maintain();
        assert_eq!(
            broker.lock().len(),
            1,
            "a position in it is good for a while"
        );
        let own: RoomId = "online:7".parse().unwrap();
        broker.heads(std::slice::from_ref(&own)).await.unwrap();
        assert_eq!(broker.lock().len(), 2);
        broker.maintain();
        assert_eq!(
            broker.lock().len(),
            1,
            "nobody goes on in a person's own room"
        );
        broker.lock().get_mut(&room).unwrap().used = 0;
        broker.maintain();
        assert_eq!(broker.lock().len(), 0);
    }
}

//! The broker inside one process: for a single instance, and for several in one test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::value::RawValue;

use super::{Broker, BrokerError, Inbox};
use crate::{
    core::{
        log::{EventLog, Retention},
        message::{Entry, EntryChange, EntryKey, RoomMessage, RoomSnapshot},
    },
    protocol::{Epoch, EventId, Position, RoomId, UserId, WireEvent},
    server::clock::unix_millis,
};

/// The rooms of one process. Each node that meets there has an [`Inbox`] of its own.
#[derive(Clone, Debug)]
pub struct MemoryBroker {
    rooms: Arc<Mutex<HashMap<RoomId, MemoryRoom>>>,
    retention: Retention,
    inbox: Inbox,
}

#[derive(Debug)]
struct MemoryRoom {
    log: EventLog,
    version: u64,
    entries: HashMap<EntryKey, Entry>,
    subscribers: Vec<Inbox>,
}

impl MemoryRoom {
    fn new() -> Self {
        Self {
            log: EventLog::new(Epoch(rand::random())),
            version: 0,
            entries: HashMap::new(),
            subscribers: Vec::new(),
        }
    }

    fn publish(&self, room: &RoomId, message: &RoomMessage) {
        for inbox in &self.subscribers {
            inbox.deliver(room, message.clone());
        }
    }

    fn presence(&mut self, room: &RoomId, change: EntryChange) {
        self.version += 1;
        let message = RoomMessage::Presence {
            epoch: self.log.head().epoch,
            version: self.version,
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
        }
    }

    /// Another node at the same meeting point.
    #[must_use]
    pub fn join(&self, inbox: Inbox) -> Self {
        Self {
            rooms: self.rooms.clone(),
            retention: self.retention,
            inbox,
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
            return step(found);
        }
        step(rooms.entry(room.clone()).or_insert_with(MemoryRoom::new))
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn append(
        &self,
        room: &RoomId,
        id: EventId,
        data: Box<RawValue>,
    ) -> Result<Position, BrokerError> {
        Ok(self.with(room, |state| {
            let head = state.log.head();
            let event = Arc::new(WireEvent {
                seq: head.seq + 1,
                id,
                at: unix_millis(),
                data,
            });
            state.log.push(event.clone());
            state.log.trim(self.retention, event.at);
            state.publish(
                room,
                &RoomMessage::Event {
                    epoch: head.epoch,
                    event,
                },
            );
            state.log.head()
        }))
    }

    async fn typing(&self, room: &RoomId, user: &UserId, on: bool) -> Result<(), BrokerError> {
        if let Some(state) = self.lock().get(room) {
            state.publish(
                room,
                &RoomMessage::Typing {
                    user: user.clone(),
                    on,
                },
            );
        }
        Ok(())
    }

    async fn enter(&self, room: &RoomId, mut entry: Entry) -> Result<(), BrokerError> {
        self.with(room, |state| {
            if let Some(stored) = state.entries.get(&entry.key()) {
                if entry.incarnation < stored.incarnation {
                    return;
                }
                entry.since = stored.since;
            }
            state.entries.insert(entry.key(), entry.clone());
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
            if state
                .entries
                .get(key)
                .is_some_and(|stored| stored.incarnation <= incarnation)
            {
                state.entries.remove(key);
                state.presence(room, EntryChange::Exit(key.clone()));
            }
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
                entries: state.entries.values().cloned().collect(),
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

    fn maintain(&self) {
        let now = unix_millis();
        self.lock().retain(|_, state| {
            state.log.trim(self.retention, now);
            !(state.entries.is_empty() && state.subscribers.is_empty() && state.log.is_empty())
        });
    }
}

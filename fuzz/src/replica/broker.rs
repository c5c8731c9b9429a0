//! A room as its broker holds it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use leptos_realtime::{
    Position, Status, UserId,
    core::message::{Entry, EntryChange, EntryKey, RoomMessage, RoomSnapshot},
    protocol::{Epoch, EventId, WireEvent},
};

use crate::said;

/// How many events are kept.
const RETAINED: usize = 12;

#[derive(Debug)]
pub struct Broker {
    head: Position,
    version: u64,
    entries: BTreeMap<EntryKey, Entry>,
    events: VecDeque<Arc<WireEvent>>,
    /// The last event of this life.
    last: Option<EventId>,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            head: Position {
                epoch: Epoch(1),
                seq: 0,
            },
            version: 0,
            entries: BTreeMap::new(),
            events: VecDeque::new(),
            last: None,
        }
    }
}

impl Broker {
    pub fn event(&mut self) -> RoomMessage {
        self.head.seq += 1;
        let (epoch, seq) = (self.head.epoch, self.head.seq);
        let event = Arc::new(WireEvent {
            seq,
            id: format!("e{}/{seq}", epoch.0)
                .try_into()
                .expect("an event's name"),
            at: 0,
            subject: None,
            origin: None,
            data: said::data(seq),
        });
        let previous = self.last.replace(event.id.clone());
        self.events.push_back(event.clone());
        if self.events.len() > RETAINED {
            self.events.pop_front();
        }
        RoomMessage::Event {
            epoch,
            event,
            previous,
        }
    }

    pub fn presence(&mut self, change: EntryChange) -> RoomMessage {
        match &change {
            EntryChange::Enter(entry) => {
                self.entries.insert(entry.key(), entry.clone());
            }
            EntryChange::Exit(key) => {
                self.entries.remove(key);
            }
        }
        self.version += 1;
        RoomMessage::Presence {
            epoch: self.head.epoch,
            version: self.version,
            at: self.version,
            change,
        }
    }

    /// Begins a new order.
    pub fn renew(&mut self, keeps: bool) {
        self.head = Position {
            epoch: Epoch(self.head.epoch.0 + 1),
            seq: 0,
        };
        self.version = 0;
        self.events.clear();
        self.last = None;
        if !keeps {
            self.entries.clear();
        }
    }

    #[must_use]
    pub fn snapshot(&self) -> RoomSnapshot {
        RoomSnapshot {
            position: self.head,
            version: self.version,
            entries: self.entries.values().cloned().collect(),
            events: self.events.iter().cloned().collect(),
        }
    }

    #[must_use]
    pub fn head(&self) -> (Position, u64) {
        (self.head, self.version)
    }

    #[must_use]
    pub fn sessions(&self) -> usize {
        self.entries.len()
    }

    /// Whom others may see: who is here, and hides on none of their devices.
    #[must_use]
    pub fn visible(&self) -> BTreeSet<UserId> {
        let users = self.entries.keys().filter_map(|key| key.user.clone());
        users.filter(|user| self.is_visible(user)).collect()
    }

    #[must_use]
    pub fn is_visible(&self, user: &UserId) -> bool {
        let of_user = |entry: &&Entry| entry.user.as_ref().map(|user| &user.id) == Some(user);
        let mut entries = self.entries.values().filter(of_user).peekable();
        entries.peek().is_some() && entries.all(|entry| entry.status != Status::Invisible)
    }
}

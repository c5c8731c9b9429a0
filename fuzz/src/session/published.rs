//! What was ever published in a room, and so what a listener need not be told.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use leptos_realtime::{
    Position,
    core::message::RoomMessage,
    protocol::{Epoch, EventId, Subject, SubjectKey, WireEvent},
};

use crate::said;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Published {
    events: Vec<Arc<WireEvent>>,
    at: HashMap<Position, usize>,
    first: HashMap<EventId, Position>,
    newest: HashMap<SubjectKey, u64>,
    /// The names that the room knows: those of this epoch.
    known: HashSet<EventId>,
    epoch: Option<Epoch>,
}

impl Published {
    /// A new event after a place, perhaps about a thing.
    pub fn fresh(&mut self, head: Position, about: Option<(u64, u64)>) -> RoomMessage {
        let id = format!("e{}", self.events.len());
        let subject = about.map(|(thing, version)| Subject {
            key: format!("post:{thing}").try_into().expect("a thing's name"),
            version,
        });
        let id = id.try_into().expect("an event's name");
        self.push(head, id, subject)
    }

    /// The last event but `n` after a place, unless the room knows it.
    pub fn again(&mut self, head: Position, n: u64) -> Option<RoomMessage> {
        let event = self.events.iter().rev().nth(n as usize)?.clone();
        if self.epoch == Some(head.epoch) && self.known.contains(&event.id) {
            return None;
        }
        let (id, subject) = (event.id.clone(), event.subject.clone());
        Some(self.push(head, id, subject))
    }

    fn push(&mut self, head: Position, id: EventId, subject: Option<Subject>) -> RoomMessage {
        if self.epoch != Some(head.epoch) {
            self.epoch = Some(head.epoch);
            self.known.clear();
        }
        let at = Position {
            seq: head.seq + 1,
            ..head
        };
        self.known.insert(id.clone());
        self.first.entry(id.clone()).or_insert(at);
        if let Some(subject) = &subject {
            let newest = self.newest.entry(subject.key.clone()).or_default();
            *newest = subject.version.max(*newest);
        }
        let event = Arc::new(WireEvent {
            seq: at.seq,
            id,
            at: 0,
            subject,
            origin: None,
            data: said::data(at.seq),
        });
        self.at.insert(at, self.events.len());
        let previous = self.at(head).map(|event| event.id.clone());
        self.events.push(event.clone());
        RoomMessage::Event {
            epoch: at.epoch,
            event,
            previous,
        }
    }

    /// The event at a place.
    #[must_use]
    pub fn at(&self, at: Position) -> Option<&WireEvent> {
        self.at.get(&at).map(|index| &*self.events[*index])
    }

    /// Whether the event at this place may be nothing to tell: it was told at another place, or what it is about has
    /// a newer version.
    #[must_use]
    pub fn may_be_skipped(&self, at: Position) -> bool {
        self.at(at).is_some_and(|event| {
            let again = self.first.get(&event.id) != Some(&at);
            let older = event.subject.as_ref().is_some_and(|subject| {
                self.newest
                    .get(&subject.key)
                    .is_some_and(|newest| subject.version < *newest)
            });
            again || older
        })
    }
}

//! Events that were shown before they had a number, until they have one: whoever begins to see the room meanwhile is
//! shown them too, and nobody a later one before an earlier one.

use std::{collections::VecDeque, time::Duration};

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{protocol::EventId, server::broker::REMEMBERED};

/// The most of a room that are shown before they have a number. The others are shown once they do.
const MOST: usize = 1_000;

/// After this they are not published any more.
const LONGEST: Duration = REMEMBERED;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Unnumbered {
    /// How many there have been.
    count: u64,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct Event {
    /// From 1, in the order in which they are shown.
    number: u64,
    at: Instant,
    id: EventId,
    frame: Box<RawValue>,
}

impl Unnumbered {
    /// Adds one, as it is shown. False where it is not to be shown: it is there already, or there are too many.
    pub(super) fn add(&mut self, id: &EventId, frame: Box<RawValue>) -> bool {
        let known = self.events.iter().any(|event| event.id == *id);
        if known || self.events.len() >= MOST {
            return false;
        }
        self.count += 1;
        self.events.push_back(Event {
            number: self.count,
            at: Instant::now(),
            id: id.clone(),
            frame,
        });
        true
    }

    /// The event has its number.
    pub(super) fn has_number(&mut self, id: &EventId) {
        self.events.retain(|event| event.id != *id);
    }

    /// Forgets those that never get one.
    pub(super) fn forget_old(&mut self) {
        self.events.retain(|event| event.at.elapsed() < LONGEST);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many there have been.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Those after the first so many, each with its number.
    pub(super) fn after(&self, number: u64) -> impl Iterator<Item = (u64, &RawValue)> {
        let later = self
            .events
            .iter()
            .filter(move |event| event.number > number);
        later.map(|event| (event.number, &*event.frame))
    }
}

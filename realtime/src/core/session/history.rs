//! What the listeners of a room have been told already, beyond the places up to which they have come.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use super::ListenerId;
use crate::protocol::{Epoch, EventId, Position, SubjectKey, WireEvent};

/// How many ids and how many subjects are remembered: more than a room retains.
const REMEMBERED: usize = 2_000;

/// No event's place.
const NOWHERE: Position = Position {
    epoch: Epoch(0),
    seq: 0,
};

/// Knows events again that come at another place, and versions that come too late.
#[derive(Debug, Default)]
pub(super) struct History {
    events: Remembered<EventId, Known>,
    /// Those that have no place yet: they are remembered until they have one.
    pinned: Remembered<EventId, Known>,
    versions: Remembered<SubjectKey, u64>,
}

#[derive(Debug)]
struct Known {
    at: Position,
    /// Whether it was news when it came to this place: the same for everyone, also for who comes later.
    news: bool,
    /// Who was told of it, at whatever place.
    told: Vec<ListenerId>,
}

impl History {
    /// Which of these events, the next ones of this epoch, are news: not those whose version is older than one that
    /// came before.
    pub(super) fn judge(&mut self, epoch: Epoch, events: &[WireEvent]) -> Vec<bool> {
        let at = |event: &WireEvent| Position {
            epoch,
            seq: event.seq,
        };
        events
            .iter()
            .map(|event| self.is_news(at(event), event))
            .collect()
    }

    /// The same for who was sent back to look again: what they have seen since is not undone by what came before it,
    /// wherever it stood.
    pub(super) fn judge_anew(&mut self, epoch: Epoch, events: &[WireEvent]) -> Vec<bool> {
        for known in self.events.values.values_mut() {
            known.at = NOWHERE;
        }
        self.judge(epoch, events)
    }

    /// An event that has no place yet. Whether it is news.
    pub(super) fn pin(&mut self, event: &WireEvent) -> bool {
        if self.events.get(&event.id).is_some() || self.pinned.get(&event.id).is_some() {
            // Who has not heard of it yet hears of it with its place.
            return false;
        }
        let news = self.has_new_version(event);
        self.pinned.get_or_insert_with(&event.id, || Known {
            at: NOWHERE,
            news,
            told: Vec::new(),
        });
        news
    }

    fn is_news(&mut self, at: Position, event: &WireEvent) -> bool {
        if let Some(known) = self.events.get(&event.id)
            && known.at == at
        {
            return known.news;
        }
        let news = self.has_new_version(event);
        let told = self.pinned.remove(&event.id).map(|known| known.told);
        let first = || Known {
            at,
            news,
            told: told.unwrap_or_default(),
        };
        let known = self.events.get_or_insert_with(&event.id, first);
        (known.at, known.news) = (at, news);
        news
    }

    fn has_new_version(&mut self, event: &WireEvent) -> bool {
        let Some(subject) = &event.subject else {
            return true;
        };
        let known = self
            .versions
            .get_or_insert_with(&subject.key, || subject.version);
        let newer = subject.version >= *known;
        if newer {
            *known = subject.version;
        }
        newer
    }

    /// Whether a listener is to be told: once of each event, also where it comes again under another epoch.
    pub(super) fn tell(&mut self, listener: ListenerId, event: &EventId) -> bool {
        let known = match self.events.get(event) {
            Some(known) => Some(known),
            None => self.pinned.get(event),
        };
        let Some(known) = known else {
            return true;
        };
        let first = !known.told.contains(&listener);
        if first {
            known.told.push(listener);
        }
        first
    }

    /// The listener has ended.
    pub(super) fn forget(&mut self, listener: ListenerId) {
        let pinned = self.pinned.values.values_mut();
        for known in self.events.values.values_mut().chain(pinned) {
            known.told.retain(|told| *told != listener);
        }
    }
}

/// A map that forgets what it has known the longest.
#[derive(Debug)]
struct Remembered<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    fn get(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.values.remove(key)?;
        self.order.retain(|known| known != key);
        Some(value)
    }

    fn get_or_insert_with(&mut self, key: &K, value: impl FnOnce() -> V) -> &mut V {
        if !self.values.contains_key(key) {
            if self.order.len() >= REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.values.entry(key.clone()).or_insert_with(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Subject;

    const ADA: ListenerId = ListenerId(1);
    const BOB: ListenerId = ListenerId(2);

    fn event(id: &str, subject: Option<(&str, u64)>) -> WireEvent {
        WireEvent {
            seq: 1,
            id: id.try_into().unwrap(),
            at: 0,
            subject: subject.map(|(key, version)| Subject {
                key: key.try_into().unwrap(),
                version,
            }),
            origin: None,
            data: serde_json::value::to_raw_value(&()).unwrap(),
        }
    }

    fn at(epoch: u64, seq: u64) -> Position {
        Position {
            epoch: Epoch(epoch),
            seq,
        }
    }

    #[test]
    fn a_listener_is_told_of_an_event_once_also_across_epochs() {
        let mut history = History::default();
        let told = event("a", None);
        assert!(history.is_news(at(1, 5), &told));
        assert!(history.tell(ADA, &told.id));
        assert!(history.is_news(at(2, 1), &told));
        assert!(!history.tell(ADA, &told.id), "known from before");
        assert!(history.tell(BOB, &told.id), "who did not hear it then");
        history.forget(ADA);
        assert!(history.tell(ADA, &told.id));
    }

    #[test]
    fn an_older_version_is_no_news_and_what_was_news_is_so_for_whoever_comes_later() {
        let mut history = History::default();
        let first = event("a", Some(("post:7", 1)));
        assert!(history.is_news(at(1, 1), &first));
        assert!(history.is_news(at(1, 2), &event("b", Some(("post:7", 2)))));
        assert!(!history.is_news(at(1, 3), &event("c", Some(("post:7", 1)))));
        assert!(history.is_news(at(1, 4), &event("d", Some(("post:8", 1)))));
        assert!(history.is_news(at(1, 1), &first), "a replay");
        assert!(!history.is_news(at(2, 1), &first), "published once more");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut history = History::default();
        for i in 0..3 * REMEMBERED as u64 {
            history.is_news(at(1, i), &event(&format!("e{i}"), None));
        }
        assert_eq!(history.events.values.len(), REMEMBERED);
    }
}

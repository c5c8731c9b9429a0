//! What a client has been told of a room already, beyond the place up to which it has come.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use crate::protocol::{Epoch, EventId, Position, SubjectKey, WireEvent};

/// How many ids and how many subjects are remembered: more than a room retains.
const REMEMBERED: usize = 2_000;

/// Knows events again that come at another place, and versions that come too late.
#[derive(Debug, Default)]
pub(super) struct History {
    ids: Remembered<EventId, Position>,
    versions: Remembered<SubjectKey, u64>,
}

impl History {
    /// Which of these events, the next ones of this epoch, listeners are to be told of.
    pub(super) fn take_news(&mut self, epoch: Epoch, events: &[WireEvent]) -> Vec<bool> {
        let at = |event: &WireEvent| Position {
            epoch,
            seq: event.seq,
        };
        events
            .iter()
            .map(|event| self.admits(at(event), event))
            .collect()
    }

    /// Whether listeners are to be told of the event at this place. The same event under another epoch was told
    /// before; a version that is older than one that was told is no news.
    fn admits(&mut self, at: Position, event: &WireEvent) -> bool {
        let first = *self.ids.get_or_insert(&event.id, at);
        if first != at {
            return false;
        }
        let Some(subject) = &event.subject else {
            return true;
        };
        let known = self.versions.get_or_insert(&subject.key, subject.version);
        let newer = subject.version >= *known;
        if newer {
            *known = subject.version;
        }
        newer
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
    fn get_or_insert(&mut self, key: &K, value: V) -> &mut V {
        if !self.values.contains_key(key) {
            if self.order.len() >= REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.values.entry(key.clone()).or_insert(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Subject;

    fn event(id: &str, subject: Option<(&str, u64)>) -> WireEvent {
        WireEvent {
            seq: 1,
            id: id.try_into().unwrap(),
            at: 0,
            subject: subject.map(|(key, version)| Subject {
                key: key.try_into().unwrap(),
                version,
            }),
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
    fn an_event_is_told_once_also_across_epochs() {
        let mut history = History::default();
        assert!(history.admits(at(1, 5), &event("a", None)));
        assert!(
            history.admits(at(1, 5), &event("a", None)),
            "to another listener"
        );
        assert!(!history.admits(at(2, 1), &event("a", None)));
        assert!(history.admits(at(2, 2), &event("b", None)));
    }

    #[test]
    fn an_older_version_is_no_news_and_what_is_remembered_is_bounded() {
        let mut history = History::default();
        assert!(history.admits(at(1, 1), &event("a", Some(("post:7", 2)))));
        assert!(!history.admits(at(1, 2), &event("b", Some(("post:7", 1)))));
        assert!(history.admits(at(1, 3), &event("c", Some(("post:8", 1)))));
        assert!(history.admits(at(1, 4), &event("d", Some(("post:7", 3)))));
        for i in 0..3 * REMEMBERED as u64 {
            history.admits(at(1, 5 + i), &event(&format!("e{i}"), None));
        }
        assert_eq!(history.ids.values.len(), REMEMBERED);
    }
}

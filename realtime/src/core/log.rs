//! The retained events of one room.

use std::{collections::VecDeque, sync::Arc};

use crate::protocol::{Epoch, EventId, Position, UnixMillis, WireEvent};

/// How long a room keeps its events: by number, age and size, whichever ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The greatest number of events.
    pub count: usize,
    /// The greatest age, in milliseconds.
    pub age_ms: u64,
    /// The greatest size of the data of all kept events, in bytes.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            count: 1_000,
            age_ms: 10 * 60 * 1_000,
            bytes: 1024 * 1024,
        }
    }
}

/// Numbered events without gaps, the oldest dropped by [`Retention`].
#[derive(Clone, Debug)]
pub struct EventLog {
    head: Position,
    /// The id of the last event, where it is known: also when that is not retained any more.
    last: Option<EventId>,
    events: VecDeque<Arc<WireEvent>>,
    /// The size of their data.
    bytes: usize,
}

impl EventLog {
    /// An empty log at the beginning of an epoch.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self {
            head: Position { epoch, seq: 0 },
            last: None,
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    /// A log at `head` with the events that lead to it, of which a hole would be dropped with all before it.
    #[must_use]
    pub fn from_parts(head: Position, events: Vec<Arc<WireEvent>>) -> Self {
        let mut kept = VecDeque::with_capacity(events.len());
        let mut expected = head.seq;
        for event in events.into_iter().rev() {
            // Events count from 1.
            if event.seq != expected || expected == 0 {
                break;
            }
            expected -= 1;
            kept.push_front(event);
        }
        let bytes = kept.iter().map(size).sum();
        Self {
            head,
            last: kept.back().map(|event| event.id.clone()),
            events: kept,
            bytes,
        }
    }

    /// The place after the last event.
    #[must_use]
    pub fn head(&self) -> Position {
        self.head
    }

    /// The number of the first retained event; where none is, that of the next one.
    #[must_use]
    pub fn first(&self) -> u64 {
        (self.head.seq - self.events.len() as u64).saturating_add(1)
    }

    /// The retained event with a number.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<WireEvent>> {
        let index = seq.checked_sub(self.first())?;
        self.events.get(usize::try_from(index).ok()?)
    }

    /// The id of the event with a number, where that is known.
    #[must_use]
    pub fn id(&self, seq: u64) -> Option<&EventId> {
        match self.get(seq) {
            Some(event) => Some(&event.id),
            None => self.last.as_ref().filter(|_| seq == self.head.seq),
        }
    }

    /// Remembers what another log knew of the last event, which is the same.
    pub(crate) fn remember_last(&mut self, of: &Self) {
        if self.last.is_none() && self.head == of.head {
            self.last.clone_from(&of.last);
        }
    }

    /// Every retained event, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<WireEvent>> {
        self.events.iter().cloned().collect()
    }

    /// Whether no event is retained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Appends the event that follows the head. Any other is refused, and nothing changes.
    pub fn push(&mut self, event: Arc<WireEvent>) -> bool {
        let follows = Some(event.seq) == self.head.seq.checked_add(1);
        if follows {
            self.head.seq = event.seq;
            self.last = Some(event.id.clone());
            self.bytes += size(&event);
            self.events.push_back(event);
        }
        follows
    }

    /// Drops what is beyond the retention.
    pub fn trim(&mut self, retention: Retention, now: UnixMillis) {
        let too_old = |event: &Arc<WireEvent>| event.at.saturating_add(retention.age_ms) < now;
        while self.events.len() > retention.count
            || self.bytes > retention.bytes
            || self.events.front().is_some_and(too_old)
        {
            let Some(dropped) = self.events.pop_front() else {
                break;
            };
            self.bytes -= size(&dropped);
        }
    }

    /// Every event after `since`, or nothing where they are not all here any more (another epoch, dropped, or a place
    /// that this log has not reached).
    #[must_use]
    pub fn since(&self, since: Position) -> Option<Vec<Arc<WireEvent>>> {
        let first = self.head.seq - self.events.len() as u64;
        if since.epoch != self.head.epoch || since.seq < first || since.seq > self.head.seq {
            return None;
        }
        Some(
            self.events
                .range((since.seq - first) as usize..)
                .cloned()
                .collect(),
        )
    }
}

fn size(event: &Arc<WireEvent>) -> usize {
    event.data.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> Arc<WireEvent> {
        let data = serde_json::value::to_raw_value(&seq).unwrap();
        Arc::new(WireEvent {
            seq,
            id: format!("e{seq}").as_str().try_into().unwrap(),
            at: seq * 1_000,
            subject: None,
            origin: None,
            data,
        })
    }

    fn seqs(log: &EventLog, epoch: u64, seq: u64) -> Option<Vec<u64>> {
        log.since(Position {
            epoch: Epoch(epoch),
            seq,
        })
        .map(|events| events.iter().map(|e| e.seq).collect())
    }

    #[test]
    fn what_came_after_a_position_is_whole_or_nothing() {
        let mut log = EventLog::new(Epoch(1));
        assert_eq!(seqs(&log, 1, 0), Some(vec![]));
        for seq in 1..=5 {
            assert!(log.push(event(seq)));
        }
        assert!(!log.push(event(7)), "a gap is refused");
        assert!(!log.push(event(5)), "a repeat is refused");
        assert_eq!(seqs(&log, 1, 3), Some(vec![4, 5]));
        assert_eq!(seqs(&log, 1, 5), Some(vec![]));
        assert_eq!(seqs(&log, 1, 6), None, "a place not reached");
        assert_eq!(seqs(&log, 2, 3), None, "another epoch");
        log.trim(
            Retention {
                count: 3,
                age_ms: u64::MAX,
                ..Retention::default()
            },
            0,
        );
        assert_eq!(seqs(&log, 1, 2), Some(vec![3, 4, 5]));
        assert_eq!(seqs(&log, 1, 1), None, "dropped by number");
        log.trim(
            Retention {
                count: 3,
                age_ms: 1_000,
                ..Retention::default()
            },
            5_500,
        );
        assert_eq!(seqs(&log, 1, 3), None, "dropped by age");
        assert_eq!(seqs(&log, 1, 4), Some(vec![5]));
    }

    #[test]
    fn a_log_keeps_no_more_than_its_bytes() {
        let mut log = EventLog::new(Epoch(1));
        (1..=30).for_each(|seq| assert!(log.push(event(seq))));
        let retention = Retention {
            bytes: 10,
            age_ms: u64::MAX,
            ..Retention::default()
        };
        log.trim(retention, 0);
        assert_eq!(
            seqs(&log, 1, 25),
            Some(vec![26, 27, 28, 29, 30]),
            "two bytes each"
        );
        assert_eq!(seqs(&log, 1, 24), None);
    }

    #[test]
    fn a_number_that_no_event_can_have_ends_a_log() {
        let head = |seq| Position {
            epoch: Epoch(1),
            seq,
        };
        let log = EventLog::from_parts(head(0), vec![event(0)]);
        assert_eq!((log.first(), seqs(&log, 1, 0)), (1, Some(vec![])));
        let log = EventLog::from_parts(head(1), vec![event(0), event(1)]);
        assert_eq!(seqs(&log, 1, 0), Some(vec![1]));
        let mut log = EventLog::from_parts(head(u64::MAX), vec![]);
        assert!(!log.push(event(0)), "there is no number after the last");
        assert_eq!(log.first(), u64::MAX);
    }

    #[test]
    fn a_log_with_a_hole_keeps_what_leads_to_its_head() {
        let head = Position {
            epoch: Epoch(1),
            seq: 5,
        };
        let log = EventLog::from_parts(head, vec![event(2), event(4), event(5)]);
        assert_eq!(seqs(&log, 1, 3), Some(vec![4, 5]));
        assert_eq!(seqs(&log, 1, 2), None);
    }
}

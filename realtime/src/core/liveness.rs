//! Who of the nodes lives, by what each of them says at the meeting point: no clock but the observer's own.

use std::collections::{BTreeMap, BTreeSet};

use super::message::RunId;

/// A node is dead when its counter has not moved over so many replies.
const UNMOVED: u64 = 4;

/// A reply that is later than half an interval, and than so many milliseconds, comes after a gap. A busy machine is late
/// by less all the time: it counts replies, not time, so that does no harm.
const LATE_MS: u64 = 200;

/// How much longer a node may take to be heard after a gap, in milliseconds: others may have been cut off too, and try
/// again once in so long at most.
const RETURN_MS: u64 = 3_000;

/// A node that has no record is taken for dead after so many replies. Longer than a link takes to come back: after a
/// loss each node has to come and say that it lives.
const ABSENT: u32 = 6;

/// The most runs without a record that are counted. It takes a cluster years to have had so many.
const MAX_ABSENT: usize = 10_000;

/// What a node says of itself with each beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its run.
    pub run: RunId,
    /// Counted up with each beat.
    pub counter: u64,
    /// How long it is from beat to beat, in milliseconds.
    pub interval_ms: u64,
    /// Random, new whenever it tells everything from the beginning.
    pub generation: u64,
    /// How often it has looked at all its rooms since; 0 while it has not told everything yet.
    pub pass: u64,
    /// It is leaving in good order: its sessions may take so long, in milliseconds, to come back elsewhere.
    pub leaving_ms: Option<u64>,
    /// Its name, for people.
    pub name: String,
}

/// The nodes as one of them sees them.
#[derive(Debug)]
pub struct Liveness {
    interval_ms: u64,
    nodes: BTreeMap<RunId, Seen>,
    /// Runs without a record that somebody asked for, and for how many replies that has been so.
    absent: BTreeMap<RunId, u32>,
    last_reply: Option<u64>,
    /// When a reply counted last: between two that do an interval passes, also where the observer asks more often.
    last_counted: Option<u64>,
}

#[derive(Debug)]
struct Seen {
    record: Record,
    unmoved: u64,
    /// How many replies more it is waited for, until it is heard.
    grace: u64,
}

impl Liveness {
    /// Nobody has been heard of yet. The observer asks once in so many milliseconds.
    #[must_use]
    pub fn new(interval_ms: u64) -> Self {
        Self {
            interval_ms: interval_ms.max(1),
            nodes: BTreeMap::new(),
            absent: BTreeMap::new(),
            last_reply: None,
            last_counted: None,
        }
    }

    /// A reply: everyone's records at `now`, in milliseconds of the observer's steady clock. Returns who is dead.
    ///
    /// A reply that comes much sooner than the interval brings news, and is not counted. After a longer gap between
    /// replies all counting begins again, and nodes have some longer to be heard: then it may have been the meeting
    /// point, or the observer, that stood still.
    pub fn observe(&mut self, now: u64, records: Vec<Record>) -> Vec<Record> {
        let late = (self.interval_ms / 2).max(LATE_MS);
        let gap = self
            .last_reply
            .is_none_or(|last| now - last > self.interval_ms + late);
        let first = self.last_reply.replace(now).is_none();
        let counts = self
            .last_counted
            .is_none_or(|last| (now - last) * 10 >= self.interval_ms * 9);
        if gap || counts {
            self.last_counted = Some(now);
        }
        let one = u64::from(counts);
        let present: BTreeSet<RunId> = records.iter().map(|record| record.run).collect();
        self.nodes.retain(|run, _| present.contains(run));
        self.absent.retain(|run, _| !present.contains(run));
        for count in self.absent.values_mut() {
            *count = if gap { 0 } else { *count + u32::from(counts) };
        }
        let grace = match first {
            true => 0,
            false => RETURN_MS.div_ceil(self.interval_ms),
        };
        for record in records {
            let seen = self.nodes.entry(record.run).or_insert_with(|| Seen {
                record: record.clone(),
                unmoved: 0,
                grace: 0,
            });
            let moved = seen.record.counter != record.counter;
            seen.unmoved = match gap || moved {
                true => 0,
                false => seen.unmoved + one,
            };
            if gap {
                seen.grace = grace;
            } else if moved {
                seen.grace = 0;
            }
            seen.record = record;
        }
        let dead = self
            .nodes
            .values()
            .filter(|seen| seen.unmoved >= self.patience(&seen.record) + seen.grace);
        dead.map(|seen| seen.record.clone()).collect()
    }

    /// How many replies a node's counter may stand still.
    fn patience(&self, record: &Record) -> u64 {
        let replies = |ms: u64| ms.div_ceil(self.interval_ms);
        let beats = replies(record.interval_ms).max(1);
        UNMOVED * beats + record.leaving_ms.map_or(0, replies)
    }

    /// The run is dead for good.
    pub fn bury(&mut self, run: RunId) {
        self.nodes.remove(&run);
        self.absent.insert(run, ABSENT);
    }

    /// The record of a node, where it has one.
    #[must_use]
    pub fn record(&self, run: RunId) -> Option<&Record> {
        self.nodes.get(&run).map(|seen| &seen.record)
    }

    /// All nodes.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.nodes.values().map(|seen| &seen.record)
    }

    /// Whether a run is dead, as far as is known: it has no record, and has had none for a while.
    pub fn is_gone(&mut self, run: RunId) -> bool {
        if self.absent.len() > MAX_ABSENT {
            self.absent.clear();
        }
        !self.nodes.contains_key(&run) && *self.absent.entry(run).or_default() >= ABSENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(run: u64, counter: u64) -> Record {
        Record {
            run: RunId(run),
            counter,
            interval_ms: 1_000,
            generation: 1,
            pass: 1,
            leaving_ms: None,
            name: String::new(),
        }
    }

    /// How many replies after the first, one a second, a node that stands still is found dead.
    fn replies_until_dead(standing: &Record, own_interval_ms: u64) -> u64 {
        let mut liveness = Liveness::new(own_interval_ms);
        (0..1_000)
            .find(|i| {
                !liveness
                    .observe(i * own_interval_ms, vec![standing.clone()])
                    .is_empty()
            })
            .expect("it is found dead")
    }

    #[test]
    fn c4_a_node_whose_counter_stands_still_is_dead_after_four_replies() {
        assert_eq!(replies_until_dead(&record(1, 7), 1_000), 4);
        let slow = Record {
            interval_ms: 5_000,
            ..record(1, 7)
        };
        assert_eq!(replies_until_dead(&slow, 1_000), 20, "it beats every 5 s");
        assert_eq!(
            replies_until_dead(&record(1, 7), 5_000),
            4,
            "it is asked every 5 s"
        );
        let leaving = Record {
            leaving_ms: Some(8_000),
            ..record(1, 7)
        };
        assert_eq!(replies_until_dead(&leaving, 1_000), 12);
    }

    #[test]
    fn c4_a_busy_observer_whose_replies_are_a_little_late_finds_the_dead_too() {
        let mut liveness = Liveness::new(100);
        let quick = Record {
            interval_ms: 100,
            ..record(1, 7)
        };
        let until_dead = (0..100).find(|i| {
            let dead = liveness.observe(i * 250, vec![quick.clone()]);
            !dead.is_empty()
        });
        assert_eq!(until_dead, Some(4));
    }

    #[test]
    fn c5_who_asks_more_often_takes_nobody_for_dead_sooner() {
        let mut liveness = Liveness::new(1_000);
        // As while links break and are made again, each time with a beat.
        let until_dead = (0..100).find(|i| {
            let dead = liveness.observe(i * 100, vec![record(1, 7)]);
            !dead.is_empty()
        });
        assert_eq!(until_dead, Some(36), "four times nine tenths of a second");
        let mut liveness = Liveness::new(1_000);
        for now in 0..100 {
            let beats = vec![record(1, now / 10)];
            assert_eq!(
                liveness.observe(now * 100, beats),
                [],
                "it beats once a second"
            );
        }
        let gone = |now: u64| {
            let mut liveness = Liveness::new(1_000);
            assert!(!liveness.is_gone(RunId(9)));
            (0..=now / 100).for_each(|i| _ = liveness.observe(i * 100, vec![]));
            liveness.is_gone(RunId(9))
        };
        assert!(!gone(4_000), "also who has no record");
        assert!(gone(6_100));
    }

    #[test]
    fn c5_a_gap_between_replies_starts_the_count_again_and_others_have_longer_to_be_heard() {
        let mut liveness = Liveness::new(1_000);
        for now in [0, 1_000, 2_000, 3_000] {
            assert_eq!(liveness.observe(now, vec![record(1, 7)]), []);
        }
        for reply in 0..7 {
            let now = 4_501 + reply * 1_000;
            assert_eq!(liveness.observe(now, vec![record(1, 7)]), [], "at {now}");
        }
        assert_eq!(liveness.observe(11_501, vec![record(1, 7)]), [record(1, 7)]);
        // Who was heard has no longer than others.
        assert_eq!(liveness.observe(14_000, vec![record(1, 7)]), []);
        for now in [15_000, 16_000, 17_000, 18_000] {
            assert_eq!(liveness.observe(now, vec![record(1, 8)]), [], "at {now}");
        }
        assert_eq!(liveness.observe(19_000, vec![record(1, 8)]), [record(1, 8)]);
        let mut moving = Liveness::new(1_000);
        for now in 0..100 {
            assert_eq!(moving.observe(now * 1_000, vec![record(1, now / 3)]), []);
        }
    }

    #[test]
    fn who_has_no_record_is_gone_after_a_while_and_who_was_buried_at_once() {
        let mut liveness = Liveness::new(1_000);
        liveness.observe(0, vec![record(1, 1)]);
        assert!(!liveness.is_gone(RunId(1)) && !liveness.is_gone(RunId(2)));
        for now in 1..=6 {
            assert!(!liveness.is_gone(RunId(2)), "at {now}");
            liveness.observe(now * 1_000, vec![record(1, now)]);
        }
        assert!(liveness.is_gone(RunId(2)));
        liveness.observe(7_000, vec![record(1, 8), record(2, 1)]);
        assert!(!liveness.is_gone(RunId(2)), "it has come back");
        liveness.bury(RunId(1));
        assert!(liveness.is_gone(RunId(1)));
    }
}

//! What this node is to the others: its run, and what it says of itself.

use std::collections::VecDeque;

use crate::{
    core::{liveness::Record, message::RunId},
    server::random::random,
};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Life {
    pub(super) record: Record,
    /// Whether Redis was told of this run.
    pub(super) registered: bool,
    /// What Redis was told last of how often all rooms were looked at.
    told: u64,
    /// See [`Broker::generation`](crate::server::broker::Broker::generation).
    pub(super) generation: u64,
    /// The last runs of before.
    former: VecDeque<RunId>,
}

/// How many runs of before are known: views know none of older ones any more.
const FORMER: usize = 16;

impl Life {
    pub(super) fn new(name: String, interval_ms: u64) -> Self {
        Self {
            record: Record {
                run: RunId(random()),
                counter: 0,
                interval_ms,
                generation: random(),
                pass: 0,
                leaving_ms: None,
                name,
            },
            registered: false,
            told: 0,
            generation: random(),
            former: VecDeque::new(),
        }
    }

    /// Redis has lost this run's record, and perhaps anything else.
    pub(super) fn was_forgotten(&mut self) {
        self.generation = random();
        self.begin_anew();
    }

    /// The node says everything from the beginning.
    fn begin_anew(&mut self) {
        self.record.generation = random();
        self.record.pass = 0;
        self.told = 0;
        self.registered = false;
    }

    /// Redis knows this record.
    pub(super) fn was_told(&mut self, record: &Record, counter: u64) {
        if self.record.run == record.run && self.record.generation == record.generation {
            self.record.counter = counter;
            self.registered = true;
            self.told = record.pass;
        }
    }

    /// All rooms were looked at. Says whether that is counted: the next look only once Redis knows of the one before, so
    /// that what others see is never behind by more than one.
    pub(super) fn has_passed(&mut self) -> bool {
        let counts = self.registered && self.told == self.record.pass;
        if counts {
            self.record.pass += 1;
        }
        counts
    }

    /// Others took the run for dead: there is another one from now on.
    pub(super) fn replace(&mut self) {
        self.begin_anew();
        self.former.push_front(self.record.run);
        self.former.truncate(FORMER);
        self.record.run = RunId(random());
        self.record.counter = 0;
    }

    /// The run that goes on for a run: the present one for those of before, and for whom nobody has spoken yet.
    pub(super) fn successor(&self, run: RunId) -> RunId {
        match run == RunId::default() || self.former.contains(&run) {
            true => self.record.run,
            false => run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_counts_once_redis_knows_of_the_one_before() {
        let mut life = Life::new("test".to_owned(), 1_000);
        assert!(!life.has_passed(), "nobody knows of the node yet");
        let record = life.record.clone();
        life.was_told(&record, 1);
        assert!(life.has_passed());
        assert!(!life.has_passed(), "not two at once");
        let record = life.record.clone();
        life.was_told(&record, 2);
        assert_eq!((life.record.pass, life.record.counter), (1, 2));
        assert!(life.has_passed());
        life.was_forgotten();
        life.was_told(&record, 3);
        assert!(!life.registered, "that was before it began anew");
    }

    #[test]
    fn a_node_speaks_for_its_runs_of_before_and_for_whom_nobody_has_spoken_yet() {
        let mut life = Life::new("test".to_owned(), 1_000);
        let before = life.record.run;
        life.replace();
        let run = life.record.run;
        assert_ne!(run, before);
        for of in [before, run, RunId::default()] {
            assert_eq!(life.successor(of), run);
        }
        let other = RunId(run.0.wrapping_add(1).max(1));
        assert_eq!(life.successor(other), other);
    }
}

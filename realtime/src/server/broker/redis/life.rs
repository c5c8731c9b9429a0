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
            former: VecDeque::new(),
        }
    }

    /// Redis has lost this run's record: it says everything from the beginning.
    pub(super) fn begin_anew(&mut self) {
        self.record.generation = random();
        self.record.pass = 0;
        self.registered = false;
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

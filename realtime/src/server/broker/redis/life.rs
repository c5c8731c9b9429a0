//! What this node is to the others: its run, and what it says of itself.

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
}

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
        self.record.run = RunId(random());
        self.record.counter = 0;
    }
}

//! What a client was told of the room's events, and how soon.

use std::ops::Range;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Heard {
    /// The number of the event that is due.
    pub next: u32,
    /// How many times it was told to begin anew.
    pub resets: u32,
    /// How many events it was not told because of that.
    pub skipped: u32,
    /// The first event that came where another was due.
    pub broken: Option<String>,
    /// For each event its number and how long it was on its way, in microseconds.
    latencies: Vec<(u32, u64)>,
    may_skip: bool,
}

impl Heard {
    /// The next event came.
    pub fn event(&mut self, number: u32, latency: u64) {
        let due = self.next;
        if number > due && self.may_skip {
            self.skipped += number - due;
        } else if number != due {
            let broken = || format!("event {number} came where {due} was due");
            self.broken.get_or_insert_with(broken);
        }
        self.may_skip = false;
        self.next = number + 1;
        self.latencies.push((number, latency));
    }

    /// It is to begin anew.
    pub fn reset(&mut self) {
        self.resets += 1;
        self.may_skip = true;
    }

    /// How long these events were on their way.
    pub fn latencies(&self, events: Range<u32>) -> impl Iterator<Item = u64> {
        let asked = move |(number, _): &&(u32, u64)| events.contains(number);
        let latencies = self.latencies.iter().filter(asked);
        latencies.map(|(_, latency)| *latency)
    }
}

//! Events that were published, of which the host could not say yet where they go besides.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

/// How often a host is asked, with pauses from the first to the longest: for some ten minutes, so that what is away for a
/// while is waited for. Then the event goes nowhere besides.
pub(super) const TRIES: u32 = 20;
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// The most that wait while others of their room go on.
const MOST: usize = 10_000;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Unrelayed(HashMap<i64, Waiting>);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    tries: u32,
    until: Instant,
}

impl Unrelayed {
    /// Whether a row was published before.
    pub(super) fn contains(&self, row: i64) -> bool {
        self.0.contains_key(&row)
    }

    /// Whether it is too soon to ask again.
    pub(super) fn waits(&self, row: i64, now: Instant) -> bool {
        self.0.get(&row).is_some_and(|waiting| waiting.until > now)
    }

    /// How many more may wait.
    pub(super) fn vacant(&self) -> usize {
        MOST.saturating_sub(self.0.len())
    }

    /// The host could not say. Whether it is asked again: otherwise that was the last time.
    pub(super) fn failed(&mut self, row: i64, now: Instant) -> bool {
        let tries = self.0.get(&row).map_or(0, |before| before.tries) + 1;
        if tries >= TRIES {
            self.0.remove(&row);
            return false;
        }
        let pause = PAUSES.0 * 2_u32.saturating_pow(tries - 1);
        let until = now + pause.min(PAUSES.1);
        self.0.insert(row, Waiting { tries, until });
        true
    }

    /// The host has said it.
    pub(super) fn relayed(&mut self, row: i64) {
        self.0.remove(&row);
    }

    /// Of others than these another instance has taken care.
    pub(super) fn retain(&mut self, rows: &HashSet<i64>) {
        self.0.retain(|row, _| rows.contains(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_for_some_minutes_and_not_for_ever() {
        let start = Instant::now();
        let mut unrelayed = Unrelayed::default();
        let (mut now, mut asked) = (start, 1);
        while unrelayed.failed(7, now) {
            assert!(unrelayed.contains(7) && !unrelayed.contains(8));
            assert!(unrelayed.waits(7, now));
            while unrelayed.waits(7, now) {
                now += Duration::from_millis(50);
            }
            asked += 1;
        }
        assert_eq!(asked, TRIES);
        let minutes = (now - start).as_secs() / 60;
        assert!((5..15).contains(&minutes), "{minutes} minutes");
        assert!(!unrelayed.contains(7), "it is over with");
    }

    #[test]
    fn who_is_relayed_or_taken_care_of_is_forgotten() {
        let (now, mut unrelayed) = (Instant::now(), Unrelayed::default());
        for row in 1..=3 {
            assert!(unrelayed.failed(row, now));
        }
        assert_eq!(unrelayed.vacant(), MOST - 3);
        unrelayed.relayed(1);
        unrelayed.retain(&HashSet::from([3, 9]));
        assert_eq!(
            [1, 2, 3, 9].map(|row| unrelayed.contains(row)),
            [false, false, true, false]
        );
    }
}

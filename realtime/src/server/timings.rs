//! How long things took, counted in buckets: cheap enough to be always on.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The buckets' upper bounds, in seconds; the last has none.
pub(crate) const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Timings {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Timings {
    /// Something took so long.
    #[cfg_attr(
        not(any(feature = "metrics", feature = "redis")),
        allow(dead_code, reason = "told by what takes time")
    )]
    pub(crate) fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many things there were, and how long they took together.
    pub(crate) fn all(&self) -> (u64, Duration) {
        let counts = self.buckets.iter();
        let count = counts.map(|count| count.load(Ordering::Relaxed)).sum();
        let micros = self.micros.load(Ordering::Relaxed);
        (count, Duration::from_micros(micros))
    }

    /// All seconds, and how many things there were by bucket: each with its bound.
    #[cfg_attr(
        not(feature = "metrics"),
        allow(dead_code, reason = "read by the metrics")
    )]
    pub(crate) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self
            .buckets
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        (seconds, bounds.zip(counts).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_counted_in_the_bucket_that_ends_with_it_or_after_it() {
        let timings = Timings::default();
        for micros in [0, 500, 501, 2_500_000, 2_500_001] {
            timings.took(Duration::from_micros(micros));
        }
        let (seconds, buckets) = timings.read();
        assert_eq!(seconds, 5.001_002);
        assert_eq!(timings.all(), (5, Duration::from_micros(5_001_002)));
        let filled: Vec<_> = buckets.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            filled,
            [&(0.0005, 2), &(0.001, 1), &(2.5, 1), &(f64::INFINITY, 1)]
        );
    }
}

//! What happened on this node since it started, counted where it happens. What is read of it: `Stats`, and the metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that comes and goes.
#[cfg_attr(
    not(all(feature = "metrics", any(feature = "sqlite", feature = "postgres"))),
    allow(dead_code, reason = "of the database, read by the metrics")
)]
#[derive(Debug, Default)]
pub(crate) struct Now(AtomicU64);

#[cfg_attr(
    not(all(feature = "metrics", any(feature = "sqlite", feature = "postgres"))),
    allow(dead_code, reason = "of the database, read by the metrics")
)]
impl Now {
    pub(crate) fn is(&self, number: usize) {
        self.0.store(number as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is so and what is not, by a name, of which there are few.
#[derive(Debug, Default)]
pub(crate) struct Flags(Mutex<BTreeMap<String, bool>>);

#[cfg_attr(
    not(all(feature = "metrics", any(feature = "sqlite", feature = "postgres"))),
    allow(dead_code, reason = "of the database, read by the metrics")
)]
impl Flags {
    pub(crate) fn set(&self, name: &str, is_so: bool) {
        let mut flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match flags.get_mut(name) {
            Some(flag) => *flag = is_so,
            None => drop(flags.insert(name.to_owned(), is_so)),
        }
    }

    pub(crate) fn get(&self) -> BTreeMap<String, bool> {
        let flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flags.clone()
    }
}

/// Numbers by a reason, of which there are few. For what is seldom: each takes a lock.
#[derive(Debug, Default)]
pub(crate) struct CountBy(Mutex<BTreeMap<&'static str, u64>>);

impl CountBy {
    pub(crate) fn one(&self, reason: &'static str) {
        *self.lock().entry(reason).or_default() += 1;
    }

    #[cfg_attr(
        not(feature = "metrics"),
        allow(dead_code, reason = "read by the metrics")
    )]
    pub(crate) fn get(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    /// All of them, whatever the reason.
    pub(crate) fn all(&self) -> u64 {
        self.lock().values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the [module](self).
#[cfg_attr(
    not(feature = "metrics"),
    allow(dead_code, reason = "read by the metrics")
)]
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections that were let in.
    pub(crate) connected: Count,
    /// Connections that were not, by the error's code.
    pub(crate) refused: CountBy,
    /// Connections that this node ended, by the error's code, and those that it cut, by what was wrong with them.
    pub(crate) ended: CountBy,
    /// Connections that are over, for whatever reason.
    pub(crate) disconnected: Count,
    /// Rooms that clients asked for and were shown; those that resumed a place in its order; those that could not.
    pub(crate) joined: Count,
    pub(crate) resumed: Count,
    pub(crate) reset: Count,
    /// Rooms that clients asked for and were not shown.
    pub(crate) join_refused: Count,
    /// What came from the broker for rooms that are served here.
    pub(crate) events_in: Count,
    pub(crate) presence_in: Count,
    pub(crate) signals_in: Count,
    /// Frames of rooms, each written once, and how many viewers they were sent to.
    pub(crate) frames: Count,
    pub(crate) deliveries: Count,
    /// Events in them, once for each viewer.
    pub(crate) events_out: Count,
    /// How often a viewer's buffer was full when it should have been shown something.
    pub(crate) slow: Count,
    /// Views that differed from what was sent, and were mended.
    pub(crate) divergences: Count,
    /// Messages of the broker that were noticed not to have come; their rooms were read again.
    pub(crate) gaps: Count,
    /// Rooms that had lost a message without noticing.
    pub(crate) losses: Count,
    /// Events that hosts published here.
    pub(crate) published: Count,
    /// Rows of the outbox that were left after the last look, and looks that the database did not answer.
    pub(crate) outbox_left: Now,
    pub(crate) outbox_failed: Count,
    /// People who were told something here, and from whom something was taken back.
    pub(crate) notified: Count,
    pub(crate) withdrawn: Count,
    /// Messages to channels, by what became of a try.
    pub(crate) messages: CountBy,
    /// What only one instance does at a time, and whether it is this one.
    pub(crate) leases: Flags,
}

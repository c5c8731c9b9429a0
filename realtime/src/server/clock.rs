//! The server's clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::protocol::UnixMillis;

/// Milliseconds since the Unix epoch, for people to read.
pub(crate) fn unix_millis() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX);
    #[cfg(feature = "testing")]
    let now = now.saturating_add_signed(MOVED.get());
    now
}

#[cfg(feature = "testing")]
thread_local! {
    /// By how many milliseconds this thread's clock was moved.
    static MOVED: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// Moves the wall clock of this thread's nodes.
#[cfg(feature = "testing")]
pub(crate) fn move_unix_clock(millis: i64) {
    MOVED.set(MOVED.get().saturating_add(millis));
}

/// Milliseconds since a start of its own, for deadlines: a jump of the wall clock does not move them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same in nanoseconds, good for 584 years.
    pub(crate) fn nanos(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

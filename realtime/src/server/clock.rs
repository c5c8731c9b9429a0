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
    let now = BEGAN.get().map_or(now, |began| {
        VIRTUAL_EPOCH + UnixMillis::try_from(began.elapsed().as_millis()).unwrap_or(0)
    });
    #[cfg(feature = "testing")]
    let now = now.saturating_add_signed(MOVED.get());
    now
}

#[cfg(feature = "testing")]
thread_local! {
    /// By how many milliseconds this thread's clock was moved.
    static MOVED: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// Where a virtual wall clock begins: in May 2033.
#[cfg(feature = "testing")]
const VIRTUAL_EPOCH: UnixMillis = 2_000_000_000_000;

#[cfg(feature = "testing")]
thread_local! {
    /// When this thread's wall clock began to go with tokio's.
    static BEGAN: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

/// From now on this thread's wall clock goes as fast as tokio's, which may be paused: what grows old with the one grows
/// old with the other.
#[cfg(feature = "testing")]
pub(crate) fn follow_virtual_time() {
    BEGAN.set(Some(Instant::now()));
    MOVED.set(0);
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

//! A clock that goes on when the one it is made from is set back.

/// Makes a time that never goes backwards, nor stands still, of a clock that people set: unlike a monotonic clock it goes
/// on while the machine sleeps.
///
/// ```
/// use leptos_realtime::core::clock::SteadyClock;
///
/// let mut clock = SteadyClock::default();
/// assert_eq!(clock.now(10_000), 10_000);
/// assert_eq!(clock.now(4_000), 10_000, "set back by six seconds");
/// assert_eq!(clock.now(4_500), 10_500, "and going on");
/// assert_eq!(clock.shown(11_000), 5_000, "what the clock will show");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SteadyClock {
    last: u64,
    /// By how much the clock was set back in all.
    behind: u64,
}

impl SteadyClock {
    /// The time, when the clock shows `shown`.
    pub fn now(&mut self, shown: u64) -> u64 {
        self.behind = self.behind.saturating_add(self.last.saturating_sub(shown));
        self.last = shown;
        shown.saturating_add(self.behind)
    }

    /// What the clock shows at this time, unless it is set again.
    #[must_use]
    pub fn shown(&self, time: u64) -> u64 {
        time.saturating_sub(self.behind)
    }
}

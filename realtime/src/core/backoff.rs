//! How long to wait before connecting again.

/// Exponential backoff with full jitter: the wait before attempt `n` is uniform in `0..=min(cap, base · 2ⁿ)`, which
/// spreads the clients of a restarted server best ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The greatest wait before the first retry, in milliseconds.
    pub base_ms: u64,
    /// The greatest wait at all, in milliseconds.
    pub cap_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base_ms: 500,
            cap_ms: 10_000,
        }
    }
}

impl Backoff {
    /// The wait in milliseconds before retry number `attempt` (from 0), given a random number.
    #[must_use]
    pub fn delay_ms(self, attempt: u32, entropy: u64) -> u64 {
        let ceiling = self
            .base_ms
            .saturating_mul(1u64.checked_shl(attempt).unwrap_or(u64::MAX))
            .min(self.cap_ms);
        // The remainder's bias is below 2⁻⁵⁰ for ceilings of seconds.
        entropy % (ceiling + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_never_exceeds_its_ceiling(attempt in 0u32..200, entropy: u64) {
            let backoff = Backoff::default();
            let ceiling = 500u64.saturating_mul(2u64.saturating_pow(attempt)).min(10_000);
            prop_assert!(backoff.delay_ms(attempt, entropy) <= ceiling);
        }
    }

    #[test]
    fn waits_reach_up_to_the_cap() {
        assert_eq!(Backoff::default().delay_ms(0, 500), 500);
        assert_eq!(Backoff::default().delay_ms(63, 10_000), 10_000);
    }
}

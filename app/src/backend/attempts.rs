//! How often somebody may try to sign in, or up: counted by address and by name, on each instance.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

use crate::api::ApiError;

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock, NoOpMiddleware>;

/// From one address: so many at once, and one more each time.
const PER_ADDRESS: (u32, Duration) = (20, Duration::from_secs(6));
/// For one name, whoever tries.
const PER_NAME: (u32, Duration) = (8, Duration::from_secs(30));
/// New people from one address.
const NEW_PER_ADDRESS: (u32, Duration) = (10, Duration::from_secs(120));

/// With more than this many counted, those whose budgets are full again are forgotten.
const MANY: usize = 10_000;

/// How long to wait where there are twice as many all the same, in seconds.
const WAIT: u64 = 30;

/// The tries that were made here of late. Cheap to clone.
#[derive(Clone)]
pub struct Attempts(Arc<Inner>);

struct Inner {
    addresses: Keyed<IpAddr>,
    names: Keyed<String>,
    new: Keyed<IpAddr>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self(Arc::new(Inner {
            addresses: RateLimiter::hashmap(quota(PER_ADDRESS)),
            names: RateLimiter::hashmap(quota(PER_NAME)),
            new: RateLimiter::hashmap(quota(NEW_PER_ADDRESS)),
        }))
    }
}

fn quota((at_once, each): (u32, Duration)) -> Quota {
    let at_once = NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(each).map_or_else(
        || Quota::per_minute(at_once),
        |quota| quota.allow_burst(at_once),
    )
}

impl Attempts {
    /// One more try to sign in. Nobody knows the address where the proxies in front are not configured.
    ///
    /// # Errors
    /// When there were too many, with the time to wait.
    pub(crate) fn sign_in(&self, address: Option<IpAddr>, name: &str) -> Result<(), ApiError> {
        if let Some(address) = address {
            take(&self.0.addresses, &address)?;
        }
        take(&self.0.names, &name.to_owned())
    }

    /// One more try to sign up.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub(crate) fn sign_up(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        match address {
            Some(address) => take(&self.0.new, &address),
            None => Ok(()),
        }
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(budget: &Keyed<K>, key: &K) -> Result<(), ApiError> {
    if budget.len() > MANY {
        budget.retain_recent();
        // So many at once is an attack: memory is not what it gets.
        if budget.len() > MANY * 2 {
            return Err(ApiError::TooMany(WAIT));
        }
    }
    budget.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        ApiError::TooMany(wait.as_secs().saturating_add(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_tried_some_times_from_anywhere_and_others_still_can() {
        let attempts = Attempts::default();
        let from = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        for last in 0..8 {
            attempts.sign_in(from(last), "ada").unwrap();
        }
        let refused = attempts.sign_in(from(9), "ada").unwrap_err();
        assert!(matches!(refused, ApiError::TooMany(1..=30)), "{refused:?}");
        attempts.sign_in(from(9), "bob").unwrap();
    }

    #[test]
    fn an_address_can_try_some_names_and_other_addresses_still_can() {
        let attempts = Attempts::default();
        let one = Some(IpAddr::from([192, 0, 2, 1]));
        for name in 0..20 {
            attempts.sign_in(one, &name.to_string()).unwrap();
        }
        assert!(attempts.sign_in(one, "ada").is_err());
        let other = Some(IpAddr::from([192, 0, 2, 2]));
        attempts.sign_in(other, "ada").unwrap();
        for _ in 0..10 {
            attempts.sign_up(one).unwrap();
        }
        assert!(attempts.sign_up(one).is_err());
        attempts.sign_up(other).unwrap();
    }
}

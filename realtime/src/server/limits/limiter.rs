//! Whether a connection and its person may do one more thing now.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    InsufficientCapacity, NotUntil, Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::{Limits, Rate};
use crate::{
    protocol::{ErrorCode, ProtocolError, UserId},
    server::clock::Monotonic,
};

/// Budgets run on the server's own clock, so that tests can stop it.
impl Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.nanos())
    }
}

type Single = RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Nanos>>;

// One lock for all people, held for a look-up: the map has only those who did something in the last seconds.
type PerPerson = RateLimiter<UserId, HashMapStateStore<UserId>, Monotonic, NoOpMiddleware<Nanos>>;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command of whatever kind.
    Command,
    /// A room that is joined.
    Join,
    /// Typing, or another signal.
    Signal,
}

impl Kind {
    fn plural(self) -> &'static str {
        match self {
            Self::Command => "commands",
            Self::Join => "joins",
            Self::Signal => "signals",
        }
    }
}

/// One of something for each kind.
#[derive(Debug)]
struct PerKind<T> {
    commands: T,
    joins: T,
    signals: T,
}

impl<T> PerKind<T> {
    fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Command => &self.commands,
            Kind::Join => &self.joins,
            Kind::Signal => &self.signals,
        }
    }
}

/// Why something is refused. As a [`ProtocolError`] it says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// The budget is used up: the same can be done after this time, where nothing else is done meanwhile.
    RetryAfter(Kind, Duration),
    /// More at once than the budget ever holds: waiting does not help, asking for less does.
    AtMost(Kind, u32),
}

impl From<OverLimit> for ProtocolError {
    fn from(over: OverLimit) -> Self {
        match over {
            OverLimit::RetryAfter(kind, after) => {
                let sentence = format!("too many {}: slow down", kind.plural());
                Self::new(ErrorCode::LimitExceeded, sentence).with_retry_after(after)
            }
            OverLimit::AtMost(kind, most) => {
                let sentence = format!("at most {most} {} at once: ask for fewer", kind.plural());
                Self::new(ErrorCode::LimitExceeded, sentence)
            }
        }
    }
}

/// The budgets of one instance.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    clock: Monotonic,
    people: PerKind<PerPerson>,
}

/// The budgets of one connection, and its refusals. Owned by the connection: they go where it goes.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    budgets: PerKind<Single>,
    clock: Monotonic,
    floods: u32,
    flood_window: Duration,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Default)]
struct Refusals {
    /// When the first of them was, in nanoseconds of the clock.
    since: u64,
    count: u32,
}

/// Whether a client that goes on being refused is still listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flood {
    No,
    /// It does not slow down when told: end the connection.
    Disconnect,
}

impl Limiter {
    pub(crate) fn new(limits: Limits, clock: Monotonic) -> Self {
        let person = |rate| RateLimiter::hashmap_with_clock(quota(rate), clock);
        Self {
            people: PerKind {
                commands: person(limits.commands_per_person),
                joins: person(limits.joins_per_person),
                signals: person(limits.signals_per_person),
            },
            limits,
            clock,
        }
    }

    /// Full budgets for a new connection.
    pub(crate) fn connection(&self) -> ConnectionLimits {
        let single = |rate| RateLimiter::direct_with_clock(quota(rate), self.clock);
        ConnectionLimits {
            budgets: PerKind {
                commands: single(self.limits.commands_per_connection),
                joins: single(self.limits.joins_per_connection),
                signals: single(self.limits.signals_per_connection),
            },
            clock: self.clock,
            floods: self.limits.floods,
            flood_window: self.limits.flood_window,
            refusals: Mutex::default(),
        }
    }

    /// Takes `n` from the connection's budget and from the person's (a guest has none), or says why not.
    ///
    /// All `n` or none are taken from a budget. The connection is asked first, so that a tab which floods does not use
    /// up what the person's other tabs need; where the person is refused, the connection has paid all the same.
    pub(crate) fn check(
        &self,
        kind: Kind,
        connection: &ConnectionLimits,
        person: Option<&UserId>,
        n: u32,
    ) -> Result<(), OverLimit> {
        let Some(n) = NonZeroU32::new(n) else {
            return Ok(());
        };
        // Before anything is taken for what can never be.
        let most = self.most_at_once(kind, person.is_some());
        if n > most {
            return Err(OverLimit::AtMost(kind, most.get()));
        }
        self.read(kind, connection.budgets.of(kind).check_n(n))?;
        match person {
            Some(person) => self.read(kind, self.people.of(kind).check_key_n(person, n)),
            None => Ok(()),
        }
    }

    fn most_at_once(&self, kind: Kind, person: bool) -> NonZeroU32 {
        let limits = &self.limits;
        let (connection, per_person) = match kind {
            Kind::Command => (limits.commands_per_connection, limits.commands_per_person),
            Kind::Join => (limits.joins_per_connection, limits.joins_per_person),
            Kind::Signal => (limits.signals_per_connection, limits.signals_per_person),
        };
        if person {
            connection.burst.min(per_person.burst)
        } else {
            connection.burst
        }
    }

    fn read(
        &self,
        kind: Kind,
        taken: Result<Result<(), NotUntil<Nanos>>, InsufficientCapacity>,
    ) -> Result<(), OverLimit> {
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let after = until.wait_time_from(self.clock.now());
                Err(OverLimit::RetryAfter(kind, after))
            }
            Err(InsufficientCapacity(most)) => Err(OverLimit::AtMost(kind, most)),
        }
    }

    /// Forgets people whose budgets are full again. To be called every few seconds: between calls the memory grows by
    /// about 100 bytes for each person who does something.
    pub(crate) fn maintain(&self) {
        for kind in [Kind::Command, Kind::Join, Kind::Signal] {
            let people = self.people.of(kind);
            people.retain_recent();
            people.shrink_to_fit();
        }
    }
}

impl ConnectionLimits {
    /// Counts one refusal, of whatever kind.
    ///
    /// What is carried out in between does not excuse it: a client that sends at fifty times its rate has every
    /// fiftieth command carried out.
    pub(crate) fn refused(&self) -> Flood {
        let now = self.clock.nanos();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let age = Duration::from_nanos(now.saturating_sub(refusals.since));
        if refusals.count == 0 || age >= self.flood_window {
            *refusals = Refusals {
                since: now,
                count: 0,
            };
        }
        refusals.count = refusals.count.saturating_add(1);
        if refusals.count >= self.floods {
            Flood::Disconnect
        } else {
            Flood::No
        }
    }
}

fn quota(rate: Rate) -> Quota {
    Quota::per_second(rate.per_second).allow_burst(rate.burst)
}

#[cfg(test)]
mod tests;

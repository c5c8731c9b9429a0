//! How much one connection, one person and one address may ask for.
//!
//! ```text
//! request ── client address ──► Counted: live connections of the address, then of the person
//! command ──► Limiter: the connection's budget, then the person's ──► carried out, or refused with a time to wait
//!                                                                └── too many refusals ──► the connection ends
//! ```
//!
//! [`Limits`] are a host's to set. Budgets are token buckets ([GCRA], by the `governor` crate): each refills steadily and
//! holds no more than its burst. They live in one instance: a person on three instances has three times the budget.
//!
//! [GCRA]: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm

mod address;
mod counted;
mod limiter;

pub(crate) use {
    address::client_address,
    counted::{Counted, Place},
    limiter::{ConnectionLimits, Flood, Kind, Limiter},
};

use std::{num::NonZeroU32, time::Duration};

use super::config::{ConfigError, Lookup, whole};

/// A budget that refills steadily.
///
/// ```
/// use std::num::NonZeroU32;
/// use leptos_realtime::{RealtimeConfig, server::limits::Rate};
///
/// let mut config = RealtimeConfig::default();
/// config.limits.signals_per_connection = Rate { per_second: NonZeroU32::MIN, ..config.limits.signals_per_connection };
/// assert_eq!(config.limits.signals_per_connection.burst.get(), 30);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many come back each second. More than 1,000,000,000 count as so many.
    pub per_second: NonZeroU32,
    /// How many may be used at once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    const fn of(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: NonZeroU32::new(per_second).expect("a rate is not zero"),
            burst: NonZeroU32::new(burst).expect("a burst is not zero"),
        }
    }
}

/// Limits on what clients may ask for. The defaults are far above what people do, and far below what hurts.
///
/// From the environment, where a rate is two whole numbers, `per second,burst`:
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `REALTIME_COMMANDS_PER_CONNECTION` | commands of one connection | 20,60 |
/// | `REALTIME_COMMANDS_PER_PERSON` | commands of one person, on all their connections here | 60,180 |
/// | `REALTIME_JOINS_PER_CONNECTION` | rooms that one connection joins, each room counted | 20,200 |
/// | `REALTIME_JOINS_PER_PERSON` | rooms that one person joins | 60,600 |
/// | `REALTIME_SIGNALS_PER_CONNECTION` | typing and other signals of one connection | 10,30 |
/// | `REALTIME_SIGNALS_PER_PERSON` | typing and other signals of one person | 20,60 |
/// | `REALTIME_CONNECTIONS_PER_PERSON` | live connections of one person | 32 |
/// | `REALTIME_CONNECTIONS_PER_ADDRESS` | live connections of one client address | 256 |
/// | `REALTIME_SESSIONS_PER_ROOM` | sessions in one room | 20000 |
/// | `REALTIME_FLOODS` | refusals within the flood window that end a connection | 50 |
/// | `REALTIME_FLOOD_WINDOW_MS` | the flood window | 10000 |
///
/// Whoever asks for more is refused with [`ErrorCode::LimitExceeded`](crate::ErrorCode::LimitExceeded).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Commands of one connection, of whatever kind.
    pub commands_per_connection: Rate,
    /// Commands of one person, on all their connections to this instance.
    pub commands_per_person: Rate,
    /// Rooms that one connection joins: a message that joins five counts five. A client joins all its rooms in one
    /// message when it comes back, so the burst must not be below `RealtimeConfig::max_rooms_per_connection`.
    pub joins_per_connection: Rate,
    /// Rooms that one person joins, on all their connections to this instance.
    pub joins_per_person: Rate,
    /// Typing and other signals of one connection. They count as commands too.
    pub signals_per_connection: Rate,
    /// Typing and other signals of one person, on all their connections to this instance.
    pub signals_per_person: Rate,
    /// Live connections of one person to this instance.
    pub connections_per_person: usize,
    /// Live connections of one client address to this instance; IPv6 addresses count by their /64 network. See
    /// `RealtimeConfig::trusted_proxies` for how the address is found.
    pub connections_per_address: usize,
    /// Sessions in one room.
    pub sessions_per_room: usize,
    /// How many refusals within [`flood_window`](Self::flood_window) end a connection.
    pub floods: u32,
    /// The time in which refusals are counted, from the first of them.
    pub flood_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commands_per_connection: Rate::of(20, 60),
            commands_per_person: Rate::of(60, 180),
            joins_per_connection: Rate::of(20, 200),
            joins_per_person: Rate::of(60, 600),
            signals_per_connection: Rate::of(10, 30),
            signals_per_person: Rate::of(20, 60),
            connections_per_person: 32,
            connections_per_address: 256,
            sessions_per_room: 20_000,
            floods: 50,
            flood_window: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The defaults, changed by what the environment says. Joins must come through in one message of `rooms` rooms.
    pub(super) fn from_lookup(get: Lookup<'_>, rooms: usize) -> Result<Self, ConfigError> {
        let base = Self::default();
        let at_once = u32::try_from(rooms).unwrap_or(u32::MAX);
        let millis = u64::try_from(base.flood_window.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            commands_per_connection: rate(
                get,
                "REALTIME_COMMANDS_PER_CONNECTION",
                base.commands_per_connection,
                1,
            )?,
            commands_per_person: rate(
                get,
                "REALTIME_COMMANDS_PER_PERSON",
                base.commands_per_person,
                1,
            )?,
            joins_per_connection: rate(
                get,
                "REALTIME_JOINS_PER_CONNECTION",
                base.joins_per_connection,
                at_once,
            )?,
            joins_per_person: rate(
                get,
                "REALTIME_JOINS_PER_PERSON",
                base.joins_per_person,
                at_once,
            )?,
            signals_per_connection: rate(
                get,
                "REALTIME_SIGNALS_PER_CONNECTION",
                base.signals_per_connection,
                1,
            )?,
            signals_per_person: rate(
                get,
                "REALTIME_SIGNALS_PER_PERSON",
                base.signals_per_person,
                1,
            )?,
            connections_per_person: whole(
                get,
                "REALTIME_CONNECTIONS_PER_PERSON",
                base.connections_per_person,
                1,
            )?,
            connections_per_address: whole(
                get,
                "REALTIME_CONNECTIONS_PER_ADDRESS",
                base.connections_per_address,
                1,
            )?,
            sessions_per_room: whole(get, "REALTIME_SESSIONS_PER_ROOM", base.sessions_per_room, 1)?,
            floods: whole(get, "REALTIME_FLOODS", base.floods, 1)?,
            flood_window: Duration::from_millis(whole(
                get,
                "REALTIME_FLOOD_WINDOW_MS",
                millis,
                100,
            )?),
        })
    }
}

/// A rate as `per second,burst`.
fn rate(
    get: Lookup<'_>,
    variable: &'static str,
    default: Rate,
    least_burst: u32,
) -> Result<Rate, ConfigError> {
    let Some(found) = get(variable) else {
        return Ok(default);
    };
    let read = found.split_once(',').and_then(|(per_second, burst)| {
        Some(Rate {
            per_second: per_second.trim().parse().ok()?,
            burst: burst.trim().parse().ok()?,
        })
    });
    match read {
        Some(rate) if rate.burst.get() >= least_burst => Ok(rate),
        _ => {
            let fix = format!(
                "expected two whole numbers like {},{}: so many a second, and at least {least_burst} at once",
                default.per_second, default.burst
            );
            Err(ConfigError::shown(variable, found, fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variable: &'static str, value: &'static str) -> Result<Limits, ConfigError> {
        let get = move |asked: &str| (asked == variable).then(|| value.to_owned());
        Limits::from_lookup(&get, 64)
    }

    #[test]
    fn the_environment_changes_the_defaults() {
        assert_eq!(
            Limits::from_lookup(&|_| None, 64).unwrap(),
            Limits::default()
        );
        let limits = from("REALTIME_SIGNALS_PER_PERSON", "5, 9").unwrap();
        assert_eq!(limits.signals_per_person, Rate::of(5, 9));
        assert_eq!(
            Limits {
                signals_per_person: Limits::default().signals_per_person,
                ..limits
            },
            Limits::default()
        );
        assert_eq!(
            from("REALTIME_FLOOD_WINDOW_MS", "500")
                .unwrap()
                .flood_window,
            Duration::from_millis(500)
        );
        assert_eq!(
            from("REALTIME_CONNECTIONS_PER_ADDRESS", "4")
                .unwrap()
                .connections_per_address,
            4
        );
    }

    #[test]
    fn nonsense_is_an_error_that_names_the_variable_and_what_was_found() {
        for (variable, value) in [
            ("REALTIME_COMMANDS_PER_CONNECTION", "20"),
            ("REALTIME_COMMANDS_PER_PERSON", "0,60"),
            ("REALTIME_SIGNALS_PER_CONNECTION", "10,0"),
            ("REALTIME_SIGNALS_PER_PERSON", "10/30"),
            ("REALTIME_CONNECTIONS_PER_PERSON", "0"),
            ("REALTIME_FLOODS", "-1"),
        ] {
            let message = from(variable, value).unwrap_err().to_string();
            assert!(
                message.contains(variable) && message.contains(value),
                "{message}"
            );
        }
    }

    #[test]
    fn a_burst_below_the_rooms_that_a_client_resumes_at_once_is_refused() {
        let message = from("REALTIME_JOINS_PER_CONNECTION", "20,63")
            .unwrap_err()
            .to_string();
        assert!(message.contains("at least 64 at once"), "{message}");
        assert!(from("REALTIME_JOINS_PER_PERSON", "20,64").is_ok());
    }
}

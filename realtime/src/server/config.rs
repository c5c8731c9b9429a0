//! The module's configuration: one struct, readable from the environment.

use std::{fmt::Display, str::FromStr, time::Duration};

#[cfg(feature = "redis")]
use super::broker::redis::RedisConfig;
use super::{builder::StartError, guard, limits::Limits, secret::Secret};
use crate::{
    core::{log::Retention, replica::Crowd},
    protocol::BuildId,
};

/// What a host may set. [`RealtimeConfig::default`] is good for development and for most sites.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealtimeConfig {
    /// Where the module's routes live, without a slash at the end. Both halves must agree: a host that changes it
    /// passes the same path to [`crate::hooks::provide_realtime_with`].
    pub path: String,
    /// What this server and the client that it serves were made from, such as a hash of the client's files: a page of
    /// another build is told, and shows that there is a new version
    /// ([`use_update`](crate::use_update)). None: pages are told nothing, as it should be in development.
    ///
    /// It is to change whenever the client does and at no other time, and is the same on all instances of one version.
    pub build: Option<BuildId>,
    /// Origins that may connect with cookies beside the page's own, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// How often the server pings a socket.
    pub ping_interval: Duration,
    /// How long after a ping is due a silent socket is cut.
    pub ping_timeout: Duration,
    /// How long a socket that does not read is kept.
    pub stall_timeout: Duration,
    /// How long others go on seeing a person whose connection was lost.
    pub leave_grace: Duration,
    /// How long the end of this instance may take: people come back elsewhere over two fifths of it at most, and then
    /// requests that are under way end. Less than what the platform gives between SIGTERM and SIGKILL.
    pub drain: Duration,
    /// How long presence changes are gathered into one frame.
    pub presence_window: Duration,
    /// The retained events of each room.
    pub retention: Retention,
    /// From how many people on a room is large, and how many of them it shows then.
    pub crowd: Crowd,
    /// How often clients send a heartbeat.
    pub heartbeat_interval: Duration,
    /// After how long without use of their page a person counts as away.
    pub away_after_idle: Duration,
    /// After how long in a hidden page a person counts as away.
    pub away_after_hidden: Duration,
    /// The greatest size of a signal, as JSON, in bytes.
    pub max_signal_bytes: usize,
    /// The greatest size of a client's message, in bytes.
    pub max_message_bytes: usize,
    /// The greatest size of an event, as JSON, in bytes.
    pub max_event_bytes: usize,
    /// About how many bytes may wait for a client that does not read, before frames are held back from it.
    pub max_unsent_bytes: usize,
    /// The most rooms of one connection.
    pub max_rooms_per_connection: usize,
    /// The most commands of one connection that wait to be carried out.
    pub max_pending_commands: usize,
    /// The most broker messages that wait in one shard of the hub.
    pub max_pending_messages: usize,
    /// How long a room that nobody uses stays served.
    pub room_idle: Duration,
    /// How much one connection, person and address may ask for.
    pub limits: Limits,
    /// How many proxies of the host's own stand between clients and this server, each adding to `X-Forwarded-For`: one
    /// on most platforms. Zero: that header is a forgery, and a client's address is the peer of its connection, where
    /// the host serves with `into_make_service_with_connect_info::<SocketAddr>()`.
    pub trusted_proxies: u8,
    /// While this instance cannot know what others did to people and rooms, because the meeting point is away: how often
    /// everyone connected is checked again. So long may a revocation take then.
    pub recheck_interval: Duration,
    /// How often the outbox is searched for events that nobody told of, such as those of a process that died.
    pub outbox_poll: Duration,
    /// How long published events stay in the outbox's table.
    pub outbox_retention: Duration,
    /// For how long notifications are kept: older ones are put away, and deleted as long after that.
    pub notification_retention: Duration,
    /// The site's address, such as `https://forum.example`: links in messages to channels begin with it.
    pub site_url: Option<String>,
    /// How long after it came a notification is sent to its person's channels, unless they have seen it by then.
    pub channel_delay: Duration,
    /// Where the health routes are, without a slash at the end.
    pub health_path: String,
    /// Where the metrics are.
    #[cfg(feature = "metrics")]
    pub metrics_path: String,
    /// What operators show to see figures of the process and of Redis; none: nobody sees them.
    pub operator_token: Option<Secret>,
    /// Where instances meet; none: this is the only one.
    #[cfg(feature = "redis")]
    pub redis: Option<RedisConfig>,
    /// A Redis was named that this build cannot use.
    #[cfg(not(feature = "redis"))]
    pub(crate) redis_unusable: bool,
    /// Whether people depend on it: then the module refuses to start where several instances would be islands.
    pub production: bool,
    /// There is never more than one instance, so that production needs no Redis.
    pub single_instance: bool,
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            path: "/realtime".to_owned(),
            build: None,
            allowed_origins: Vec::new(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
            leave_grace: Duration::from_secs(5),
            drain: Duration::from_secs(25),
            presence_window: Duration::from_millis(100),
            retention: Retention::default(),
            crowd: Crowd::default(),
            heartbeat_interval: Duration::from_secs(25),
            away_after_idle: Duration::from_secs(5 * 60),
            away_after_hidden: Duration::from_secs(30),
            max_signal_bytes: 1024,
            max_message_bytes: 16 * 1024,
            max_event_bytes: 64 * 1024,
            max_unsent_bytes: 1024 * 1024,
            max_rooms_per_connection: 64,
            max_pending_commands: 64,
            max_pending_messages: 16 * 1024,
            room_idle: Duration::from_secs(30),
            limits: Limits::default(),
            trusted_proxies: 0,
            recheck_interval: Duration::from_secs(30),
            outbox_poll: Duration::from_secs(1),
            outbox_retention: Duration::from_secs(3_600),
            notification_retention: Duration::from_secs(90 * 24 * 3_600),
            site_url: None,
            channel_delay: Duration::from_secs(30),
            health_path: "/health".to_owned(),
            #[cfg(feature = "metrics")]
            metrics_path: "/metrics".to_owned(),
            operator_token: None,
            #[cfg(feature = "redis")]
            redis: None,
            #[cfg(not(feature = "redis"))]
            redis_unusable: false,
            production: false,
            single_instance: false,
        }
    }
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
#[error("{variable} {}: {fix}", found.as_ref().map_or("cannot be used".to_owned(), |found| format!("is {found:?}")))]
pub struct ConfigError {
    variable: &'static str,
    /// None where it may be a secret.
    found: Option<String>,
    fix: String,
}

impl ConfigError {
    /// Shows what was found.
    pub(super) fn shown(variable: &'static str, found: String, fix: impl Into<String>) -> Self {
        Self {
            variable,
            found: Some(found),
            fix: fix.into(),
        }
    }

    /// Shows nothing of what was found: a secret may be in it.
    pub(super) fn hidden(variable: &'static str, fix: impl Into<String>) -> Self {
        Self {
            variable,
            found: None,
            fix: fix.into(),
        }
    }
}

/// Where variables are looked up: the environment, or a test's.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A whole number, or the default where the variable is not set.
pub(super) fn whole<T: FromStr + PartialOrd + Display>(
    get: Lookup<'_>,
    variable: &'static str,
    default: T,
    least: T,
) -> Result<T, ConfigError> {
    match get(variable) {
        None => Ok(default),
        Some(found) => match found.trim().parse() {
            Ok(value) if value >= least => Ok(value),
            _ => {
                let fix = format!("expected a whole number, at least {least}");
                Err(ConfigError::shown(variable, found, fix))
            }
        },
    }
}

/// Yes or no, or the default where the variable is not set or empty.
pub(super) fn flag(
    get: Lookup<'_>,
    variable: &'static str,
    default: bool,
) -> Result<bool, ConfigError> {
    let Some(found) = get(variable) else {
        return Ok(default);
    };
    match found.trim().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::shown(
            variable,
            found,
            "expected true or false",
        )),
    }
}

/// `REALTIME_BUILD`.
fn build(get: Lookup<'_>) -> Result<Option<BuildId>, ConfigError> {
    let found = get("REALTIME_BUILD").filter(|found| !found.trim().is_empty());
    let read = |found: String| match BuildId::try_from(found.trim()) {
        Ok(build) => Ok(build),
        Err(_) => {
            let fix = "expected 1 to 64 visible ASCII characters, without spaces";
            Err(ConfigError::shown("REALTIME_BUILD", found, fix))
        }
    };
    found.map(read).transpose()
}

/// `SITE_URL`, without a slash at the end.
pub(super) fn site_url(get: Lookup<'_>) -> Result<Option<String>, ConfigError> {
    let found = get("SITE_URL").filter(|found| !found.trim().is_empty());
    let Some(found) = found else {
        return Ok(None);
    };
    let url = found.trim().trim_end_matches('/');
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .chars()
                .all(|letter| letter.is_ascii_graphic() && !"?#@".contains(letter))
    };
    match host {
        Some(host) if plain(host) => Ok(Some(url.to_owned())),
        _ => {
            let fix = "expected an address like https://forum.example";
            Err(ConfigError::shown("SITE_URL", found, fix))
        }
    }
}

/// `REALTIME_OPERATOR_TOKEN`.
fn operator_token(get: Lookup<'_>) -> Result<Option<Secret>, ConfigError> {
    const VARIABLE: &str = "REALTIME_OPERATOR_TOKEN";
    let found = get(VARIABLE).filter(|found| !found.trim().is_empty());
    let short = || ConfigError::hidden(VARIABLE, "expected at least 16 characters, all visible");
    found
        .map(|found| Secret::new(found.trim()).ok_or_else(short))
        .transpose()
}

/// Whether people depend on this process: the host's own word, or a platform that is for nothing else.
fn is_production(get: Lookup<'_>) -> bool {
    let app_env = get("APP_ENV").unwrap_or_default();
    match app_env.trim().to_ascii_lowercase().as_str() {
        "production" | "prod" => true,
        "development" | "dev" | "test" => false,
        _ => ["RAILWAY_ENVIRONMENT_NAME", "RAILWAY_ENVIRONMENT"]
            .iter()
            .any(|variable| get(variable).is_some_and(|name| !name.trim().is_empty())),
    }
}

impl RealtimeConfig {
    /// The defaults, changed by what the environment says:
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `REALTIME_BUILD` | what the server and its client were made from, 1 to 64 visible ASCII characters: pages of another build say that there is a new version | none |
    /// | `REALTIME_ALLOWED_ORIGINS` | origins that may connect with cookies beside the page's own, by commas | none |
    /// | `REALTIME_PING_INTERVAL_MS` | how often the server pings a socket | 25000 |
    /// | `REALTIME_PING_TIMEOUT_MS` | how long after a ping is due a silent socket is cut | 20000 |
    /// | `REALTIME_STALL_TIMEOUT_MS` | how long a socket that does not read is kept | 30000 |
    /// | `REALTIME_LEAVE_GRACE_MS` | how long others go on seeing a person whose connection was lost | 5000 |
    /// | `REALTIME_DRAIN_MS` | how long the end of this instance may take: less than from SIGTERM to SIGKILL | 25000 |
    /// | `REALTIME_PRESENCE_WINDOW_MS` | how long presence changes are gathered into one frame | 100 |
    /// | `REALTIME_HEARTBEAT_MS` | how often clients send a heartbeat | 25000 |
    /// | `REALTIME_AWAY_IDLE_MS` | after how long without use of their page a person counts as away | 300000 |
    /// | `REALTIME_AWAY_HIDDEN_MS` | after how long in a hidden page a person counts as away | 30000 |
    /// | `REALTIME_LARGE_ROOM` | with more people than this a room shows only their number and the first of them | 200 |
    /// | `REALTIME_LARGE_ROOM_PAGE` | how many people a large room shows | 50 |
    /// | `REALTIME_RETAIN_EVENTS` | events kept per room | 1000 |
    /// | `REALTIME_RETAIN_MS` | the greatest age of a kept event | 600000 |
    /// | `REALTIME_RETAIN_BYTES` | the greatest size of a room's kept events | 1048576 |
    /// | `REALTIME_TRUSTED_PROXIES` | proxies in front of the server, each adding to `X-Forwarded-For` | 0 |
    /// | `REALTIME_RECHECK_MS` | how often everyone is checked again while the instances' meeting point is away | 30000 |
    /// | `REALTIME_OUTBOX_POLL_MS` | how often the outbox is searched for events that nobody told of | 1000 |
    /// | `REALTIME_OUTBOX_RETAIN_MS` | how long published events stay in the outbox's table | 3600000 |
    /// | `REALTIME_NOTIFICATION_RETAIN_MS` | for how long notifications are kept | 7776000000 |
    /// | `SITE_URL` | the site's address, such as `https://forum.example`, for links in messages to channels | none |
    /// | `REALTIME_CHANNEL_DELAY_MS` | how long after it came a notification is sent to channels, unless it was seen | 30000 |
    /// | `REALTIME_OPERATOR_TOKEN` | what operators show, as a bearer token, to see `/health/redis` and `/metrics`: at least 16 characters | none: nobody sees it |
    /// | `APP_ENV` | `production`: refuse to start without what several instances need. `development`, `test`: do not. Otherwise it is production on Railway, which sets `RAILWAY_ENVIRONMENT_NAME` | |
    /// | `SINGLE_INSTANCE` | `true`: there is never more than one instance, so that production needs no Redis | false |
    ///
    /// and those of [`Limits`], and with the feature `redis` those of `RedisConfig`.
    ///
    /// # Errors
    /// When a variable cannot be read; the message names it, what was found, and what is expected.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|variable| std::env::var(variable).ok())
    }

    /// The same for a host that has its variables from elsewhere too, such as a file: `get` returns a variable's value.
    ///
    /// ```
    /// use leptos_realtime::RealtimeConfig;
    ///
    /// let said = [("SITE_URL", "https://forum.example")];
    /// let config = RealtimeConfig::from_lookup(|asked| {
    ///     said.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
    /// })?;
    /// assert_eq!(config.site_url.as_deref(), Some("https://forum.example"));
    /// # Ok::<(), leptos_realtime::server::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let number = |variable, default: u64, least: u64| whole(&get, variable, default, least);
        let millis = |variable, default: Duration, least| {
            number(variable, default.as_millis() as u64, least).map(Duration::from_millis)
        };
        let base = Self::default();
        let mut allowed_origins = Vec::new();
        if let Some(found) = get("REALTIME_ALLOWED_ORIGINS") {
            for origin in found
                .split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
            {
                let rest = origin
                    .strip_prefix("https://")
                    .or_else(|| origin.strip_prefix("http://"));
                if rest.is_none_or(|host| host.is_empty() || host.contains(['/', '*'])) {
                    let fix = "expected origins like https://example.org, by commas, without paths or wildcards".to_owned();
                    let (variable, found) = ("REALTIME_ALLOWED_ORIGINS", origin.to_owned());
                    return Err(ConfigError::shown(variable, found, fix));
                }
                allowed_origins.push(origin.to_ascii_lowercase());
            }
        }
        Ok(Self {
            build: build(&get)?,
            allowed_origins,
            ping_interval: millis("REALTIME_PING_INTERVAL_MS", base.ping_interval, 100)?,
            ping_timeout: millis("REALTIME_PING_TIMEOUT_MS", base.ping_timeout, 100)?,
            stall_timeout: millis("REALTIME_STALL_TIMEOUT_MS", base.stall_timeout, 100)?,
            leave_grace: millis("REALTIME_LEAVE_GRACE_MS", base.leave_grace, 0)?,
            drain: millis("REALTIME_DRAIN_MS", base.drain, 1_000)?,
            presence_window: millis("REALTIME_PRESENCE_WINDOW_MS", base.presence_window, 1)?,
            heartbeat_interval: millis("REALTIME_HEARTBEAT_MS", base.heartbeat_interval, 1_000)?,
            away_after_idle: millis("REALTIME_AWAY_IDLE_MS", base.away_after_idle, 1_000)?,
            away_after_hidden: millis("REALTIME_AWAY_HIDDEN_MS", base.away_after_hidden, 0)?,
            crowd: Crowd {
                large: number("REALTIME_LARGE_ROOM", base.crowd.large as u64, 1)? as usize,
                page: number("REALTIME_LARGE_ROOM_PAGE", base.crowd.page as u64, 1)? as usize,
            },
            retention: Retention {
                count: number("REALTIME_RETAIN_EVENTS", base.retention.count as u64, 1)? as usize,
                age_ms: number("REALTIME_RETAIN_MS", base.retention.age_ms, 1_000)?,
                bytes: number("REALTIME_RETAIN_BYTES", base.retention.bytes as u64, 1)? as usize,
            },
            limits: Limits::from_lookup(&get, base.max_rooms_per_connection)?,
            trusted_proxies: whole(&get, "REALTIME_TRUSTED_PROXIES", base.trusted_proxies, 0)?,
            recheck_interval: millis("REALTIME_RECHECK_MS", base.recheck_interval, 100)?,
            outbox_poll: millis("REALTIME_OUTBOX_POLL_MS", base.outbox_poll, 10)?,
            outbox_retention: millis("REALTIME_OUTBOX_RETAIN_MS", base.outbox_retention, 0)?,
            notification_retention: millis(
                "REALTIME_NOTIFICATION_RETAIN_MS",
                base.notification_retention,
                1_000,
            )?,
            site_url: site_url(&get)?,
            channel_delay: millis("REALTIME_CHANNEL_DELAY_MS", base.channel_delay, 0)?,
            operator_token: operator_token(&get)?,
            #[cfg(feature = "redis")]
            redis: RedisConfig::from_lookup(&get)?,
            #[cfg(not(feature = "redis"))]
            redis_unusable: ["REDIS_URL", "REDISHOST"]
                .iter()
                .any(|variable| get(variable).is_some_and(|value| !value.trim().is_empty())),
            production: is_production(&get),
            single_instance: flag(&get, "SINGLE_INSTANCE", base.single_instance)?,
            ..base
        })
    }

    /// Whether several instances would be one system, as [`production`](Self::production) asks for: what
    /// [`RealtimeBuilder::start`](super::RealtimeBuilder::start) looks at first, for a host that checks its
    /// configuration without starting. `shareable`: several instances can use the host's database.
    ///
    /// # Errors
    /// When in production instances would be islands.
    pub fn check_instances(&self, shareable: bool) -> Result<(), StartError> {
        guard::check(self, shareable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variable: &'static str, value: &'static str) -> Result<RealtimeConfig, ConfigError> {
        RealtimeConfig::from_lookup(move |asked| (asked == variable).then(|| value.to_owned()))
    }

    #[test]
    fn the_environment_changes_the_defaults() {
        assert_eq!(
            RealtimeConfig::from_lookup(|_| None).unwrap(),
            RealtimeConfig::default()
        );
        assert_eq!(
            from("REALTIME_LEAVE_GRACE_MS", "250").unwrap().leave_grace,
            Duration::from_millis(250)
        );
        assert!(from("SINGLE_INSTANCE", "True").unwrap().single_instance);
        assert_eq!(
            from("REALTIME_TRUSTED_PROXIES", "1")
                .unwrap()
                .trusted_proxies,
            1
        );
        assert_eq!(
            from(
                "REALTIME_ALLOWED_ORIGINS",
                "https://a.example, http://B.example:8080"
            )
            .unwrap()
            .allowed_origins,
            ["https://a.example", "http://b.example:8080"]
        );
    }

    #[test]
    fn it_is_production_by_the_hosts_word_or_on_a_platform_for_nothing_else() {
        let production = |variables: &[(&str, &str)]| {
            let get = |asked: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == asked);
                found.map(|(_, value)| (*value).to_owned())
            };
            RealtimeConfig::from_lookup(get).unwrap().production
        };
        let railway = ("RAILWAY_ENVIRONMENT_NAME", "main");
        assert!(!production(&[]));
        assert!(production(&[("APP_ENV", "production")]));
        assert!(production(&[railway]));
        assert!(production(&[("RAILWAY_ENVIRONMENT", "production")]));
        assert!(!production(&[railway, ("APP_ENV", "development")]));
        assert!(production(&[railway, ("APP_ENV", "staging")]));
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused_and_none_is_shown() {
        const VARIABLE: &str = "REALTIME_OPERATOR_TOKEN";
        let message = from(VARIABLE, "swordfish").unwrap_err().to_string();
        assert!(
            message.contains(VARIABLE) && !message.contains("swordfish"),
            "{message}"
        );
        let config = from(VARIABLE, "swordfish-0123456789").unwrap();
        assert!(config.operator_token.is_some());
        assert!(!format!("{config:?}").contains("swordfish"));
        assert_eq!(from(VARIABLE, " ").unwrap().operator_token, None);
    }

    #[test]
    fn nonsense_is_an_error_that_names_the_variable_and_what_was_found() {
        for (variable, value) in [
            ("REALTIME_PING_INTERVAL_MS", "soon"),
            ("REALTIME_RETAIN_EVENTS", "0"),
            ("REALTIME_TRUSTED_PROXIES", "256"),
            ("REALTIME_BUILD", "the new one"),
            ("SITE_URL", "forum.example"),
            ("SITE_URL", "https://forum.example/?a=b"),
            ("REALTIME_FLOODS", "few"),
            ("SINGLE_INSTANCE", "perhaps"),
            ("REALTIME_ALLOWED_ORIGINS", "*"),
            ("REALTIME_ALLOWED_ORIGINS", "example.org"),
        ] {
            let message = from(variable, value).unwrap_err().to_string();
            assert!(
                message.contains(variable) && message.contains(value),
                "{message}"
            );
        }
    }
}

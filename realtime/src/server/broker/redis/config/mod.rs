//! Which Redis, and how to reach it.

mod url;

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use url::Url;

use super::client::Client;
use crate::server::{
    builder::StartError,
    config::{ConfigError, Lookup, flag},
};

/// How the instances of a host reach the Redis at which they meet, from a URL or from the environment:
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `REDIS_URL` | where Redis is, as below | none: one instance only |
/// | `REDISHOST`, `REDISPORT`, `REDISUSER`, `REDISPASSWORD` | the same in parts, where `REDIS_URL` is not set | port 6379 |
/// | `REDIS_CLUSTER` | `true`: it is a Redis Cluster, also where the URL names one server | `false` |
/// | `REDIS_SENTINEL_USERNAME`, `REDIS_SENTINEL_PASSWORD` | what the Sentinels ask for, if they do | none |
/// | `REDIS_CA_FILE` | a PEM file with the certificates that Redis' own must come from | the system's |
/// | `REDIS_TLS_VERIFY` | `false`: whoever answers is believed to be Redis. Not for production | `true` |
/// | `REDIS_PREFIX` | what all keys and channels begin with, for applications that share a Redis | `leptos_realtime` |
/// | `REDIS_BEAT_MS` | how often an instance says that it lives: 100 to 60000 | 1000 |
/// | `REDIS_TIMEOUT_MS` | how long Redis may take to answer: 10 to 60000 | 1000 |
/// | `REDIS_CONNECT_TIMEOUT_MS` | how long making a connection may take: 10 to 60000 | 3000 |
///
/// The URL is one of
///
/// - `redis://user:password@host:6379/0`: one server. All but the host may be left out.
/// - `rediss://…`: the same over TLS.
/// - `redis://user:password@one:6379,two:6379`, or several whole URLs with commas between: a Cluster. Some of its
///   servers are enough, the others are found.
/// - `redis+sentinel://user:password@one:26379,two:26379/mymaster/0`: the master of that name, whichever server it is
///   at the time. The user and the password are those of Redis. `rediss+sentinel://…`: the same over TLS.
///
/// What has a meaning of its own in a URL is percent-encoded in the user and the password: `@` as `%40`, `/` as `%2F`.
/// The protocol is RESP3, so Redis is of version 6 or later; a Cluster of 7 or later.
///
/// # Rights
/// A user of its own ([ACL](https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/)) needs no more than
/// `~leptos_realtime:* &leptos_realtime:* +@read +@write +@pubsub +@scripting +@connection +time +info`, with the prefix
/// that was chosen; where Sentinels know the master also `+role`, and on a Cluster `+cluster|slots`. Redis'
/// `maxmemory-policy` should be `noeviction`.
///
/// # TLS
/// Certificates are checked with [rustls](https://docs.rs/rustls). A host that has installed no cryptography for it
/// ([`CryptoProvider::install_default`](rustls::crypto::CryptoProvider::install_default)) gets *ring*; one that wants
/// another installs it before the module starts.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisConfig {
    pub(super) servers: Servers,
    pub(super) credentials: Credentials,
    pub(super) database: u32,
    pub(super) tls: bool,
    /// The certificates, in PEM, that the server's own must come from; none: the system's.
    pub ca: Option<Vec<u8>>,
    /// Whether the server's certificate is checked. Without it anybody on the way can read and change what is said.
    pub verify: bool,
    /// What all keys and channels begin with.
    pub prefix: String,
    /// How often an instance says that it lives.
    pub beat_interval: Duration,
    /// How long Redis may take to answer a command.
    pub timeout: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
}

/// A server's name or address, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    Single(Address),
    /// Some servers of a Cluster.
    Cluster(Vec<Address>),
    Sentinel {
        sentinels: Vec<Address>,
        master: String,
        credentials: Credentials,
    },
}

/// Who we are to a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "(not shown)"))
            .finish()
    }
}

/// Where Redis is, without anything secret.
impl fmt::Display for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whereabouts())
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("servers", &self.servers)
            .field("credentials", &self.credentials)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .field("ca", &self.ca.as_ref().map(|_| "(given)"))
            .field("verify", &self.verify)
            .field("prefix", &self.prefix)
            .field("beat_interval", &self.beat_interval)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish()
    }
}

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_SENTINEL_PORT: u16 = 26379;
const MAX_PREFIX_BYTES: usize = 64;

impl RedisConfig {
    /// What this URL says, and defaults for the rest. The forms are those of `REDIS_URL`, [above](Self).
    ///
    /// # Errors
    /// When it cannot be read. The error names `REDIS_URL` and never shows any part of the URL: what is wrong with it
    /// may be that the password begins or ends elsewhere than meant.
    pub fn from_url(url: &str) -> Result<Self, ConfigError> {
        let parsed = Url::parse(url).map_err(bad_url)?;
        Self::assemble(parsed, false, Credentials::default())
    }

    fn assemble(url: Url, cluster: bool, sentinel: Credentials) -> Result<Self, ConfigError> {
        let mut addresses = url.addresses;
        let servers = match url.master {
            Some(_) if cluster => {
                let fix = "a Cluster has no Sentinels: unset it, or use redis:// in REDIS_URL";
                return Err(ConfigError::hidden("REDIS_CLUSTER", fix));
            }
            Some(master) => Servers::Sentinel {
                sentinels: addresses,
                master,
                credentials: sentinel,
            },
            None if cluster || addresses.len() > 1 => {
                if url.database != 0 {
                    return Err(bad_url("a Cluster has database 0 only: leave /… out"));
                }
                Servers::Cluster(addresses)
            }
            None => Servers::Single(addresses.remove(0)),
        };
        Ok(Self {
            servers,
            credentials: url.credentials,
            database: url.database,
            tls: url.tls,
            ca: None,
            verify: true,
            prefix: "leptos_realtime".to_owned(),
            beat_interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(3),
        })
    }

    /// What the environment says; none where it names no Redis.
    pub(in crate::server) fn from_lookup(get: Lookup<'_>) -> Result<Option<Self>, ConfigError> {
        // A variable that refers to a service which is not there is often empty.
        let set = |variable: &str| get(variable).filter(|value| !value.trim().is_empty());
        let url = match (set("REDIS_URL"), set("REDISHOST")) {
            (Some(url), _) => Url::parse(&url).map_err(bad_url)?,
            (None, Some(host)) => Url {
                tls: false,
                credentials: Credentials {
                    username: set("REDISUSER"),
                    password: set("REDISPASSWORD"),
                },
                addresses: vec![address_in_parts(host, set("REDISPORT"))?],
                master: None,
                database: 0,
            },
            (None, None) => return Ok(None),
        };
        let sentinel = Credentials {
            username: set("REDIS_SENTINEL_USERNAME"),
            password: set("REDIS_SENTINEL_PASSWORD"),
        };
        let base = Self::assemble(url, flag(&set, "REDIS_CLUSTER", false)?, sentinel)?;
        let ca = match set("REDIS_CA_FILE") {
            None => None,
            Some(_) if !base.tls => {
                let fix = "certificates are for TLS: begin REDIS_URL with rediss://, or unset it";
                return Err(ConfigError::hidden("REDIS_CA_FILE", fix));
            }
            Some(path) => Some(read_certificates(path)?),
        };
        let prefix = match set("REDIS_PREFIX") {
            None => base.prefix.clone(),
            Some(found) => match check_prefix(&found) {
                Ok(()) => found,
                Err(fix) => return Err(ConfigError::shown("REDIS_PREFIX", found, fix)),
            },
        };
        Ok(Some(Self {
            ca,
            verify: flag(&set, "REDIS_TLS_VERIFY", base.verify)?,
            prefix,
            beat_interval: millis(&set, "REDIS_BEAT_MS", base.beat_interval, 100)?,
            timeout: millis(&set, "REDIS_TIMEOUT_MS", base.timeout, 10)?,
            connect_timeout: millis(&set, "REDIS_CONNECT_TIMEOUT_MS", base.connect_timeout, 10)?,
            ..base
        }))
    }
}

impl RedisConfig {
    /// Whether the connection is encrypted, but to whom nobody knows.
    pub(in crate::server) fn is_unverified(&self) -> bool {
        self.tls && !self.verify
    }

    /// Connects once, and says why that fails: for a host that checks its configuration without starting. A host that
    /// starts while Redis is away goes on without it, and tries again.
    ///
    /// # Errors
    /// When Redis cannot be reached or used. The message holds no password.
    pub async fn check(&self) -> Result<(), StartError> {
        let refused = |error: redis::RedisError| StartError::Redis(error.to_string());
        let client = Client::new(self).map_err(refused)?;
        let (pushes, _unread) = tokio::sync::mpsc::unbounded_channel();
        client.open(pushes).await.map(drop).map_err(refused)
    }

    /// Where Redis is, for messages.
    pub(super) fn whereabouts(&self) -> String {
        let addresses = match &self.servers {
            Servers::Single(address) => std::slice::from_ref(address),
            Servers::Cluster(addresses) => addresses,
            Servers::Sentinel { sentinels, .. } => sentinels,
        };
        let addresses: Vec<_> = addresses.iter().map(Address::to_string).collect();
        let what = match &self.servers {
            Servers::Single(_) => "Redis at",
            Servers::Cluster(_) => "the Redis Cluster at",
            Servers::Sentinel { .. } => "the Redis whose Sentinels are at",
        };
        format!("{what} {}", addresses.join(", "))
    }

    /// What no message may hold.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let sentinels = match &self.servers {
            Servers::Sentinel { credentials, .. } => credentials.password.as_deref(),
            _ => None,
        };
        [self.credentials.password.as_deref(), sentinels]
            .into_iter()
            .flatten()
    }
}

/// The hash tag of keys is in braces; the rest would make them hard to name in an ACL or a shell.
pub(super) fn check_prefix(prefix: &str) -> Result<(), &'static str> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '{' || c == '}';
    if prefix.is_empty() || prefix.len() > MAX_PREFIX_BYTES || prefix.contains(forbidden) {
        return Err("expected 1 to 64 bytes without braces, whitespace or control characters");
    }
    Ok(())
}

fn bad_url(fix: impl Into<String>) -> ConfigError {
    ConfigError::hidden("REDIS_URL", fix)
}

fn address_in_parts(host: String, port: Option<String>) -> Result<Address, ConfigError> {
    let host = host.trim();
    // Somebody may have put the whole URL there, with its password.
    if host.contains(['@', '/', ',', ' ']) {
        let fix = "expected only a name or an address, like redis.example.org; a URL belongs in REDIS_URL";
        return Err(ConfigError::hidden("REDISHOST", fix));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(found) => match found.trim().parse() {
            Ok(port) if port > 0 => port,
            _ => {
                return Err(ConfigError::hidden(
                    "REDISPORT",
                    "expected a port like 6379",
                ));
            }
        },
    };
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    Ok(Address { host, port })
}

fn read_certificates(path: String) -> Result<Vec<u8>, ConfigError> {
    let wrong = |path, why: String| {
        let fix = format!("{why}; expected the path of a PEM file with the CA's certificate");
        Err(ConfigError::shown("REDIS_CA_FILE", path, fix))
    };
    if path.contains("-----BEGIN") {
        let fix = "expected the path of a PEM file, not what stands in it";
        return Err(ConfigError::hidden("REDIS_CA_FILE", fix));
    }
    let pem = match std::fs::read(path.trim()) {
        Ok(pem) => pem,
        Err(error) => return wrong(path, format!("it cannot be read ({error})")),
    };
    match super::client::check_certificates(&pem) {
        Ok(()) => Ok(pem),
        Err(why) => wrong(path, why),
    }
}

/// A number of milliseconds up to a minute, or the default where the variable is not set.
fn millis(
    get: Lookup<'_>,
    variable: &'static str,
    default: Duration,
    least: u64,
) -> Result<Duration, ConfigError> {
    let Some(found) = get(variable) else {
        return Ok(default);
    };
    match found.trim().parse() {
        Ok(value) if (least..=60_000).contains(&value) => Ok(Duration::from_millis(value)),
        _ => {
            let fix = format!("expected a whole number of milliseconds from {least} to 60000");
            Err(ConfigError::shown(variable, found, fix))
        }
    }
}

//! How the instances' Redis is, in its own words.

use serde::Serialize;
use tokio::time::timeout;

use super::ready::TIMEOUT;
use crate::server::Realtime;

/// What `GET /health/redis` answers: the servers' own figures, from `INFO`.
///
/// ```json
/// {
///   "servers": [{
///     "address": null, "version": "7.2.4", "role": "master", "uptime_seconds": 86400, "connected_clients": 5,
///     "used_memory_bytes": 1835008, "max_memory_bytes": 0, "max_memory_policy": "noeviction", "evicted_keys": 0,
///     "commands_per_second": 12, "keyspace_hits": 90, "keyspace_misses": 10, "hit_ratio": 0.9
///   }]
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedisStatistics {
    /// One, or each of a Cluster's.
    pub servers: Vec<RedisServer>,
}

/// A Redis server's figures. One that the server does not tell is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedisServer {
    /// Where it is, in a Cluster.
    pub address: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// Since when it runs, in seconds.
    pub uptime_seconds: Option<u64>,
    /// Connections of clients: each instance has two.
    pub connected_clients: Option<u64>,
    /// The memory that it uses, in bytes.
    pub used_memory_bytes: Option<u64>,
    /// The most that it may use, in bytes; 0: no limit of its own.
    pub max_memory_bytes: Option<u64>,
    /// What it does when that is used up: `noeviction` is the one that loses nobody.
    pub max_memory_policy: Option<String>,
    /// How many keys it has thrown away for that.
    pub evicted_keys: Option<u64>,
    /// Commands a second, lately.
    pub commands_per_second: Option<u64>,
    /// How often a key that was asked for was there, since it started.
    pub keyspace_hits: Option<u64>,
    /// How often it was not.
    pub keyspace_misses: Option<u64>,
    /// Hits among both, from 0 to 1.
    pub hit_ratio: Option<f64>,
}

impl RedisServer {
    /// From what `INFO` answers.
    fn read(address: Option<String>, info: &str) -> Self {
        let text = |name: &str| {
            let mut lines = info.lines();
            let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.map(|value| value.trim().to_owned())
        };
        let number = |name: &str| text(name)?.parse().ok();
        let (hits, misses): (Option<u64>, Option<u64>) =
            (number("keyspace_hits"), number("keyspace_misses"));
        let ratio = |(hits, misses): (u64, u64)| {
            let all = hits.saturating_add(misses);
            (all > 0).then(|| hits as f64 / all as f64)
        };
        Self {
            address,
            version: text("redis_version"),
            role: text("role"),
            uptime_seconds: number("uptime_in_seconds"),
            connected_clients: number("connected_clients"),
            used_memory_bytes: number("used_memory"),
            max_memory_bytes: number("maxmemory"),
            max_memory_policy: text("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
            commands_per_second: number("instantaneous_ops_per_sec"),
            keyspace_hits: hits,
            keyspace_misses: misses,
            hit_ratio: hits.zip(misses).and_then(ratio),
        }
    }
}

impl Realtime {
    /// How the instances' Redis is, in its own words, or why it does not say; none without Redis. It is asked for a second
    /// at most, and at most once a second.
    pub async fn redis_statistics(&self) -> Option<Result<RedisStatistics, String>> {
        let broker = self.0.hub.broker();
        if !broker.has_links() {
            return None;
        }
        let ask = async {
            match timeout(TIMEOUT, broker.info()).await {
                Ok(Ok(servers)) => {
                    let servers = servers.into_iter();
                    let read = |(address, info): (Option<String>, String)| {
                        RedisServer::read(address, &info)
                    };
                    Ok(RedisStatistics {
                        servers: servers.map(read).collect(),
                    })
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
            }
        };
        Some(self.0.health.redis.get(ask).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_by_their_names_and_what_is_not_told_is_none() {
        let info = "# Server\r\nredis_version:7.2.4\r\nuptime_in_seconds:60\r\n\r\n# Memory\r\nused_memory:1024\r\n\
                    used_memory_human:1K\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\nkeyspace_hits:3\r\n\
                    keyspace_misses:1\r\nconnected_clients:many\r\n";
        let server = RedisServer::read(None, info);
        assert_eq!(server.version.as_deref(), Some("7.2.4"));
        assert_eq!(
            (server.uptime_seconds, server.used_memory_bytes),
            (Some(60), Some(1_024))
        );
        assert_eq!(
            (server.max_memory_bytes, server.hit_ratio),
            (Some(0), Some(0.75))
        );
        assert_eq!((server.connected_clients, server.role), (None, None));
        assert_eq!(RedisServer::read(None, ""), RedisServer::default());
        let idle = RedisServer::read(None, "keyspace_hits:0\nkeyspace_misses:0");
        assert_eq!(idle.hit_ratio, None);
    }
}

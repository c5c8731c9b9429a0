//! Several instances as one system: they meet at a Redis.
//!
//! [`config`] says which Redis and how to reach it, and is read and checked at start; `client` makes connections to it,
//! one at a time, whatever it is: one server, a master that Sentinels know, or a Cluster.

#[allow(dead_code, reason = "the broker that connects with it is on its way")]
mod client;
pub mod config;

#[cfg(test)]
#[path = "../../../../tests/common/redis.rs"]
mod servers;

pub use config::RedisConfig;

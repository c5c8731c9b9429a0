//! What is looked at before anything starts: whether several instances would be one system.

use super::{RealtimeConfig, StartError};

/// Refuses production in which instances would be islands, and says what an operator should know. `shareable`: several
/// instances can use the host's database.
pub(super) fn check(config: &RealtimeConfig, shareable: bool) -> Result<(), StartError> {
    if config.production && !config.single_instance {
        if !has_redis(config) {
            return Err(StartError::Production(match names_unusable_redis(config) {
                true => UNUSABLE,
                false => ALONE,
            }));
        }
        if !shareable {
            return Err(StartError::Production(NOT_SHARED));
        }
    }
    warn(config);
    Ok(())
}

const ALONE: &str = "no Redis is named, so instances would not hear of each other: set REDIS_URL, or SINGLE_INSTANCE=true \
    if there is never more than one";
const UNUSABLE: &str = "REDIS_URL or REDISHOST is set, but leptos_realtime is built without its feature `redis`: switch it \
    on, or set SINGLE_INSTANCE=true if there is never more than one instance";
const NOT_SHARED: &str = "the database is SQLite, which instances cannot share: let DATABASE_URL name a Postgres, or set \
    SINGLE_INSTANCE=true if there is never more than one";

fn warn(config: &RealtimeConfig) {
    if names_unusable_redis(config) {
        tracing::warn!(
            "REDIS_URL or REDISHOST is set, but leptos_realtime is built without its feature `redis`: this is one instance only"
        );
    } else if !has_redis(config) {
        tracing::info!("without REDIS_URL this is one instance only");
    }
    #[cfg(feature = "redis")]
    if let Some(redis) = &config.redis
        && redis.is_unverified()
    {
        tracing::warn!(
            "REDIS_TLS_VERIFY is false: whoever answers is believed to be Redis, and can read and change everything"
        );
    }
}

#[cfg(feature = "redis")]
fn has_redis(config: &RealtimeConfig) -> bool {
    config.redis.is_some()
}

#[cfg(not(feature = "redis"))]
fn has_redis(_: &RealtimeConfig) -> bool {
    false
}

#[cfg(feature = "redis")]
fn names_unusable_redis(_: &RealtimeConfig) -> bool {
    false
}

#[cfg(not(feature = "redis"))]
fn names_unusable_redis(config: &RealtimeConfig) -> bool {
    config.redis_unusable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut RealtimeConfig), shareable: bool) -> Option<String> {
        let mut config = RealtimeConfig::default();
        change(&mut config);
        check(&config, shareable)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn without_production_anything_starts() {
        assert_eq!(refusal(|_| {}, false), None);
    }

    #[test]
    fn production_without_redis_is_refused_unless_there_is_one_instance_only() {
        let error = refusal(|config| config.production = true, true).unwrap();
        assert!(
            error.contains("REDIS_URL") && error.contains("SINGLE_INSTANCE=true"),
            "{error}"
        );
        let alone = |config: &mut RealtimeConfig| {
            config.production = true;
            config.single_instance = true;
        };
        assert_eq!(refusal(alone, false), None);
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn production_with_a_redis_that_the_build_cannot_use_is_told_of_the_feature() {
        let unusable = |config: &mut RealtimeConfig| {
            config.production = true;
            config.redis_unusable = true;
        };
        let error = refusal(unusable, true).unwrap();
        assert!(error.contains("feature `redis`"), "{error}");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn production_with_redis_needs_a_database_that_instances_can_share() {
        let with_redis = |config: &mut RealtimeConfig| {
            config.production = true;
            config.redis = crate::server::RedisConfig::from_url("redis://localhost").ok();
        };
        assert_eq!(refusal(with_redis, true), None);
        let error = refusal(with_redis, false).unwrap();
        assert!(
            error.contains("SQLite") && error.contains("DATABASE_URL"),
            "{error}"
        );
    }
}

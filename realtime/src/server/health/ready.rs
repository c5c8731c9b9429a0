//! Whether people may be sent to this process.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::time::timeout;

use crate::server::{Realtime, broker::LinkRole};

/// How long a check may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// What `GET /health/ready` answers.
///
/// ```json
/// {
///   "status": "ready",
///   "checks": {
///     "database": { "status": "up", "latency_ms": 0.412 },
///     "redis_publish": { "status": "up", "latency_ms": 0.207 },
///     "redis_subscribe": { "status": "up", "latency_ms": 0.198 }
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Readiness {
    /// All in all.
    pub status: ReadyStatus,
    /// What was looked at.
    pub checks: Checks,
}

/// Whether people may be sent to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ReadyStatus {
    /// They may: 200.
    Ready,
    /// They may, and what they do is seen by the people of this process alone until it has reached its Redis again: 200.
    Degraded,
    /// They may not: it is about to end. 503.
    Draining,
    /// They may not: its database is away. 503.
    Unready,
}

/// What a process needs, each looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Checks {
    /// The host's database.
    pub database: Check,
    /// The link over which Redis is told something.
    pub redis_publish: Check,
    /// The link over which Redis tells something.
    pub redis_subscribe: Check,
}

/// What became of a look.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// Whether it answered.
    pub status: CheckStatus,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

/// Whether something answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// It did.
    Up,
    /// It did not, or not within a second. The log says why.
    Down,
    /// This process has none.
    Unused,
}

impl Check {
    const UNUSED: Self = Self {
        status: CheckStatus::Unused,
        latency_ms: None,
    };

    /// Waits for an answer.
    pub(super) async fn of<E: std::fmt::Display>(
        what: &'static str,
        ask: impl Future<Output = Result<(), E>>,
    ) -> Self {
        let began = Instant::now();
        let why = match timeout(TIMEOUT, ask).await {
            Ok(Ok(())) => {
                let micros = began.elapsed().as_micros() as f64;
                return Self {
                    status: CheckStatus::Up,
                    latency_ms: Some(micros / 1_000.0),
                };
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {TIMEOUT:?}"),
        };
        tracing::warn!(what, why, "not healthy");
        Self {
            status: CheckStatus::Down,
            latency_ms: None,
        }
    }

    fn is_down(&self) -> bool {
        self.status == CheckStatus::Down
    }
}

impl Realtime {
    /// Whether people may be sent to this process, as `GET /health/ready` answers. What it needs is looked at for a second
    /// at most, and at most once a second.
    pub async fn readiness(&self) -> Readiness {
        let checks = self.0.health.checks.get(self.check()).await;
        let status = if self.0.gateway.is_draining() {
            ReadyStatus::Draining
        } else if checks.database.is_down() {
            ReadyStatus::Unready
        } else if checks.redis_publish.is_down()
            || checks.redis_subscribe.is_down()
            || !self.0.hub.is_linked()
        {
            ReadyStatus::Degraded
        } else {
            ReadyStatus::Ready
        };
        Readiness { status, checks }
    }

    async fn check(&self) -> Checks {
        let database = async {
            match self.has_database() {
                true => Check::of("database", self.0.store.ping()).await,
                false => Check::UNUSED,
            }
        };
        let broker = self.0.hub.broker();
        let link = async |what, role| match broker.has_links() {
            true => Check::of(what, broker.ping(role)).await,
            false => Check::UNUSED,
        };
        let (database, redis_publish, redis_subscribe) = futures::join!(
            database,
            link("the link to Redis", LinkRole::Publish),
            link("the link from Redis", LinkRole::Subscribe),
        );
        Checks {
            database,
            redis_publish,
            redis_subscribe,
        }
    }

    fn has_database(&self) -> bool {
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        return self.0.inboxes.is_some();
        #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
        return false;
    }
}

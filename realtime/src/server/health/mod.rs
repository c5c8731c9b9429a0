//! Health: whether the process lives, whether people may be sent to it, and how its Redis is.
//!
//! `GET /health/live` answers as long as the process does. `GET /health/ready` looks at what the process needs, for a
//! second at most, and at most once a second however often it is asked. `GET /health/redis` is for operators, who show
//! `REALTIME_OPERATOR_TOKEN`.

mod cached;
mod ready;
mod redis;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use cached::Cached;
use http::{HeaderMap, StatusCode, header};
pub use ready::{Check, CheckStatus, Checks, Readiness, ReadyStatus};
pub use redis::{RedisServer, RedisStatistics};
use serde_json::json;

use super::{Realtime, operator::is_operator};

/// What was found out last.
#[derive(Debug, Default)]
pub(super) struct Health {
    checks: Cached<Checks>,
    redis: Cached<Result<RedisStatistics, String>>,
}

impl Health {
    /// What was found out last of what the process needs, by name; nothing of what it does not use.
    #[cfg_attr(
        not(feature = "metrics"),
        allow(dead_code, reason = "read by the metrics")
    )]
    pub(super) fn last(&self) -> Vec<(&'static str, Check)> {
        let Some(checks) = self.checks.last() else {
            return Vec::new();
        };
        let named = [
            ("database", checks.database),
            ("redis_publish", checks.redis_publish),
            ("redis_subscribe", checks.redis_subscribe),
        ];
        let used = named.into_iter();
        used.filter(|(_, check)| check.status != CheckStatus::Unused)
            .collect()
    }
}

/// The routes under the health path.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(realtime: Realtime) -> Router<S> {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/redis", get(statistics))
        .with_state(realtime)
}

/// Nobody keeps an answer.
fn fresh(status: StatusCode, body: impl IntoResponse) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn live() -> Response {
    fresh(StatusCode::OK, Json(json!({"status": "live"})))
}

async fn ready(State(realtime): State<Realtime>) -> Response {
    let readiness = realtime.readiness().await;
    let status = match readiness.status {
        ReadyStatus::Ready | ReadyStatus::Degraded => StatusCode::OK,
        ReadyStatus::Draining | ReadyStatus::Unready => StatusCode::SERVICE_UNAVAILABLE,
    };
    fresh(status, Json(readiness))
}

async fn statistics(State(realtime): State<Realtime>, headers: HeaderMap) -> Response {
    let problem = |status, sentence: &str| fresh(status, Json(json!({"error": sentence})));
    if let Err((status, sentence)) = is_operator(&realtime, &headers) {
        return problem(status, sentence);
    }
    match realtime.redis_statistics().await {
        None => problem(StatusCode::NOT_FOUND, "this instance uses no Redis"),
        Some(Err(why)) => problem(StatusCode::SERVICE_UNAVAILABLE, &why),
        Some(Ok(statistics)) => fresh(StatusCode::OK, Json(statistics)),
    }
}

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

use super::Realtime;

/// What was found out last.
#[derive(Debug, Default)]
pub(super) struct Health {
    checks: Cached<Checks>,
    redis: Cached<Result<RedisStatistics, String>>,
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

/// Whether a request shows the operators' token; otherwise what it is answered.
fn is_operator(realtime: &Realtime, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let Some(token) = &realtime.0.config.operator_token else {
        let sentence = "set REALTIME_OPERATOR_TOKEN, and show it as a bearer token";
        return Err((StatusCode::FORBIDDEN, sentence));
    };
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.as_bytes().strip_prefix(b"Bearer "));
    match given.is_some_and(|given| token.is(given)) {
        true => Ok(()),
        false => Err((
            StatusCode::UNAUTHORIZED,
            "show REALTIME_OPERATOR_TOKEN as a bearer token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::User,
        server::{RealtimeBuilder, RealtimeConfig, Secret},
    };

    fn builder(config: RealtimeConfig) -> RealtimeBuilder {
        Realtime::builder(config)
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
    }

    fn shows(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn only_who_shows_the_token_is_an_operator() {
        let closed = builder(RealtimeConfig::default()).start().await.unwrap();
        let refused = is_operator(&closed, &shows("Bearer ")).unwrap_err();
        assert_eq!(refused.0, StatusCode::FORBIDDEN, "nobody set one");
        let config = RealtimeConfig {
            operator_token: Some(Secret::new("0123456789abcdef").unwrap()),
            ..RealtimeConfig::default()
        };
        let realtime = builder(config).start().await.unwrap();
        assert_eq!(
            is_operator(&realtime, &shows("Bearer 0123456789abcdef")),
            Ok(())
        );
        for bad in [
            "Bearer ",
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcdef0",
            "0123456789abcdef",
        ] {
            let refused = is_operator(&realtime, &shows(bad)).unwrap_err();
            assert_eq!(refused.0, StatusCode::UNAUTHORIZED, "{bad}");
        }
        assert!(is_operator(&realtime, &HeaderMap::new()).is_err());
    }
}

//! Health as an operator's probes see it: over HTTP, with a real Postgres and a real Redis that come and go.
#![cfg(all(
    feature = "testing",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;
#[allow(unused_imports, reason = "not all of it is needed here")]
#[path = "common/redis/mod.rs"]
mod servers;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use common::host::{Host, PostgresHost};
use leptos_realtime::{
    Realtime, RealtimeConfig, User,
    server::{RealtimeBuilder, RedisConfig, Secret},
};
use serde_json::{Value, json};
use servers::RedisServer;
use tower::ServiceExt;

fn builder(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|_| async { Ok(None::<User>) })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
}

fn at(redis: &RedisServer) -> RealtimeConfig {
    let mut config = RealtimeConfig::default();
    config.redis = Some(RedisConfig::from_url(&redis.url()).unwrap());
    config
}

const TOKEN: &str = "0123456789abcdef";

async fn get(app: &Router, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status();
    let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Waits until it is as it should be.
async fn until(app: &Router, what: &str, holds: impl Fn(StatusCode, &Value) -> bool) -> Value {
    for _ in 0..600 {
        let (status, body) = get(app, "/health/ready", None).await;
        if holds(status, &body) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn who_needs_nothing_is_ready_as_long_as_it_lives() {
    let realtime = builder(RealtimeConfig::default()).start().await.unwrap();
    let app: Router = realtime.routes();
    assert_eq!(
        get(&app, "/health/live", None).await,
        (StatusCode::OK, json!({"status": "live"}))
    );
    let unused = json!({"status": "unused"});
    let ready = json!({"status": "ready", "checks": {
        "database": unused, "redis_publish": unused, "redis_subscribe": unused,
    }});
    assert_eq!(
        get(&app, "/health/ready", None).await,
        (StatusCode::OK, ready)
    );
    let (status, refused) = get(&app, "/health/redis", Some(TOKEN)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("REALTIME_OPERATOR_TOKEN")
    );
    realtime.shutdown().await;
    let (status, draining) = get(&app, "/health/ready", None).await;
    assert_eq!(
        (status, &draining["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("draining"))
    );
    assert_eq!(get(&app, "/health/live", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_away_is_told_and_only_a_database_keeps_people_away() {
    let mut host = PostgresHost::new().await;
    let mut redis = RedisServer::start(&[]);
    let mut config = at(&redis);
    config.operator_token = Secret::new(TOKEN);
    let builder = builder(config).database(host.impatient().await);
    let realtime = builder.start().await.unwrap();
    let app: Router = realtime.routes();
    let all = ["database", "redis_publish", "redis_subscribe"];

    let ready = until(&app, "ready", |_, body| body["status"] == "ready").await;
    for check in all {
        let check = &ready["checks"][check];
        assert_eq!(check["status"], "up");
        assert!(check["latency_ms"].as_f64().unwrap() > 0.0);
    }
    for token in [None, Some("0123456789abcdeg")] {
        assert_eq!(
            get(&app, "/health/redis", token).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
    let (status, statistics) = get(&app, "/health/redis", Some(TOKEN)).await;
    assert_eq!(status, StatusCode::OK);
    let server = &statistics["servers"][0];
    assert!(
        server["connected_clients"].as_u64().unwrap() >= 2,
        "{server}"
    );
    assert!(
        server["used_memory_bytes"].as_u64().unwrap() > 100_000,
        "{server}"
    );
    assert_eq!(server["max_memory_policy"], "noeviction");

    redis.kill();
    let degraded = until(&app, "degraded", |_, body| {
        body["checks"]["redis_publish"] == json!({"status": "down"})
    })
    .await;
    assert_eq!(degraded["status"], "degraded");
    assert_eq!(degraded["checks"]["database"]["status"], "up");
    assert_eq!(get(&app, "/health/ready", None).await.0, StatusCode::OK);
    let told = async || get(&app, "/health/redis", Some(TOKEN)).await.0;
    while told().await == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(told().await, StatusCode::SERVICE_UNAVAILABLE);

    host.stop().await;
    let unready = until(&app, "not ready", |_, body| body["status"] == "unready").await;
    assert_eq!(unready["checks"]["database"], json!({"status": "down"}));
    assert_eq!(
        get(&app, "/health/ready", None).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(get(&app, "/health/live", None).await.0, StatusCode::OK);

    host.go_on().await;
    redis.restart();
    let ready = until(&app, "ready again", |status, body| {
        status == StatusCode::OK && body["status"] == "ready"
    })
    .await;
    for check in all {
        assert_eq!(ready["checks"][check]["status"], "up");
    }
    realtime.shutdown().await;
}

/// However many probes ask, and also where an answer takes long, what is needed is looked at once a second.
#[tokio::test]
async fn many_probes_cost_as_much_as_one() {
    let redis = RedisServer::start(&[]);
    let realtime = builder(at(&redis)).start().await.unwrap();
    let app: Arc<Router> = Arc::new(realtime.routes());
    until(&app, "ready", |_, body| body["status"] == "ready").await;
    let pings = || -> u64 {
        let told: String = redis.command(&["INFO", "commandstats"]);
        let line = told
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_ping:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    let before = pings();
    let began = std::time::Instant::now();
    for _ in 0..20 {
        let probes = (0..100).map(|_| get(&app, "/health/ready", None));
        futures::future::join_all(probes).await;
    }
    let (asked, most) = (pings() - before, 2 * (began.elapsed().as_secs() + 1));
    assert!(asked <= most, "{asked} questions");
    realtime.shutdown().await;
}

#[cfg(feature = "metrics")]
#[tokio::test(start_paused = true)]
async fn metrics_are_for_whoever_shows_the_token_and_count_what_happens() {
    use leptos_realtime::{protocol::Auth, rooms, testing::TestClient};

    rooms! { Board(i64) => String }
    let mut config = RealtimeConfig::default();
    config.operator_token = Some(Secret::new(TOKEN).unwrap());
    let realtime = builder(config).start().await.unwrap();
    let app: Router = realtime.routes();
    let (status, why) = get(&app, "/metrics", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(
        why["error"]
            .as_str()
            .unwrap()
            .contains("REALTIME_OPERATOR_TOKEN")
    );

    let mut clients = [
        TestClient::connect(&realtime, Auth::default()),
        TestClient::connect(&realtime, Auth::default()),
    ];
    for client in &mut clients {
        client.join(Board(7), None);
        let shown = |client: &TestClient| client.view(Board(7)).is_some_and(|view| view.guests > 0);
        client.until("it is shown the room", shown).await;
    }
    realtime
        .publish(Board(7), &"hello".to_owned())
        .await
        .unwrap();
    for client in &mut clients {
        let heard = |client: &TestClient| client.events(Board(7)).len() == 1;
        client.until("it hears the event", heard).await;
    }
    let request = Request::get("/metrics").header("authorization", format!("Bearer {TOKEN}"));
    let request = request.body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    let body = to_bytes(answer.into_body(), 64 * 1024).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "realtime_connections 2",
        "realtime_connections_opened_total 2",
        "realtime_joins_total{outcome=\"fresh\"} 2",
        "realtime_events_published_total 1",
        "realtime_received_total{kind=\"event\"} 1",
        "realtime_events_delivered_total 2",
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "{line}: {text}"
        );
    }
    realtime.shutdown().await;
}

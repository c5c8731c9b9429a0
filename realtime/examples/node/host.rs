//! A host in which everybody may do everything: a token is the name of who presents it, and all rooms are open. Over
//! HTTP it is told what to publish, and asked what it knows.
//!
//! `CHAOS_DROP`, from 0 to 1, is how likely each message of another instance, and each of its own, is lost on its way
//! from Redis: a fault that only the feature `testing` has.

use std::{
    error::Error,
    net::Ipv4Addr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, request::Parts},
    routing::get,
};
use leptos_realtime::{
    FirstView, Realtime, RealtimeConfig,
    protocol::Draft,
    rooms,
    testing::{self, Link, LinkFaults},
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpSocket, time::interval};

use super::common::server::{end_with_parent, open_to_all};

rooms! {
    /// One of the rooms.
    Hall(u32) => Post
}

/// An event: its number, which makes its id, and when it was published, in microseconds of the machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub number: u32,
    pub at: u64,
}

/// What an instance says of itself.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Stats {
    pub connections: usize,
    pub sessions: usize,
    pub rooms: usize,
    pub divergences: u64,
    pub losses: u64,
    /// Whether it is on its own: Redis is away.
    pub degraded: bool,
    /// What it takes for the time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Connections that wait to be accepted: all clients come at once.
const BACKLOG: u32 = 4_096;

/// Serves on a port, or a free one, prints it, and goes on until SIGTERM, or until the standard input ends: with the
/// process that holds it.
#[tokio::main]
pub async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "error".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    end_with_parent();
    let mut builder = open_to_all(RealtimeConfig::from_env()?);
    if let Ok(drop) = std::env::var("CHAOS_DROP") {
        let link = Link::new(1);
        link.set_faults(LinkFaults {
            drop: drop.parse()?,
            ..LinkFaults::default()
        });
        builder = testing::linked(builder, link);
    }
    let realtime = builder.start().await?;
    let app = Router::new()
        .route("/publish/{room}/{number}", get(publish))
        .route("/publish/{room}/{first}/{count}/{per_second}", get(many))
        .route("/announce/{number}", get(announce))
        .route("/stats", get(stats))
        .route("/view/{room}", get(view))
        .with_state(realtime.clone())
        .merge(realtime.routes());
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?.port());
    realtime.serve(listener, app).await?;
    Ok(())
}

type Answer<T> = Result<Json<T>, (StatusCode, String)>;

fn failed(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Microseconds of the machine's clock, or of what this process takes for it.
fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros() as u64
}

async fn post(realtime: &Realtime, room: u32, number: u32) -> Result<(), (StatusCode, String)> {
    let at = micros();
    let event = Post { number, at };
    let draft = Draft::from(&event)
        .id(format!("{room}-{number}"))
        .map_err(failed)?;
    realtime.publish(Hall(room), draft).await.map_err(failed)?;
    Ok(())
}

async fn publish(
    State(realtime): State<Realtime>,
    Path((room, number)): Path<(u32, u32)>,
) -> Answer<()> {
    post(&realtime, room, number).await.map(Json)
}

/// Events in a row; answers with those that were refused.
async fn many(
    State(realtime): State<Realtime>,
    Path((room, first, count, per_second)): Path<(u32, u32, u32, u32)>,
) -> Json<Vec<u32>> {
    let mut tick = interval(Duration::from_secs(1) / per_second.max(1));
    let mut refused = Vec::new();
    for number in first..first + count {
        tick.tick().await;
        if let Err((_, why)) = post(&realtime, room, number).await {
            if refused.is_empty() {
                eprintln!("event {number} of room {room} is refused: {why}");
            }
            refused.push(number);
        }
    }
    Json(refused)
}

async fn announce(State(realtime): State<Realtime>, Path(number): Path<u32>) -> Answer<()> {
    realtime.announce(&number).await.map_err(failed)?;
    Ok(Json(()))
}

async fn stats(State(realtime): State<Realtime>) -> Json<Stats> {
    let stats = realtime.stats();
    Json(Stats {
        connections: stats.connections,
        sessions: stats.sessions,
        rooms: stats.rooms,
        divergences: stats.divergences,
        losses: stats.losses,
        degraded: stats.degraded,
        now_ms: micros() / 1_000,
    })
}

/// The room as the instance knows it.
async fn view(
    State(realtime): State<Realtime>,
    Path(room): Path<u32>,
    parts: Parts,
) -> Answer<FirstView> {
    let reader = testing::handshake(parts, None);
    let view = realtime.first_view(reader, Hall(room)).await;
    view.map(Json)
        .map_err(|denied| failed(format!("{denied:?}")))
}

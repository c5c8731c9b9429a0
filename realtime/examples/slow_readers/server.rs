//! The server, in a process of its own, told what to do over HTTP.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, request::Parts},
    routing::get,
};
use leptos_realtime::{FirstView, Realtime, RealtimeConfig, testing};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    net::TcpSocket,
    time::{Instant, interval, sleep},
};

use super::{
    HALL, Post, Result,
    common::{
        client::micros,
        server::{self, end_with_parent, open_to_all},
    },
};

/// What the kernel keeps of what a client has not read. On loopback that would be megabytes, in which a slow reader is
/// not noticed for a long time; on a way through the world it is tens of kilobytes.
const KERNEL_BUFFER: u32 = 32 * 1024;

/// Connections that wait to be accepted: all clients come at once.
const BACKLOG: u32 = 1_024;

/// What the server says of itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Stats {
    pub connections: usize,
    pub unsent_bytes: usize,
    pub divergences: u64,
}

/// A server that ends when this is dropped.
pub struct Server(server::Server);

impl Server {
    /// Starts this program again, as the server, with the defaults but for these `REALTIME_*` variables.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let server = server::Server::start(&["--serve"], |command| {
            command
                .env_clear()
                // All clients come from one address.
                .env("REALTIME_CONNECTIONS_PER_ADDRESS", "100000")
                .envs(settings.iter().copied());
        })?;
        Ok(Self(server))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Publishes so many events, and returns once that is done.
    pub async fn publish(&self, count: u32, per_second: u32, bytes: usize) -> Result<()> {
        let path = format!("/publish/{count}/{per_second}/{bytes}");
        self.get(&path).await
    }

    /// Announces a number.
    pub async fn announce(&self, number: u32) -> Result<()> {
        self.get(&format!("/announce/{number}")).await
    }

    /// What it says of itself.
    pub async fn stats(&self) -> Result<Stats> {
        self.get("/stats").await
    }

    /// How many bytes wait for clients all of this time: what those who read have not read yet is not counted.
    pub async fn least_unsent(&self, during: Duration) -> Result<usize> {
        let end = Instant::now() + during;
        let mut least = usize::MAX;
        while Instant::now() < end {
            least = least.min(self.stats().await?.unsent_bytes);
            sleep(during / 20).await;
        }
        Ok(least)
    }

    /// The room as the server knows it.
    pub async fn view(&self) -> Result<FirstView> {
        self.get("/view").await
    }

    /// Its open files and sockets.
    pub fn handles(&self) -> Result<usize> {
        Ok(fs::read_dir(self.folder() + "/fd")?.count())
    }

    /// Its pages that are in memory, in kilobytes.
    pub fn rss_kb(&self) -> Result<u64> {
        let status = fs::read_to_string(self.folder() + "/status")?;
        let rss = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or("the process tells no VmRSS")?;
        Ok(rss.parse()?)
    }

    fn folder(&self) -> String {
        format!("/proc/{}", self.0.id())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        server::get(self.address(), path).await
    }
}

#[derive(Clone)]
struct Host {
    realtime: Realtime,
    /// The number of the next event.
    next: Arc<AtomicU32>,
}

/// Serves on a free port, prints it, and goes on until the standard input ends, with the process that holds it.
#[tokio::main]
pub async fn serve() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    end_with_parent();
    let realtime = open_to_all(RealtimeConfig::from_env()?).start().await?;
    let host = Host {
        realtime: realtime.clone(),
        next: Arc::default(),
    };
    let app = Router::new()
        .route("/publish/{count}/{per_second}/{bytes}", get(publish))
        .route("/announce/{number}", get(announce))
        .route("/stats", get(stats))
        .route("/view", get(view))
        .with_state(host)
        .merge(realtime.routes());
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(KERNEL_BUFFER)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?.port());
    realtime.serve(listener, app).await?;
    Ok(())
}

type Answer<T> = Result<Json<T>, (StatusCode, String)>;

fn failed(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn publish(
    State(host): State<Host>,
    Path((count, per_second, bytes)): Path<(u32, u32, usize)>,
) -> Answer<()> {
    let text = "x".repeat(bytes);
    let mut tick = interval(Duration::from_secs(1) / per_second);
    for _ in 0..count {
        tick.tick().await;
        let post = Post {
            number: host.next.fetch_add(1, Ordering::Relaxed),
            at: micros(),
            text: text.clone(),
        };
        host.realtime.publish(HALL, &post).await.map_err(failed)?;
    }
    Ok(Json(()))
}

async fn announce(State(host): State<Host>, Path(number): Path<u32>) -> Answer<()> {
    host.realtime.announce(&number).await.map_err(failed)?;
    Ok(Json(()))
}

async fn stats(State(host): State<Host>) -> Json<Stats> {
    let stats = host.realtime.stats();
    Json(Stats {
        connections: stats.connections,
        unsent_bytes: stats.unsent_bytes,
        divergences: stats.divergences,
    })
}

async fn view(State(host): State<Host>, parts: Parts) -> Answer<FirstView> {
    let reader = testing::handshake(parts, None);
    let view = host.realtime.first_view(reader, HALL).await;
    view.map(Json)
        .map_err(|_| failed("the room cannot be seen"))
}

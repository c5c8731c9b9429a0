//! The server, in a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use leptos_realtime::RealtimeConfig;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tokio::net::TcpListener;

use super::{
    Result,
    common::server::{self, end_with_parent, open_to_all},
};

/// How long people are missed: short, so that the server soon comes to rest.
pub const LEAVE_GRACE: Duration = Duration::from_millis(200);

/// How long a room without people stays served, short for the same reason.
pub const ROOM_IDLE: Duration = Duration::from_millis(200);

/// The pages of its database that the server keeps in memory: few, so that they are all there from the start.
const CACHED_PAGES: &str = "50";

/// A server that ends when this is dropped.
pub struct Server {
    server: server::Server,
    /// Where its database is.
    folder: PathBuf,
}

impl Server {
    /// Starts this program again, as the server.
    pub fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("rt-cycles-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let database = folder.join("people.sqlite");
        let server = server::Server::start(&["--serve"], |command| {
            command.arg(database);
        })?;
        Ok(Self { server, folder })
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    pub fn id(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.server.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Serves on a free port, prints it, and goes on until the standard input ends, with the process that holds it.
///
/// It remembers people in a database, as hosts do: without one it remembers when each was last here, in memory.
#[tokio::main]
pub async fn serve(database: &Path) -> Result<()> {
    end_with_parent();
    let mut config = RealtimeConfig::default();
    config.leave_grace = LEAVE_GRACE;
    config.room_idle = ROOM_IDLE;
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", CACHED_PAGES);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let realtime = open_to_all(config)
        .database(pool.connect_with(options).await?)
        .start()
        .await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    realtime.serve(listener, realtime.routes()).await?;
    Ok(())
}

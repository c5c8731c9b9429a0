//! The server, in a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use leptos_realtime::{Realtime, RealtimeConfig, User, UserId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tokio::net::TcpListener;

use super::Result;

/// How long people are missed: short, so that the server soon comes to rest.
pub const LEAVE_GRACE: Duration = Duration::from_millis(200);

/// How long a room without people stays served, short for the same reason.
pub const ROOM_IDLE: Duration = Duration::from_millis(200);

/// The pages of its database that the server keeps in memory: few, so that they are all there from the start.
const CACHED_PAGES: &str = "50";

/// A server that ends when this is dropped.
pub struct Server {
    process: Child,
    /// Where its database is.
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts this program again, as the server.
    pub fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("rt-cycles-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .arg(folder.join("people.sqlite"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the output is piped")?;
        let mut server = Self {
            process,
            folder,
            port: 0,
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        server.port = line
            .trim()
            .parse()
            .map_err(|_| "the server did not start: see above")?;
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Serves on a free port, prints it, and goes on until the standard input ends, with the process that holds it.
///
/// It remembers people in a database, as hosts do: without one it remembers when each was last here, in memory.
#[tokio::main]
pub async fn serve(database: &Path) -> Result<()> {
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut config = RealtimeConfig::default();
    config.leave_grace = LEAVE_GRACE;
    config.room_idle = ROOM_IDLE;
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", CACHED_PAGES);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let realtime = Realtime::builder(config)
        .database(pool.connect_with(options).await?)
        .authenticate(|handshake| async move {
            let name = handshake.token().unwrap_or_default().to_owned();
            let id = UserId::try_from(name.as_str()).ok();
            Ok(id.map(|id| User::new(id, name)))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .start()
        .await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    realtime.serve(listener, realtime.routes()).await?;
    Ok(())
}

//! The server, in a process of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use leptos_realtime::{Realtime, RealtimeConfig, User, UserId};
use tokio::net::TcpListener;

use super::Result;

/// How long people are missed: short, so that the server soon comes to rest.
pub const LEAVE_GRACE: Duration = Duration::from_millis(200);

/// How long a room without people stays served, short for the same reason.
pub const ROOM_IDLE: Duration = Duration::from_millis(200);

/// A server that ends when this is dropped.
pub struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts this program again, as the server.
    pub fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the output is piped")?;
        let mut server = Self { process, port: 0 };
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
    }
}

/// Serves on a free port, prints it, and goes on until the standard input ends, with the process that holds it.
#[tokio::main]
pub async fn serve() -> Result<()> {
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut config = RealtimeConfig::default();
    config.leave_grace = LEAVE_GRACE;
    config.room_idle = ROOM_IDLE;
    let realtime = Realtime::builder(config)
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

//! A server in a process of its own: this program again, which prints its port, and ends with whoever started it.

#![allow(dead_code, reason = "no example needs all of it")]

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use leptos_realtime::{Realtime, RealtimeConfig, User, UserId, server::RealtimeBuilder};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A running server, which ends when this is dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts this program again, with these arguments and the rest of what `prepare` gives it, and waits until it has
    /// printed its port.
    pub fn start(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Result<Self> {
        Self::start_program(&std::env::current_exe()?, arguments, prepare)
    }

    /// The same of another program.
    pub fn start_program(
        program: &Path,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        prepare(&mut command);
        let mut server = Self {
            process: command.spawn()?,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let output = server.process.stdout.take().ok_or("the output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.map_err(|_| "the server did not start: see above")?;
        server.address.set_port(port);
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it logs, where that is piped.
    pub fn errors(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// From now on this process ends when its standard input does: with the process that holds it.
pub fn end_with_parent() {
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// A host in which everybody may do everything: a token is the name of who presents it, and all rooms are open.
pub fn open_to_all(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            let name = handshake.token().unwrap_or_default().to_owned();
            let id = UserId::try_from(name.as_str()).ok();
            Ok(id.map(|id| User::new(id, name)))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
}

/// What a server answers, as JSON.
pub async fn get<T: DeserializeOwned>(server: SocketAddr, path: &str) -> Result<T> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    let status = head.lines().next().unwrap_or_default();
    match status.contains(" 200 ") {
        true => Ok(serde_json::from_str(body)?),
        false => Err(format!("{path}: {status}: {body}").into()),
    }
}

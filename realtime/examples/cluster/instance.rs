//! An instance, in a process of its own: this program again, told over HTTP what to do.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    ops::Deref,
    path::Path,
    process::{ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use leptos_realtime::FirstView;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{
    Result,
    common::server::{Server, get},
    host::Stats,
};

/// How long an instance may take to answer, but for what takes long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Enough for any number of events in a row.
const LONG: Duration = Duration::from_secs(900);

/// Limits that all clients of one machine, and the joins of a scenario, are well below.
const WIDE: &[(&str, &str)] = &[
    ("REALTIME_CONNECTIONS_PER_ADDRESS", "100000"),
    ("REALTIME_COMMANDS_PER_CONNECTION", "2000,4000"),
    ("REALTIME_COMMANDS_PER_PERSON", "2000,4000"),
    ("REALTIME_JOINS_PER_CONNECTION", "2000,4000"),
    ("REALTIME_JOINS_PER_PERSON", "2000,4000"),
    // One room is to show all of its people, however many a scenario lets in.
    ("REALTIME_LARGE_ROOM", "5000"),
];

/// How many lines of an instance's log are kept.
const KEPT: usize = 10_000;

/// A running instance, which ends when this is dropped.
pub struct Instance {
    server: Server,
    control: Control,
    log: Arc<Mutex<Vec<String>>>,
}

/// What tells an instance what to do, wherever it is.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    address: SocketAddr,
}

impl Instance {
    /// Starts one that meets the others at this Redis, with these variables beside the defaults: this program, or another
    /// version of it.
    pub fn start(program: Option<&Path>, redis: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let this = std::env::current_exe()?;
        let program = program.unwrap_or(&this);
        let mut server = Server::start_program(program, &["--node"], |command| {
            command
                .env_clear()
                .envs(std::env::var_os("RUST_LOG").map(|filter| ("RUST_LOG", filter)))
                .env("REDIS_URL", redis)
                .envs(WIDE.iter().copied())
                .envs(settings.iter().copied())
                .stderr(Stdio::piped());
        })?;
        let log = Arc::default();
        if let Some(errors) = server.errors() {
            keep(errors, Arc::clone(&log));
        }
        let address = server.address();
        Ok(Self {
            server,
            control: Control { address },
            log,
        })
    }

    /// What tells it what to do, also in other tasks.
    pub fn control(&self) -> Control {
        self.control
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// What it has logged.
    pub fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Stops the process where it stands, or lets it go on.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        self.signal(if frozen { "-STOP" } else { "-CONT" })
    }

    /// Asks it to end in good order.
    pub fn terminate(&self) -> Result<()> {
        self.signal("-TERM")
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.server.has_ended()
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.server.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status()?;
        match sent.success() {
            true => Ok(()),
            false => Err(format!("kill {signal} failed").into()),
        }
    }
}

/// Shows what an instance logs as it comes, and keeps it.
fn keep(errors: ChildStderr, log: Arc<Mutex<Vec<String>>>) {
    thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            eprintln!("{line}");
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.len() < KEPT {
                log.push(line);
            }
        }
    });
}

impl Deref for Instance {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Control {
    /// Where the instance listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes the event of a number.
    pub async fn publish(&self, room: u32, number: u32) -> Result<()> {
        self.get(&format!("/publish/{room}/{number}"), PATIENCE)
            .await
    }

    /// Publishes events in a row. Returns the numbers of those that it refused.
    pub async fn publish_many(
        &self,
        room: u32,
        first: u32,
        count: u32,
        per_second: u32,
    ) -> Result<Vec<u32>> {
        let path = format!("/publish/{room}/{first}/{count}/{per_second}");
        self.get(&path, LONG).await
    }

    /// What it says of itself.
    pub async fn stats(&self) -> Result<Stats> {
        self.get("/stats", PATIENCE).await
    }

    /// A room as it knows it.
    pub async fn view(&self, room: u32) -> Result<FirstView> {
        self.get(&format!("/view/{room}"), PATIENCE).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, most: Duration) -> Result<T> {
        timeout(most, get(self.address, path))
            .await
            .map_err(|_| format!("{path}: no answer within {most:?}"))?
    }
}

//! An instance, in a process of its own: this program again, told over HTTP what to do.

use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use leptos_realtime::FirstView;
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Result, host::Stats};

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
    process: Child,
    control: Control,
    log: Arc<Mutex<Vec<String>>>,
}

/// What tells an instance what to do, wherever it is.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    address: SocketAddr,
}

impl Instance {
    /// Starts one that meets the others at this Redis, with these variables beside the defaults.
    pub fn start(redis: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--node")
            .env_clear()
            .envs(std::env::var_os("RUST_LOG").map(|filter| ("RUST_LOG", filter)))
            .env("REDIS_URL", redis)
            .envs(WIDE.iter().copied())
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = Arc::default();
        if let Some(errors) = process.stderr.take() {
            keep(errors, Arc::clone(&log));
        }
        let output = process.stdout.take().ok_or("the output is piped")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let control = Control { address };
        let mut instance = Self {
            process,
            control,
            log,
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse();
        let port = port.map_err(|_| "an instance did not start: see above")?;
        instance.control.address.set_port(port);
        Ok(instance)
    }

    /// What tells it what to do, also in other tasks.
    pub fn control(&self) -> Control {
        self.control
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged.
    pub fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
        self.process.try_wait().is_ok_and(|ended| ended.is_some())
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.process.id().to_string();
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
        let asked = async {
            let mut stream = TcpStream::connect(self.address).await?;
            let request = format!("GET {path} HTTP/1.0\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(most, asked)
            .await
            .map_err(|_| format!("{path}: no answer within {most:?}"))??;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
        let status = head.lines().next().unwrap_or_default();
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}: {body}").into());
        }
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}

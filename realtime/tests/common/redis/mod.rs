//! Redis servers of a test's own: on free ports of this machine, with files in a temporary folder, and gone with the
//! test. One alone, a master with a replica and a Sentinel, or a Cluster.

#![allow(dead_code, reason = "no test needs all of it")]

mod cluster;
mod tls;
mod watched;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use redis::{
    Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
};

pub use cluster::Cluster;
pub use tls::strange_ca;
pub use watched::Watched;

/// How long servers may take to start, to find each other, and to stand in for one another.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends the server, also when a test panics, and removes its files.
pub struct RedisServer {
    process: Option<Child>,
    folder: PathBuf,
    port: u16,
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
    password: Option<String>,
}

impl RedisServer {
    /// Starts one with these options of its command line, such as `["--requirepass", "secret"]`.
    ///
    /// # Panics
    /// Where Redis is not installed or does not start, with what it says.
    pub fn start(options: &[&str]) -> Self {
        Self::start_in(options, &[])
    }

    /// The same with these environment variables.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_in(options: &[&str], environment: &[(&'static str, String)]) -> Self {
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let password = options.iter().position(|option| option == "--requirepass");
        let password = password.map(|at| options[at + 1].clone());
        let mut server = Self {
            process: None,
            folder: folder(),
            port: 0,
            options,
            environment: environment.to_vec(),
            password,
        };
        // Between our looking and its listening somebody else may take the port.
        for _ in 0..5 {
            server.port = free_port();
            if server.try_run() {
                return server;
            }
        }
        panic!("redis-server does not start: {}", server.log());
    }

    /// Where it listens, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// For whom no password is needed.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again after [`kill`](Self::kill), at the same port, with the snapshot that it saved, if it did.
    pub fn restart(&mut self) {
        self.kill();
        // The port may need a moment.
        until("it starts again", || self.try_run());
    }

    /// Stops it where it stands, until [`resume`](Self::resume): it takes connections and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Does a command as the one who may do everything.
    pub fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut settings = RedisConnectionInfo::default();
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info: ConnectionInfo = ("127.0.0.1", self.port).into_connection_info()?;
        let client = redis::Client::open(info.set_redis_settings(settings))?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(5))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        command.query(&mut connection)
    }

    /// The same with words, for commands that must succeed.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.ask(&words_of(words))
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What its log says.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs");
        let pid = process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// False when it ended at once, as where the port is taken.
    fn try_run(&mut self) -> bool {
        let mut command = program();
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            // A snapshot only where a test asks for it.
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&self.folder)
            .arg("--logfile")
            .arg(self.folder.join("log"))
            .args(&self.options)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.run(command)
    }

    fn run(&mut self, mut command: Command) -> bool {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = command.spawn().expect("redis-server is installed");
        let deadline = Instant::now() + PATIENCE;
        while !answers(self.port) {
            if process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if Instant::now() > deadline {
                let _ = process.kill();
                let _ = process.wait();
                panic!("redis-server does not answer: {}", self.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        true
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits for something, by asking again and again.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn words_of(words: &[&str]) -> Cmd {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rt-redis-{:08x}", rand::random::<u32>()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Free when we looked.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().unwrap().port()
}

/// `redis-server`; where that can be had it ends with us also when we are killed.
fn program() -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new("redis-server");
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "redis-server"]);
    command
}

/// Whether a server there is ready; one that wants a password is.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    ask().is_ok_and(|answer| answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"))
}

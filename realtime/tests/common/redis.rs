//! Redis servers of a test's own: on free ports of this machine, with files in a temporary folder, and gone with the
//! test. One alone, a master with a replica and a Sentinel, or a Cluster.

#![allow(dead_code, reason = "no test needs all of it")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use redis::{
    Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
};

/// How long servers may take to start, to find each other, and to stand in for one another.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends the server, also when a test panics, and removes its files.
pub struct RedisServer {
    process: Option<Child>,
    folder: PathBuf,
    port: u16,
    options: Vec<String>,
    password: Option<String>,
}

impl RedisServer {
    /// Starts one with these options of its command line, such as `["--requirepass", "secret"]`.
    ///
    /// # Panics
    /// Where Redis is not installed or does not start, with what it says.
    pub fn start(options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let password = options.iter().position(|option| option == "--requirepass");
        let password = password.map(|at| options[at + 1].clone());
        let mut server = Self {
            process: None,
            folder: folder(),
            port: 0,
            options,
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

    /// One that encrypts: with a certificate for `localhost` and `127.0.0.1` from a CA of its own, whose certificate is
    /// returned too. [`port`](Self::port) is still the plain one.
    pub fn start_tls(options: &[&str]) -> (Self, Tls) {
        let folder = folder();
        let port = free_port();
        let ca = write_certificates(&folder);
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (certificate, key, authority) =
            (file("server.pem"), file("server.key"), file("ca.pem"));
        let port_text = port.to_string();
        let encrypted: &[&str] = &[
            "--tls-port",
            &port_text,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &authority,
            "--tls-auth-clients",
            "no",
        ];
        let server = Self::start(&[encrypted, options].concat());
        (server, Tls { port, ca, folder })
    }

    /// Where it listens, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
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
            .args(&self.options);
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

/// What a client needs for a server that encrypts.
pub struct Tls {
    /// Its encrypted port.
    pub port: u16,
    /// The CA's certificate, in PEM.
    pub ca: String,
    folder: PathBuf,
}

impl Tls {
    /// The file with the CA's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A master, its replica, and a Sentinel that makes the replica the master when the master is gone. Each asks for a
/// password.
pub struct Watched {
    /// The master at first.
    pub master: RedisServer,
    /// Its replica at first.
    pub replica: RedisServer,
    /// Who watches, and knows the master as `mymaster`.
    pub sentinel: RedisServer,
}

impl Watched {
    /// What the master and its replica ask for.
    pub const PASSWORD: &str = "of-redis";

    /// What the Sentinel asks for.
    pub const SENTINEL_PASSWORD: &str = "of-the-sentinel";

    /// Starts the three, and waits until the Sentinel could replace the master.
    pub fn start() -> Self {
        let options: &[&str] = &[
            "--requirepass",
            Self::PASSWORD,
            "--masterauth",
            Self::PASSWORD,
        ];
        let prompt: &[&str] = &["--repl-diskless-sync-delay", "0"];
        let master = RedisServer::start(&[options, prompt].concat());
        let replica = replica_of(&master, options);
        let mut sentinel = RedisServer {
            process: None,
            folder: folder(),
            port: free_port(),
            options: Vec::new(),
            password: Some(Self::SENTINEL_PASSWORD.to_owned()),
        };
        let file = sentinel.folder.join("sentinel.conf");
        let text = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nlogfile {}\nrequirepass {}\n\
             sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel auth-pass mymaster {}\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n",
            sentinel.port,
            sentinel.folder.display(),
            sentinel.folder.join("log").display(),
            Self::SENTINEL_PASSWORD,
            master.port,
            Self::PASSWORD,
        );
        fs::write(&file, text).unwrap();
        let mut command = program();
        command.arg(&file).arg("--sentinel");
        assert!(sentinel.run(command), "no Sentinel: {}", sentinel.log());
        until("the Sentinel knows the replica", || {
            let replicas: Vec<Vec<String>> =
                sentinel.command(&["SENTINEL", "REPLICAS", "mymaster"]);
            let up = |replica: &Vec<String>| replica.iter().any(|field| field == "ok");
            replicas.len() == 1 && replicas.iter().all(up)
        });
        Self {
            master,
            replica,
            sentinel,
        }
    }
}

/// Three masters with a third of the slots each; the first has a replica.
pub struct Cluster {
    /// The masters.
    pub masters: Vec<RedisServer>,
    /// The replica of the first.
    pub replica: RedisServer,
}

impl Cluster {
    /// Starts the four, and waits until all of them know of all slots and the replica has caught up.
    pub fn start() -> Self {
        let masters: Vec<_> = (0..3).map(|_| cluster_server()).collect();
        let replica = cluster_server();
        let first = masters[0].port.to_string();
        let bus = bus_port(&masters[0]);
        for (at, (master, slots)) in masters
            .iter()
            .zip([(0, 5460), (5461, 10922), (10923, 16383)])
            .enumerate()
        {
            let (from, to) = (slots.0.to_string(), slots.1.to_string());
            let epoch = (at + 1).to_string();
            master.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            master.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]);
        }
        for server in masters[1..].iter().chain([&replica]) {
            server.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &first, &bus]);
        }
        let cluster = Self { masters, replica };
        cluster.until_ok(4);
        let id: String = cluster.masters[0].command(&["CLUSTER", "MYID"]);
        // Refused until the replica knows that one for a master.
        until("the first master has a replica", || {
            let replicate = words_of(&["CLUSTER", "REPLICATE", &id]);
            cluster.replica.ask::<()>(&replicate).is_ok()
        });
        cluster.until_ok(4);
        until("the replica has caught up, and everybody knows it", || {
            let role: Vec<redis::Value> = cluster.replica.command(&["ROLE"]);
            let state = role
                .into_iter()
                .nth(3)
                .and_then(|state| redis::from_redis_value(state).ok());
            let caught_up = state == Some("connected".to_owned());
            caught_up
                && cluster.masters.iter().all(|master| {
                    let nodes: String = master.command(&["CLUSTER", "NODES"]);
                    nodes
                        .lines()
                        .any(|node| node.contains("slave") && node.contains(&id))
                })
        });
        cluster
    }

    /// As a user would write it.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self
            .masters
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port))
            .collect();
        format!("redis://{}", addresses.join(","))
    }

    fn until_ok(&self, known: usize) {
        until("the Cluster is complete", || {
            self.masters.iter().chain([&self.replica]).all(|server| {
                let info: String = server.command(&["CLUSTER", "INFO"]);
                let nodes: String = server.command(&["CLUSTER", "NODES"]);
                info.contains("cluster_state:ok")
                    && nodes.lines().count() == known
                    && !nodes.contains("handshake")
            })
        });
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

fn cluster_server() -> RedisServer {
    let bus = free_port().to_string();
    RedisServer::start(&[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        "1500",
        "--cluster-replica-validity-factor",
        "0",
        "--repl-diskless-sync-delay",
        "0",
    ])
}

fn bus_port(server: &RedisServer) -> String {
    let at = server
        .options
        .iter()
        .position(|option| option == "--cluster-port");
    server.options[at.expect("a Cluster's server") + 1].clone()
}

fn replica_of(master: &RedisServer, options: &[&str]) -> RedisServer {
    let port = master.port.to_string();
    let of: &[&str] = &["--replicaof", "127.0.0.1", &port];
    let replica = RedisServer::start(&[of, options].concat());
    until("the replica has caught up", || {
        let role: Vec<redis::Value> = replica.command(&["ROLE"]);
        let state = role
            .into_iter()
            .nth(3)
            .and_then(|state| redis::from_redis_value(state).ok());
        state == Some("connected".to_owned())
    });
    replica
}

/// A CA and a certificate of a server from it; returns the CA's, in PEM.
fn write_certificates(folder: &Path) -> String {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &ca).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    ca.pem()
}

/// A CA that has nothing to do with any server.
pub fn strange_ca() -> String {
    let folder = folder();
    let ca = write_certificates(&folder);
    let _ = fs::remove_dir_all(&folder);
    ca
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

//! A Postgres of a test's own: made in a temporary folder, reached through a socket there, and gone with the test.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends the server, also when a test panics, and removes its files.
pub struct Postgres {
    server: Child,
    folder: PathBuf,
}

impl Postgres {
    /// Makes and starts one: about two seconds.
    ///
    /// # Panics
    /// Where Postgres is not installed or does not start, with what it says.
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("rt-pg-{:08x}", rand::random::<u32>()));
        fs::create_dir_all(&folder).unwrap();
        let data = folder.join("data");
        let account = account();
        if account.is_some() {
            let owner = Command::new("chown").arg("postgres").arg(&folder).output();
            succeeded("chown", &owner.unwrap());
        }
        let initdb = command("initdb", account)
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(&data)
            .output();
        succeeded("initdb", &initdb.expect("initdb runs"));
        let server = run(&folder);
        let postgres = Self { server, folder };
        postgres.answers().await;
        postgres
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new()
            .socket(&self.folder)
            .username("postgres")
            .database("postgres")
    }

    /// A pool, as a host has.
    pub async fn pool(&self) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(8);
        pool.connect_with(self.options()).await.unwrap()
    }

    /// Ends it, with everybody's connections, until [`go_on`](Self::go_on).
    pub fn stop(&mut self) {
        // Its first line is the server's own id, whoever started it for us. It ends its children by itself.
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let pid = pid
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned));
        if let Some(pid) = pid {
            let _ = Command::new("kill").args(["-QUIT", &pid]).output();
        } else {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }

    /// Starts it again, with everything that was committed.
    pub async fn go_on(&mut self) {
        self.server = run(&self.folder);
        self.answers().await;
    }

    /// Its folder: with it another process connects as [`connect`] does.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    async fn answers(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = PgConnection::connect_with(&self.options()).await {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("postgres does not answer: {error}\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs the server of a folder.
fn run(folder: &Path) -> Child {
    // What is written need not outlive a power cut. The log goes to a file: nobody reads a pipe after a panic.
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut server = command("postgres", account());
    server
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", "fsync=off"])
        .args(["-c", "full_page_writes=off", "-c", "max_connections=60"])
        .args(["-c", "shared_buffers=16MB"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    server.spawn().expect("postgres runs")
}

/// A program of Postgres, wherever it is installed, as an account that Postgres accepts.
fn command(program: &str, account: Option<&str>) -> Command {
    let path = programs().join(program);
    let Some(account) = account else {
        return Command::new(path);
    };
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", account, "--regid", account, "--init-groups"])
        // Ends with us, also when we are killed.
        .args(["--pdeathsig", "QUIT", "--"])
        .arg(path);
    // The tests' own folder may be closed to that account.
    command.current_dir("/");
    command
}

/// Postgres refuses to run as root: then it runs as its own account.
fn account() -> Option<&'static str> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    root.then_some("postgres")
}

/// The folder with `initdb`: the newest of those installed, or the one that `pg_config` names.
fn programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = installed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin"))))
        .collect();
    found.sort_unstable();
    if let Some((_, newest)) = found.pop() {
        return newest;
    }
    let named = Command::new("pg_config").arg("--bindir").output();
    let named = named.expect("Postgres is installed: neither /usr/lib/postgresql nor pg_config");
    PathBuf::from(String::from_utf8_lossy(&named.stdout).trim())
}

fn succeeded(program: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}

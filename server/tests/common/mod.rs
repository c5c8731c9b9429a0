//! What tests of the executable have in common.
#![allow(dead_code, reason = "no test needs all of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// An empty folder of a test's own, which goes with it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("forum-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running forum with a database of its own, which goes with this.
pub struct Forum {
    child: Child,
    pub address: String,
    folder: Option<Folder>,
}

impl Forum {
    pub fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_forum"));
        Self::start_in(Folder::new(name), command, variables)
    }

    /// The same by another command, in a folder that may have a database already.
    pub fn start_in(folder: Folder, mut command: Command, variables: &[(&str, &str)]) -> Self {
        let database = format!("sqlite:{}/forum.db", folder.0.display());
        let mut child = command
            .env_clear()
            .envs([
                ("LEPTOS_SITE_ADDR", "127.0.0.1:0"),
                ("DATABASE_URL", &*database),
            ])
            .envs(variables.iter().copied())
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = said.find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("is at http://")?.1.trim().to_owned())
        });
        Self {
            child,
            address: address.expect("it says where it is"),
            folder: Some(folder),
        }
    }

    /// What it answers to a request, whole. The request's head is without what all have.
    pub fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let form = "Content-Type: application/x-www-form-urlencoded";
        let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
        let lines = rest.lines().map(|line| format!("{line}\r\n"));
        let request = format!(
            "{first} HTTP/1.1\r\nHost: forum\r\nConnection: close\r\n{form}\r\nContent-Length: {length}\r\n{}\r\n{body}",
            lines.collect::<String>()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[cfg(unix)]
    pub fn terminate(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it in good order, and leaves its folder.
    #[cfg(unix)]
    pub fn leave(mut self) -> Folder {
        self.terminate();
        assert!(self.end().success());
        self.folder.take().unwrap()
    }

    /// Waits until it has ended.
    pub fn end(&mut self) -> ExitStatus {
        self.end_within(PATIENCE)
    }

    pub fn end_within(&mut self, most: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(start.elapsed() < most, "it does not end");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Forum {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

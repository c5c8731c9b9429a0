//! How the executable ends when it is told to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::Folder;
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Much longer than that.
const FOREVER: &str = "3600000";

/// Signals that come at the same time are one.
const APART: Duration = Duration::from_secs(1);

/// A running forum, which goes with this.
struct Forum {
    child: Child,
    address: String,
    _folder: Folder,
}

impl Forum {
    fn start(name: &str, drain_ms: &str) -> Self {
        let folder = Folder::new(name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_forum"))
            .env_clear()
            .envs([
                ("LEPTOS_SITE_ADDR", "127.0.0.1:0"),
                ("REALTIME_DRAIN_MS", drain_ms),
            ])
            .env(
                "DATABASE_URL",
                format!("sqlite:{}/forum.db", folder.0.display()),
            )
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
            _folder: folder,
        }
    }

    /// Begins to send a form, and leaves it at that.
    fn begin(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = "POST /api/look_around HTTP/1.1\r\nHost: forum\r\nConnection: close\r\nExpect: 100-continue\r\n\
            Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut continues = [0; 25];
        stream.read_exact(&mut continues).unwrap();
        assert!(
            continues.starts_with(b"HTTP/1.1 100 Continue"),
            "the server function reads it"
        );
        stream
    }

    fn terminate(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).unwrap();
    }

    fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
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

#[test]
fn what_is_under_way_ends_before_it_does() {
    let mut forum = Forum::start("under-way", FOREVER);
    let mut form = forum.begin();
    forum.terminate();
    sleep(APART);
    assert_eq!(forum.has_ended(), None);
    form.write_all(b"name=Ada").unwrap();
    let mut answer = String::new();
    form.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("set-cookie: forum_session="), "{answer}");
    assert!(forum.end().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut forum = Forum::start("second", FOREVER);
    let form = forum.begin();
    forum.terminate();
    sleep(APART);
    assert_eq!(forum.has_ended(), None);
    forum.terminate();
    assert!(forum.end().success());
    drop(form);
}

#[test]
fn it_ends_in_its_time_whatever_is_under_way() {
    let mut forum = Forum::start("in-time", "2000");
    let form = forum.begin();
    forum.terminate();
    assert!(forum.end().success());
    drop(form);
}

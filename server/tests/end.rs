//! How the executable ends when it is told to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread::sleep,
    time::Duration,
};

use common::{Forum, PATIENCE};

/// Much longer than that.
const FOREVER: &str = "3600000";

/// Longer than the forum waits, when it serves no more, for what nobody waits for.
const LAST: Duration = Duration::from_secs(3);

/// Signals that come at the same time are one.
const APART: Duration = Duration::from_secs(1);

fn forum(name: &str, drain_ms: &str) -> Forum {
    Forum::start(name, &[("REALTIME_DRAIN_MS", drain_ms)])
}

/// Begins to send a form, and leaves it at that.
fn begin(forum: &Forum) -> TcpStream {
    let mut stream = TcpStream::connect(&forum.address).unwrap();
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

#[test]
fn what_is_under_way_ends_before_it_does() {
    let mut forum = forum("under-way", FOREVER);
    let mut form = begin(&forum);
    forum.terminate();
    sleep(LAST);
    assert_eq!(forum.has_ended(), None);
    form.write_all(b"name=Ada").unwrap();
    let mut answer = String::new();
    form.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("set-cookie: forum_session="), "{answer}");
    assert!(forum.end().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut forum = forum("second", FOREVER);
    let form = begin(&forum);
    forum.terminate();
    sleep(APART);
    assert_eq!(forum.has_ended(), None);
    forum.terminate();
    // Sooner than the form's own time is over.
    assert!(forum.end_within(PATIENCE / 2).success());
    drop(form);
}

#[test]
fn it_ends_in_its_time_whatever_is_under_way() {
    let mut forum = forum("in-time", "2000");
    let form = begin(&forum);
    forum.terminate();
    // Much sooner than by default.
    assert!(forum.end_within(PATIENCE / 2).success());
    drop(form);
}

//! Spans reach a collector, and go on with the trace that a request names.
#![cfg(all(unix, feature = "otlp"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use common::{Forum, PATIENCE};

/// The example of W3C Trace Context.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector: everything that it was sent until its end.
fn collect(listener: &TcpListener) -> Vec<u8> {
    let mut all = Vec::new();
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reader = BufReader::new(&stream);
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        if head.starts_with("END") {
            break;
        }
        assert!(head.starts_with("POST /v1/traces "), "{head}");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.eq_ignore_ascii_case("content-length")).then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        all.extend(body);
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        (&stream).write_all(answer.as_bytes()).unwrap();
    }
    all
}

#[test]
fn spans_reach_a_collector_and_go_on_with_the_trace_that_a_request_names() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = listener.local_addr().unwrap();
    let collecting = thread::spawn(move || collect(&listener));
    let endpoint = format!("http://{collector}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_SERVICE_NAME", "curia-of-the-tests"),
    ];
    let mut forum = Forum::start("traces", &variables);
    let mut page = TcpStream::connect(&forum.address).unwrap();
    let request = format!(
        "GET /sign-in HTTP/1.1\r\nHost: forum\r\nConnection: close\r\n\
        X-Request-Id: a-request-of-ours\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\r\n"
    );
    page.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    page.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    // What was gathered is sent before it ends.
    forum.terminate();
    assert!(forum.end().success());
    let mut last = TcpStream::connect(collector).unwrap();
    last.write_all(b"END\r\n\r\n").unwrap();
    let sent = collecting.join().unwrap();
    let trace: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&TRACE[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    for part in [
        b"curia-of-the-tests",
        &b"a-request-of-ours"[..],
        b"/sign-in",
        &trace,
    ] {
        let found = sent.windows(part.len()).any(|bytes| bytes == part);
        assert!(found, "{:?} was not sent", String::from_utf8_lossy(part));
    }
}

//! Connects and disconnects real sockets many times, and measures what the server keeps of that: nothing.
//!
//! `connect_cycles [--cycles 10000] [--at-once 50] [--per-second 1000]
//! [--leave politely|silently|both]`
//!
//! The server runs in a process of its own, the same program with `--serve FILE`, so that its memory and its open
//! handles are measured alone; the file is its database. A cycle is a new person with a new session, who joins a room,
//! sees it and goes. The last line is JSON; the exit code is 1 where memory grew by more than 5 % between the 1,000th cycle (after a warm-up) and the
//! last, each time after everything has come to rest, or the open handles differ by more than that. Linux only: it
//! reads `/proc`.

mod client;
#[path = "../common/mod.rs"]
mod common;
mod gauge;
mod server;

use std::{
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::time::sleep_until;

use client::{Leave, cycle};
use gauge::Reading;
use server::Server;

/// Cycles come in waves, each of which ends at rest: an allocator whose heap is emptied now and then scatters less than
/// one that never sees its end, and a few hundred kilobytes are much of what a server takes.
const WAVE: u64 = 1_000;

/// Waves before the first one that counts, under the same load as the others. A heavier one would leave free memory
/// behind, in which a leak could hide.
const WARM_UP: u64 = 3;

/// How much memory and handles may differ: what an allocator does is not exact.
const TOLERANCE: f64 = 0.05;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

struct Arguments {
    cycles: u64,
    at_once: usize,
    /// How many begin in a second. It bounds how many people are missed at a time, and so the server's working memory,
    /// which would otherwise follow the machine's speed.
    per_second: f64,
    /// How people go, by turns.
    leave: Vec<Leave>,
}

#[derive(Serialize)]
struct Figures {
    scenario: &'static str,
    cycles: u64,
    /// Cycles before these.
    warm_up: u64,
    rss_1000_kb: u64,
    rss_end_kb: u64,
    rss_ratio: f64,
    fds_1000: usize,
    fds_end: usize,
    seconds: f64,
}

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    let outcome = match (given.next().as_deref(), given.next()) {
        (Some("--serve"), Some(database)) => server::serve(database.as_ref()).map(|()| true),
        _ => arguments(std::env::args().skip(1)).and_then(|arguments| measure(&arguments)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the figures, and tells whether they are good.
#[tokio::main(flavor = "current_thread")]
async fn measure(arguments: &Arguments) -> Result<bool> {
    let server = Server::start()?;
    let start = Instant::now();
    for _ in 0..WARM_UP {
        wave(&server, arguments, WAVE).await?;
    }
    let before = wave(&server, arguments, WAVE).await?;
    let (mut after, mut done) = (before, WAVE);
    while done < arguments.cycles {
        let cycles = WAVE.min(arguments.cycles - done);
        after = wave(&server, arguments, cycles).await?;
        done += cycles;
        eprintln!(
            "{done} cycles: {} kB, {} open handles",
            after.rss_kb, after.fds
        );
    }
    let figures = Figures {
        scenario: "connect-cycles",
        cycles: arguments.cycles,
        warm_up: WARM_UP * WAVE,
        rss_1000_kb: before.rss_kb,
        rss_end_kb: after.rss_kb,
        rss_ratio: rounded(after.rss_kb as f64 / before.rss_kb as f64),
        fds_1000: before.fds,
        fds_end: after.fds,
        seconds: rounded(start.elapsed().as_secs_f64()),
    };
    println!("{}", serde_json::to_string(&figures)?);
    let fds_apart = before.fds.abs_diff(after.fds) as f64 / before.fds as f64;
    Ok(figures.rss_ratio <= 1.0 + TOLERANCE && fds_apart <= TOLERANCE)
}

/// Does so many cycles, some of them at once, each with a person who has not been here before. Returns what the server
/// holds after everybody is gone.
async fn wave(server: &Server, arguments: &Arguments, cycles: u64) -> Result<Reading> {
    let ways = &arguments.leave;
    let begin = Instant::now();
    stream::iter(0..cycles)
        .map(|turn| async move {
            let after = Duration::from_secs_f64(turn as f64 / arguments.per_second);
            sleep_until((begin + after).into()).await;
            cycle(server.port(), ways[turn as usize % ways.len()]).await
        })
        .buffer_unordered(arguments.at_once)
        .try_collect::<()>()
        .await?;
    gauge::settled(server).await
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments {
        cycles: 10_000,
        at_once: 50,
        per_second: 1_000.0,
        leave: vec![Leave::Politely, Leave::Silently],
    };
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} needs a value"))?;
        match (name.as_str(), value.as_str()) {
            ("--cycles", _) => arguments.cycles = value.parse()?,
            ("--at-once", _) => arguments.at_once = value.parse()?,
            ("--per-second", _) => arguments.per_second = value.parse()?,
            ("--leave", "politely") => arguments.leave = vec![Leave::Politely],
            ("--leave", "silently") => arguments.leave = vec![Leave::Silently],
            ("--leave", "both") => arguments.leave = vec![Leave::Politely, Leave::Silently],
            _ => return Err(format!("{name} {value} is not known").into()),
        }
    }
    if arguments.cycles <= WAVE {
        return Err(format!("--cycles must be more than {WAVE}").into());
    }
    if arguments.at_once == 0 || arguments.per_second < 1.0 {
        return Err("--at-once and --per-second must be at least 1".into());
    }
    Ok(arguments)
}

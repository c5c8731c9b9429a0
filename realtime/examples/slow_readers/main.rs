//! Clients that do not read, over real sockets: what they cost the server, and what they cost everybody else
//! (contract line C8).
//!
//! `slow_readers [--clients 500] [--runs abcd] [--rounds 1]`
//!
//! The server runs in a process of its own, the same program with `--serve`, so that its memory is measured alone. All
//! clients are in one room, in which 20 events of 1 kB are published each second. One run after the other:
//!
//! - a: everybody reads; what the others are compared with.
//! - b: one client in a hundred does not read for 20 seconds, and then reads again.
//! - c: one client does not read for 60 seconds, and is cut meanwhile.
//! - d: one client's network is gone for 20 seconds, without a word, and comes back.
//!
//! Rounds repeat a and b by turns, because one of each says little on a machine that does other things too. In each run
//! something is announced while some are away, and once more at the end. The exit code is 1 where a client was not told
//! every event in order and exactly once (or of a reset, and then the rest), where an announcement was missed or
//! repeated, where a view differs from the server's own, or where somebody was cut who should not have been, or not cut
//! who should. Latencies and memory are figures: whether they are good depends on the machine. The last line is JSON.
//! Linux only: it reads `/proc`.

mod client;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod heard;
mod hung;
mod relay;
mod server;
mod stall;
mod vanish;

use std::{error::Error, process::ExitCode, time::Instant};

use leptos_realtime::rooms;
use serde::{Deserialize, Serialize};

rooms! {
    /// The room that everybody is in.
    Hall(i64) => Post
}

/// The one room.
const HALL: Hall = Hall(1);

/// An event: its number, from 0, and when it was published, in microseconds of the machine's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    number: u32,
    at: u64,
    text: String,
}

/// Events in a second.
const PER_SECOND: u32 = 20;

/// The length of an event's text.
const BYTES: usize = 1_000;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

struct Arguments {
    clients: usize,
    runs: String,
    rounds: u32,
}

#[derive(Serialize)]
struct Figures {
    scenario: &'static str,
    clients: usize,
    control: Vec<stall::Figures>,
    stalled: Vec<stall::Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<stall::Compared>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hung: Option<hung::Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vanished: Option<vanish::Figures>,
    /// What should not have happened.
    broken: Vec<String>,
    seconds: f64,
}

fn main() -> ExitCode {
    let outcome = if std::env::args().any(|argument| argument == "--serve") {
        server::serve().map(|()| true)
    } else {
        arguments(std::env::args().skip(1)).and_then(|arguments| measure(&arguments))
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

/// Prints the figures, and tells whether nothing is broken.
#[tokio::main]
async fn measure(arguments: &Arguments) -> Result<bool> {
    let start = Instant::now();
    let clients = arguments.clients;
    let asked = |run: char| arguments.runs.contains(run);
    let mut broken = Vec::new();
    let (mut control, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        if asked('a') {
            control.push(stall::run(clients, 0, &mut broken).await?);
        }
        if asked('b') {
            stalled.push(stall::run(clients, stall::share(clients), &mut broken).await?);
        }
    }
    let mut hung = None;
    if asked('c') {
        hung = Some(hung::run(clients, &mut broken).await?);
    }
    let mut vanished = None;
    if asked('d') {
        vanished = Some(vanish::run(clients, &mut broken).await?);
    }
    for line in &broken {
        eprintln!("broken: {line}");
    }
    let figures = Figures {
        scenario: "slow-readers",
        clients,
        compared: stall::Compared::of(&control, &stalled),
        control,
        stalled,
        hung,
        vanished,
        broken,
        seconds: rounded(start.elapsed().as_secs_f64()),
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(figures.broken.is_empty())
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments {
        clients: 500,
        runs: "abcd".to_owned(),
        rounds: 1,
    };
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} needs a value"))?;
        match name.as_str() {
            "--clients" => arguments.clients = value.parse()?,
            "--runs" => arguments.runs = value,
            "--rounds" => arguments.rounds = value.parse()?,
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    if arguments.clients < 2 {
        return Err("--clients must be at least 2: one is to be slow".into());
    }
    Ok(arguments)
}

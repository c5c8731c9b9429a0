//! What becomes of people's inboxes, on SQLite and on a real Postgres.
//!
//! `inbox lives [--operations 10000] [--seed S] [--short]`: random lives of an inbox on three devices over two
//! instances, by the seed: see `tests/common/inbox/life.rs`.
//!
//! `inbox notify [--people 10000] [--rounds 1000] [--short]`: how soon what is read on one device shows on another, at
//! another instance, over a real Redis; and what it costs to tell many people at once.
//!
//! The last line is JSON. The exit code is 1 where counts are not as they should be; times are told only.

mod badge;
#[allow(unused_imports, reason = "one server is enough here")]
#[path = "../../tests/common/mod.rs"]
mod common;
mod many;
#[allow(unused_imports, reason = "one server is enough here")]
#[allow(clippy::unwrap_used, reason = "they are the servers of tests")]
#[path = "../../tests/common/redis/mod.rs"]
mod servers;

use std::{error::Error, process::ExitCode, time::Instant};

use common::{
    host::{PostgresHost, SqliteHost},
    inbox::life::{Lived, live},
};
use serde_json::{Map, Value, json};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What is asked for.
struct Options {
    operations: u64,
    seed: Option<u64>,
    people: i64,
    rounds: usize,
}

fn main() -> ExitCode {
    many::count_statements();
    let mut given = std::env::args().skip(1);
    let scenario = given.next().unwrap_or_default();
    let outcome = options(given).and_then(|options| match scenario.as_str() {
        "lives" => lives(&options),
        "notify" => notify(&options),
        _ => Err(format!("{scenario:?} is not known: lives or notify").into()),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The clock that lives move is that of their thread.
#[tokio::main(flavor = "current_thread")]
async fn lives(options: &Options) -> Result<bool> {
    let seed = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let mut figures = Map::new();
    figures.insert("scenario".to_owned(), json!("inbox"));
    figures.insert("seed".to_owned(), json!(seed));
    let mut failed = 0;
    let mut note = |name: &str, start: Instant, lived: Result<Lived, String>| -> Result<()> {
        let mut of = match lived {
            // A life ends where something is not so.
            Ok(lived) => {
                let mut of = serde_json::to_value(lived)?;
                of["unread_drift"] = json!(0);
                of["duplicates"] = json!(0);
                of
            }
            Err(why) => {
                failed += 1;
                println!("{why}");
                json!({ "failed": why })
            }
        };
        of["seconds"] = json!(rounded(start.elapsed().as_secs_f64()));
        figures.insert(name.to_owned(), of);
        Ok(())
    };
    let start = Instant::now();
    let lived = live::<SqliteHost>(seed, options.operations).await;
    note("sqlite", start, lived)?;
    let start = Instant::now();
    let lived = live::<PostgresHost>(seed, options.operations).await;
    note("postgres", start, lived)?;
    figures.insert("failed".to_owned(), json!(failed));
    println!("{}", Value::Object(figures));
    Ok(failed == 0)
}

#[tokio::main]
async fn notify(options: &Options) -> Result<bool> {
    let mut figures = Map::new();
    figures.insert("scenario".to_owned(), json!("notify"));
    let mut wrong = Vec::new();
    for (name, told) in [
        (
            "sqlite",
            many::tell::<SqliteHost>(options.people, &mut wrong).await?,
        ),
        (
            "postgres",
            many::tell::<PostgresHost>(options.people, &mut wrong).await?,
        ),
    ] {
        figures.insert(name.to_owned(), told);
    }
    let badge = badge::read_here_shown_there(options.rounds, &mut wrong).await?;
    figures.insert("badge".to_owned(), badge);
    figures.insert("broken".to_owned(), json!(wrong));
    println!("{}", Value::Object(figures));
    Ok(wrong.is_empty())
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn options(mut given: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options {
        operations: 10_000,
        seed: None,
        people: 10_000,
        rounds: 1_000,
    };
    while let Some(name) = given.next() {
        if name == "--short" {
            (options.operations, options.people, options.rounds) = (300, 1_100, 20);
            continue;
        }
        let value = given.next().ok_or(format!("{name} needs a value"))?;
        match name.as_str() {
            "--operations" => options.operations = value.parse()?,
            "--seed" => options.seed = Some(value.parse()?),
            "--people" => options.people = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    Ok(options)
}

//! What becomes of several instances, real processes that meet at a real Redis, when something goes wrong with one of
//! them, with Redis, or with the way between.
//!
//! `cluster <scenario> [--short] [--runs N] [--people N] [--previous PROGRAM]`
//!
//! Everything runs on free ports of this machine and ends with this process. People are clients built on the crate's own
//! session, over real WebSockets: each notes who comes and goes in its rooms and every event that it hears. A scenario
//! prints what it does, ends with a JSON line of its figures, and with exit code 1 where a bound is broken. With
//! `--short` it is small and looks at counts only: for a machine that does other things too.

mod clock;
#[path = "../common/mod.rs"]
mod common;
#[path = "../node/host.rs"]
mod host;
mod instance;
mod load;
mod person;
mod report;
mod scenarios;
#[allow(unused_imports, reason = "not all of it is needed here")]
#[allow(clippy::unwrap_used, reason = "they are the servers of tests")]
#[path = "../../tests/common/redis/mod.rs"]
mod servers;
mod way;
mod world;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Instant};

use report::{Report, rounded};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What a scenario is told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A small form of it, of which only counts are looked at.
    pub short: bool,
    /// How many times, and with how many people, where a scenario's own numbers are not wanted.
    pub runs: Option<usize>,
    pub people: Option<usize>,
    /// This program as another version of it is, and of which commit that is.
    pub previous: Option<PathBuf>,
    pub commit: Option<String>,
}

impl Options {
    /// One number for the whole scenario, another one for its short form.
    pub fn pick<T>(&self, whole: T, short: T) -> T {
        if self.short { short } else { whole }
    }
}

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    let outcome = match given.next().as_deref() {
        Some("--node") => host::serve(0).map(|()| true),
        Some(scenario) => options(given).and_then(|options| run(scenario, &options)),
        None => Err("which scenario?".into()),
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
async fn run(scenario: &str, options: &Options) -> Result<bool> {
    let start = Instant::now();
    let mut report = Report {
        short: options.short,
        ..Report::default()
    };
    report.figure("scenario", scenario);
    report.figure("short", options.short);
    if let Err(error) = scenarios::run(scenario, options, &mut report).await {
        report.wrong(format!("the scenario did not end: {error}"));
    }
    report.figure("broken", report.broken.clone());
    report.figure("seconds", rounded(start.elapsed().as_secs_f64()));
    println!("{}", serde_json::to_string(&report.figures)?);
    Ok(report.broken.is_empty())
}

fn options(mut given: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options::default();
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--short" => options.short = true,
            "--runs" => options.runs = Some(value()?.parse()?),
            "--people" => options.people = Some(value()?.parse()?),
            "--previous" => options.previous = Some(value()?.into()),
            "--commit" => options.commit = Some(value()?),
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    Ok(options)
}

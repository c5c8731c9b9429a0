//! `cargo xtask bench <name>`: figures of the release build, against their bounds.

use std::process::ExitCode;

use anyhow::Result;

use super::build;
use crate::{end2end, figures, mode::Mode, project::Project, setup};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    bench: Bench,
}

/// To add one, add its options here and its test in `end2end/bench`.
#[derive(clap::Subcommand)]
enum Bench {
    /// A board with 200 people in a browser: bytes, hydration, memory, and frames while 50 changes a second arrive
    Page(Page),
}

#[derive(clap::Args)]
struct Page {
    /// For how long memory is watched
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    minutes: u32,
}

pub fn bench(project: &Project, options: &Options) -> Result<ExitCode> {
    match &options.bench {
        Bench::Page(page) => in_browser(project, "page", &[("MINUTES", page.minutes.to_string())]),
    }
}

/// Runs one of `end2end/bench` against the release build.
fn in_browser(project: &Project, name: &str, settings: &[(&str, String)]) -> Result<ExitCode> {
    setup::to_test(project, true)?;
    build::release(project, false)?;
    println!("measuring");
    let mut command = end2end::script(project, "bench", Mode::Release)?;
    command
        .args(["--", &format!("bench/{name}.ts")])
        .envs(settings.iter().map(|(key, value)| (key, value)));
    figures::run(&mut command)
}

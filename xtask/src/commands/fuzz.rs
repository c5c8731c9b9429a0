//! `cargo xtask fuzz`: what the protocol's readers, the session and the replica do with inputs that nobody thought of.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use cargo_metadata::camino::{Utf8PathBuf, absolute_utf8};

use crate::{
    libfuzzer::{self, Fuzzer},
    project::Project,
    setup::{self, Nightly},
};

#[derive(clap::Args)]
pub struct Options {
    /// How long in total, shared by the targets
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// Only this target of fuzz/fuzz_targets
    #[arg(long, value_name = "T")]
    target: Option<String>,
    /// Give the target this one input, such as one that a crash left
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<Utf8PathBuf>,
}

pub fn fuzz(project: &Project, options: &Options) -> Result<ExitCode> {
    let all = libfuzzer::targets(project)?;
    let only = options.target.as_deref();
    let targets: Vec<&str> = chosen(&all, only)?;
    let Some(nightly) = nightly()? else {
        println!("skip  fuzz: there is no nightly compiler here");
        return Ok(ExitCode::SUCCESS);
    };
    setup::to_fuzz(project)?;
    println!("[1/2] building");
    let fuzzer = Fuzzer::build(project, &nightly, only)?;
    println!("[2/2] running");
    if let (Some(target), Some(input)) = (only, &options.input) {
        fuzzer.replay(target, &absolute_utf8(input)?)?;
        println!("{target} has nothing against this input");
        return Ok(ExitCode::SUCCESS);
    }
    let seconds = share(options.seconds, targets.len());
    let mut figures = Vec::new();
    for target in targets {
        println!("  {target}, {seconds} s");
        figures.push(fuzzer.run(target, seconds)?);
    }
    for figures in &figures {
        println!("{}", serde_json::to_string(figures)?);
    }
    let sound = figures.iter().all(|figures| figures.crashes == 0);
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen<'a>(all: &'a [String], only: Option<&str>) -> Result<Vec<&'a str>> {
    let wanted = |name: &&str| only.is_none_or(|only| only == *name);
    let chosen: Vec<&str> = all.iter().map(String::as_str).filter(wanted).collect();
    ensure!(
        !chosen.is_empty(),
        "there is no such target; there are {}",
        all.join(", ")
    );
    Ok(chosen)
}

/// The same for each target, and no less than a second.
fn share(seconds: u64, targets: usize) -> u64 {
    (seconds / targets.max(1) as u64).max(1)
}

/// The compiler; nothing, where a CI machine has none: fuzzing is an extra there.
fn nightly() -> Result<Option<Nightly>> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    match Nightly::find() {
        Ok(nightly) => Ok(Some(nightly)),
        Err(_) if in_ci => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seconds_are_shared_by_the_targets() {
        assert_eq!(share(60, 4), 15);
        assert_eq!(share(3_600, 1), 3_600);
        assert_eq!(share(2, 4), 1);
    }

    #[test]
    fn a_target_that_does_not_exist_is_an_error_that_names_those_that_do() {
        let all = ["frames", "session"].map(str::to_owned);
        assert_eq!(chosen(&all, None).expect("all"), ["frames", "session"]);
        assert_eq!(chosen(&all, Some("session")).expect("one"), ["session"]);
        let error = chosen(&all, Some("rooms")).expect_err("none");
        assert!(error.to_string().ends_with("frames, session"), "{error}");
    }
}

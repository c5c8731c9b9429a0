//! `cargo xtask chaos <scenario>`: what happens to the crate when much goes wrong, or happens often.

use std::{process::ExitCode, thread};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, builder::PossibleValuesParser};

use crate::{
    figures,
    previous::{self, Previous},
    process,
    project::Project,
    scenario::{self, OVER_REDIS, SCENARIOS, Scenario, Work},
    steps,
};

#[derive(clap::Args)]
#[command(after_help = scenario::list())]
pub struct Options {
    /// What to run
    #[arg(value_parser = PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name)))]
    scenario: String,
    /// What the scenario is to know, such as how often
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The arguments of a scenario that goes by seeds.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Seeds {
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    #[arg(long, default_value_t = 1)]
    first: u64,
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Over the stand-in for Redis
    #[arg(long)]
    redis: bool,
}

pub fn chaos(project: &Project, options: &Options) -> Result<ExitCode> {
    let scenario = Scenario::named(&options.scenario).context("there is no such scenario")?;
    let mut arguments = options.arguments.clone();
    if scenario.meets_previous {
        let commit = previous::take(&mut arguments)?;
        println!("[0/2] building {commit}");
        let Previous { program, commit } = previous::build(project, scenario, &commit)?;
        arguments.extend([previous::OPTION.to_owned(), program.into_string()]);
        arguments.extend(["--commit".to_owned(), commit]);
    }
    let parts: Vec<Vec<String>> = match scenario.work {
        Work::Whole => vec![arguments],
        Work::Seeds => {
            let seeds = Seeds::try_parse_from(&options.arguments)?;
            split(&seeds)?
        }
    };
    let over_redis = parts
        .iter()
        .flatten()
        .any(|argument| argument == OVER_REDIS);
    println!("[1/2] building");
    process::run(&mut scenario.build(project, over_redis))?;
    println!("[2/2] running");
    let outcomes = run(project, scenario, &parts);
    let mut sound = true;
    let mut lines = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(part) => {
                sound &= part.succeeded;
                lines.push(part.figures);
            }
            Err(error) => {
                sound = false;
                steps::print_error(&error);
            }
        }
    }
    if let Some(line) = figures::line(&lines) {
        println!("{line}");
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How one process ended.
struct Ended {
    /// The line that has its figures.
    figures: String,
    succeeded: bool,
}

/// Runs all parts at once.
fn run(project: &Project, scenario: &Scenario, parts: &[Vec<String>]) -> Vec<Result<Ended>> {
    thread::scope(|scope| {
        let jobs: Vec<_> = parts
            .iter()
            .map(|part| scope.spawn(move || run_part(project, scenario, part)))
            .collect();
        jobs.into_iter()
            .map(|job| match job.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

/// Shows what the program prints as it comes, apart from its figures.
fn run_part(project: &Project, scenario: &Scenario, part: &[String]) -> Result<Ended> {
    let mut figures = None;
    let status = process::watch(&mut scenario.run(project, part), |line| {
        if figures::read(&line).is_some() {
            figures = Some(line);
            return;
        }
        println!("{line}");
        if let Some(seed) = failed_seed(&line) {
            let over_redis = part.iter().any(|argument| argument == OVER_REDIS);
            println!("  once more: {}", seed_line(scenario, seed, over_redis));
        }
    })?;
    let Some(figures) = figures else {
        bail!(
            "`{} {}` ended without figures ({status})",
            scenario.name,
            part.join(" ")
        );
    };
    Ok(Ended {
        figures,
        succeeded: status.success(),
    })
}

/// The arguments of each job: seeds in a row, about as many for one as for the other.
fn split(seeds: &Seeds) -> Result<Vec<Vec<String>>> {
    ensure!(seeds.seeds > 0, "--seeds must be at least 1");
    ensure!(seeds.jobs > 0, "--jobs must be at least 1");
    ensure!(
        seeds.first.checked_add(seeds.seeds).is_some(),
        "--first and --seeds go beyond the last seed there is"
    );
    let jobs = seeds.jobs.min(seeds.seeds);
    let mut first = seeds.first;
    let parts = (0..jobs).map(|job| {
        let count = seeds.seeds / jobs + u64::from(job < seeds.seeds % jobs);
        let part = arguments(first, count, seeds.redis);
        first += count;
        part
    });
    Ok(parts.collect())
}

fn arguments(first: u64, seeds: u64, over_redis: bool) -> Vec<String> {
    let mut arguments = vec![
        "--first".to_owned(),
        first.to_string(),
        "--seeds".to_owned(),
        seeds.to_string(),
    ];
    if over_redis {
        arguments.push(OVER_REDIS.to_owned());
    }
    arguments
}

/// The seed in a line like `seed 7 failed: …`.
fn failed_seed(line: &str) -> Option<u64> {
    let (seed, _) = line.strip_prefix("seed ")?.split_once(" failed")?;
    seed.parse().ok()
}

/// The command that runs one seed again.
fn seed_line(scenario: &Scenario, seed: u64, over_redis: bool) -> String {
    let arguments = arguments(seed, 1, over_redis).join(" ");
    format!("cargo xtask chaos {} {arguments}", scenario.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Vec<String> {
        let seeds = Seeds::try_parse_from(line.split_whitespace()).expect("arguments");
        let parts = split(&seeds).expect("seeds");
        parts.into_iter().map(|part| part.join(" ")).collect()
    }

    #[test]
    fn seeds_are_split_without_gaps_and_no_job_is_idle() {
        assert_eq!(
            parts("--seeds 5 --first 10 --jobs 2"),
            ["--first 10 --seeds 3", "--first 13 --seeds 2"]
        );
        assert_eq!(parts("--seeds 1 --jobs 8"), ["--first 1 --seeds 1"]);
        assert_eq!(parts("--redis --seeds 1"), ["--first 1 --seeds 1 --redis"]);
        assert_eq!(parts("").len(), 2);
        for nonsense in ["--seeds 0", "--jobs 0", "--first 18446744073709551615"] {
            let seeds = Seeds::try_parse_from(nonsense.split(' ')).expect("numbers");
            assert!(split(&seeds).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_failed_seed_comes_with_the_command_that_runs_it_again() {
        assert_eq!(failed_seed("seed 17 failed: a repeat"), Some(17));
        assert_eq!(failed_seed("seed x failed"), None);
        assert_eq!(failed_seed("17 failed"), None);
        assert_eq!(
            seed_line(&SCENARIOS[0], 17, false),
            "cargo xtask chaos sim --first 17 --seeds 1"
        );
        assert_eq!(
            seed_line(&SCENARIOS[0], 17, true),
            "cargo xtask chaos sim --first 17 --seeds 1 --redis"
        );
    }
}

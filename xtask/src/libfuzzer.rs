//! The fuzz targets: how they are built and run, and what libFuzzer says at the end.
//!
//! `cargo fuzz` builds them, because it knows the compiler's flags; they are started without it, so that corpus,
//! findings and logs lie in the target folder and the process is held like every other.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::{
    process::{self, Held},
    project::Project,
    setup::Nightly,
};

/// The greatest input, in bytes: enough for a frame with everything in it and for long scripts.
const MAX_LEN: u32 = 4_096;

/// How many lines of a log are shown of a target that fails.
const SHOWN: usize = 12;

/// The names of the targets, in order.
pub fn targets(project: &Project) -> Result<Vec<String>> {
    let folder = project.fuzz().join("fuzz_targets");
    let mut names = Vec::new();
    for file in folder
        .read_dir_utf8()
        .with_context(|| format!("{folder} cannot be read"))?
    {
        let file = file?.into_path();
        if let (Some(name), Some("rs")) = (file.file_stem(), file.extension()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What there is to know about one run of a target.
#[derive(Debug, PartialEq, Serialize)]
pub struct Figures {
    scenario: &'static str,
    target: String,
    seconds: f64,
    executions: u64,
    executions_per_second: f64,
    /// Inputs that each reach something that the others do not.
    corpus: u64,
    /// Edges of the program that were reached.
    coverage: u64,
    pub crashes: u64,
}

impl Figures {
    fn read(target: &str, seconds: f64, log: &str, crashed: bool) -> Self {
        // Status lines look like `#31 NEW cov: 12 ft: 14 corp: 5/37b lim: 4096 …`.
        let status = log
            .lines()
            .rev()
            .find(|line| line.starts_with('#') && line.contains(" cov: "))
            .unwrap_or_default();
        let executions = number_after(log, "stat::number_of_executed_units:");
        let round = |value: f64| (value * 10.0).round() / 10.0;
        Self {
            scenario: "fuzz",
            target: target.to_owned(),
            seconds: round(seconds),
            executions,
            executions_per_second: round(executions as f64 / seconds.max(0.1)),
            corpus: number_after(status, " corp: "),
            coverage: number_after(status, " cov: "),
            crashes: crashed.into(),
        }
    }
}

fn number_after(text: &str, name: &str) -> u64 {
    let Some((_, rest)) = text.split_once(name) else {
        return 0;
    };
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or_default()
}

/// The targets, built, and the folders that they use.
pub struct Fuzzer<'a> {
    project: &'a Project,
    host: String,
}

impl<'a> Fuzzer<'a> {
    /// Builds `target`, or all of them.
    pub fn build(project: &'a Project, nightly: &Nightly, target: Option<&str>) -> Result<Self> {
        let fuzzer = Self {
            project,
            host: nightly.host()?,
        };
        let mut command = nightly.cargo(project);
        // No sanitizer: the crate has no unsafe code, and inputs that are tried twice as fast find more.
        command
            .args(["fuzz", "build", "--sanitizer", "none"])
            .args(["--fuzz-dir", project.fuzz().as_str()])
            .args(["--target", &fuzzer.host])
            .args(["--target-dir", fuzzer.folder().as_str()])
            .args(target);
        process::run(&mut command)?;
        Ok(fuzzer)
    }

    fn folder(&self) -> Utf8PathBuf {
        self.project.target.join("fuzz")
    }

    fn program(&self, target: &str) -> Utf8PathBuf {
        let folder = self.folder().join(&self.host).join("release");
        folder.join(format!("{target}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Looks for a crash for so many seconds, beginning with what is known from earlier runs and the committed seeds.
    pub fn run(&self, target: &str, seconds: u64) -> Result<Figures> {
        let (corpus, findings) = (self.of("corpus", target)?, self.of("findings", target)?);
        let path = self.folder().join(format!("{target}.log"));
        let log = File::create(&path).with_context(|| format!("{path} cannot be written"))?;
        let mut command = Command::new(self.program(target));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_LEN}"))
            .args(["-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"])
            .arg(format!(
                "-dict={}",
                self.project.fuzz().join("protocol.dict")
            ))
            .arg(format!("-artifact_prefix={findings}/"))
            // New inputs are written to the first folder.
            .arg(corpus)
            .arg(self.project.fuzz().join("seeds").join(target))
            .stdout(Stdio::null())
            .stderr(log);
        let start = Instant::now();
        let status = Held::spawn(&mut command)?.wait()?;
        let took = start.elapsed().as_secs_f64();
        let log = fs::read(&path).with_context(|| format!("{path} cannot be read"))?;
        let log = String::from_utf8_lossy(&log);
        if !status.success() {
            let Some(input) = written_input(&log) else {
                bail!("the target {target} failed ({status}) without a finding: see {path}");
            };
            println!("{}", reason(&log));
            println!("  the input: {input}");
            println!("  once more: {}", replay_line(target, input.as_ref()));
        }
        Ok(Figures::read(target, took, &log, !status.success()))
    }

    /// Gives a target one input, with the target's output as ours.
    pub fn replay(&self, target: &str, input: &Utf8Path) -> Result<()> {
        process::run(Command::new(self.program(target)).arg(input))
    }

    fn of(&self, kind: &str, target: &str) -> Result<Utf8PathBuf> {
        let folder = self.folder().join(kind).join(target);
        fs::create_dir_all(&folder).with_context(|| format!("{folder} cannot be made"))?;
        Ok(folder)
    }
}

fn replay_line(target: &str, input: &Utf8Path) -> String {
    format!("cargo xtask fuzz --target {target} --input {input}")
}

/// Where libFuzzer put the input that ended the target.
fn written_input(log: &str) -> Option<&str> {
    let (_, rest) = log.rsplit_once("Test unit written to ")?;
    rest.lines().next().map(str::trim)
}

/// What the target said of its end: its panic, or whatever libFuzzer found, such as too much memory.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let begins = |line: &&str| line.contains("panicked at") || line.starts_with("==");
    let start = lines.iter().position(begins).unwrap_or_default();
    let wanted = lines[start..]
        .iter()
        .take_while(|line| !line.starts_with("stack backtrace:"));
    wanted
        .take(SHOWN)
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRASH: &str = "\
#2\tINITED cov: 312 ft: 313 corp: 1/1b exec/s: 0 rss: 31Mb
#1857\tREDUCE cov: 2035 ft: 8493 corp: 561/21Kb lim: 55 exec/s: 1857 rss: 31Mb L: 16/55 MS: 1 EraseBytes-

thread '<unnamed>' (7) panicked at src/listeners.rs:64:13:
assertion `left == right` failed: it hears its room's order
stack backtrace:
   0: one
==7== ERROR: libFuzzer: deadly signal
artifact_prefix='/t/findings/session/'; Test unit written to /t/findings/session/crash-e54c
stat::number_of_executed_units: 1870
stat::average_exec_per_sec:     1870
";

    #[test]
    fn the_figures_are_those_of_the_last_status_line() {
        let figures = Figures::read("session", 2.04, CRASH, true);
        assert_eq!((figures.coverage, figures.corpus), (2_035, 561));
        assert_eq!((figures.executions, figures.crashes), (1_870, 1));
        assert_eq!(
            serde_json::to_string(&figures).expect("plain data"),
            r#"{"scenario":"fuzz","target":"session","seconds":2.0,"executions":1870,"executions_per_second":916.7,"corpus":561,"coverage":2035,"crashes":1}"#
        );
    }

    #[test]
    fn a_finding_is_told_by_its_panic_and_its_file() {
        assert_eq!(written_input(CRASH), Some("/t/findings/session/crash-e54c"));
        let reason = reason(CRASH);
        assert_eq!(reason.lines().count(), 2, "{reason}");
        assert!(reason.contains("listeners.rs:64"), "{reason}");
    }

    #[test]
    fn the_line_that_repeats_a_finding_is_one_of_our_commands() {
        assert_eq!(
            replay_line("session", "/t/crash".into()),
            "cargo xtask fuzz --target session --input /t/crash"
        );
    }

    #[test]
    fn each_target_has_seeds() {
        let project = Project::here();
        let targets = targets(&project).expect("the folder is there");
        assert!(targets.contains(&"session".to_owned()), "{targets:?}");
        for target in targets {
            let seeds = project.fuzz().join("seeds").join(&target);
            let some = seeds
                .read_dir_utf8()
                .is_ok_and(|mut files| files.next().is_some());
            assert!(some, "{target} has no seeds");
        }
    }
}

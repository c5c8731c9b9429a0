//! Named steps, each timed, with a summary at the end.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Error, Result};

use crate::interrupt;

/// Prints an error as one line: the sentence and its causes.
pub fn print_error(error: &Error) {
    eprintln!("error: {error:#}");
}

/// The steps of one command so far.
#[derive(Default)]
pub struct Steps {
    done: Vec<Done>,
    skipped: Vec<String>,
}

struct Done {
    name: &'static str,
    passed: bool,
    took: Duration,
}

impl Steps {
    /// Does `work` under `name` and tells whether it succeeded. An error of the work is printed and counted, and the
    /// caller goes on with the next step; only an interrupt ends the whole command.
    pub fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        interrupt::check()?;
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = work();
        interrupt::check()?;
        let passed = outcome.is_ok();
        if let Err(error) = outcome {
            print_error(&error);
        }
        self.done.push(Done {
            name,
            passed,
            took: start.elapsed(),
        });
        Ok(passed)
    }

    /// Notes a step that this machine cannot do and that does not count as a failure.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push(format!("skip  {name}: {why}"));
    }

    /// Prints the summary; the exit code is a failure when any step failed.
    pub fn finish(&self) -> ExitCode {
        println!("\n{}", self.summary());
        let all = self.done.iter().all(|step| step.passed);
        if all {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn summary(&self) -> String {
        let width = self
            .done
            .iter()
            .map(|step| step.name.len())
            .max()
            .unwrap_or_default();
        let passed = self.done.iter().filter(|step| step.passed).count();
        let mut lines: Vec<String> = self
            .done
            .iter()
            .map(|Done { name, passed, took }| {
                let mark = if *passed { "pass" } else { "FAIL" };
                format!("{mark}  {name:width$}  {:6.1} s", took.as_secs_f64())
            })
            .collect();
        lines.extend(self.skipped.iter().cloned());
        lines.push(format!(
            "{passed} passed, {} failed",
            self.done.len() - passed
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_the_steps_and_a_skipped_one_is_not_counted() {
        let mut steps = Steps::default();
        assert!(steps.run("good", || Ok(())).expect("not interrupted"));
        assert!(
            !steps
                .run("bad one", || anyhow::bail!("no"))
                .expect("not interrupted")
        );
        steps.skip("audit", "cargo-deny is not installed");
        let summary = steps.summary();
        let lines: Vec<_> = summary.lines().collect();
        assert!(lines[0].starts_with("pass  good "), "{summary}");
        assert!(lines[1].starts_with("FAIL  bad one "), "{summary}");
        assert_eq!(lines[2], "skip  audit: cargo-deny is not installed");
        assert_eq!(lines[3], "1 passed, 1 failed");
        assert_ne!(steps.finish(), ExitCode::SUCCESS);
    }
}

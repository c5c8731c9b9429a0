//! A scenario's program as an earlier commit has it: for those in which two versions meet.
//!
//! Its source is a second work tree in the target folder, and its build has a target folder of its own: cargo would take
//! the crates of two work trees for the same. Both stay, so that of the next commit only what differs is compiled.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::camino::Utf8PathBuf;

use crate::{process, project::Project, scenario::Scenario};

/// What names the commit, and which one it is without.
pub const OPTION: &str = "--previous";
const BEFORE: &str = "HEAD~1";

/// An earlier version of a program.
pub struct Previous {
    pub program: Utf8PathBuf,
    /// Of which commit.
    pub commit: String,
}

/// Takes the commit's name out of the arguments.
pub fn take(arguments: &mut Vec<String>) -> Result<String> {
    let Some(at) = arguments.iter().position(|argument| argument == OPTION) else {
        return Ok(BEFORE.to_owned());
    };
    ensure!(at + 1 < arguments.len(), "{OPTION} names a commit");
    let taken: Vec<String> = arguments.drain(at..at + 2).collect();
    Ok(taken[1].clone())
}

/// Compiles it.
pub fn build(project: &Project, scenario: &Scenario, named: &str) -> Result<Previous> {
    let folder = project.target.join("previous");
    let (source, target) = (folder.join("source"), folder.join("target"));
    let commit = commit(project, named)?;
    match source.join(".git").exists() {
        // Only what differs is written, so that cargo knows what has changed.
        true => process::run(
            Command::new("git")
                .current_dir(&source)
                .args(["checkout", "--quiet", "--force", "--detach", &commit]),
        )?,
        false => process::run(
            Command::new("git")
                .current_dir(&project.root)
                .args(["worktree", "add", "--quiet", "--force", "--detach"])
                .args([source.as_str(), &commit]),
        )?,
    }
    let mut command = scenario.build(project, false);
    command
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target);
    process::run(&mut command)?;
    Ok(Previous {
        program: scenario.program_in(&target),
        commit,
    })
}

/// The full name of a commit of this repository.
fn commit(project: &Project, named: &str) -> Result<String> {
    let output = Command::new("git")
        .current_dir(&project.root)
        .args(["rev-parse", "--quiet", "--verify", "--end-of-options"])
        .arg(format!("{named}^{{commit}}"))
        .output()
        .context("git is needed for an earlier version, and cannot be started")?;
    if !output.status.success() {
        bail!(
            "there is no commit {named} here: a shallow clone has it after `git fetch --unshallow` \
            (in CI, a greater fetch-depth), or name another with {OPTION} <commit>"
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_commit_is_taken_out_of_what_the_scenario_is_told() {
        let mut given = words(&["--people", "9", OPTION, "1148ee2", "--short"]);
        assert_eq!(take(&mut given).expect("a commit"), "1148ee2");
        assert_eq!(given, words(&["--people", "9", "--short"]));
        assert_eq!(take(&mut given).expect("the one before"), BEFORE);
        assert!(take(&mut words(&[OPTION])).is_err());
    }

    #[test]
    fn a_commit_that_is_not_there_is_named_with_the_way_out() {
        let error = commit(&Project::here(), "no-such-commit").expect_err("none");
        let said = error.to_string();
        assert!(
            said.contains("no-such-commit") && said.contains("--unshallow"),
            "{said}"
        );
    }
}

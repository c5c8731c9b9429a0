//! The nightly compiler, whose instrumentation fuzzing needs.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{cargo, process, project::Project, tools};

/// The version of `cargo-fuzz` that is installed where none is.
const CARGO_FUZZ: &str = "0.13.2";

/// An installed nightly toolchain.
#[derive(Debug)]
pub struct Nightly(String);

impl Nightly {
    /// The one that rustup has, the undated one first.
    pub fn find() -> Result<Self> {
        if tools::find(&["rustup"]).is_none() {
            bail!(
                "fuzzing needs rustup and a nightly compiler: install Rust from https://rustup.rs"
            );
        }
        let list = output(Command::new("rustup").args(["toolchain", "list"]))?;
        let name = choose(&list).context(
            "fuzzing needs a nightly compiler: run `rustup toolchain install nightly --profile minimal`",
        )?;
        Ok(Self(name.to_owned()))
    }

    /// `cargo` of this toolchain, in the workspace root.
    pub fn cargo(&self, project: &Project) -> Command {
        let mut command = self.run("cargo");
        command.current_dir(&project.root);
        command
    }

    /// The platform that it compiles for by itself.
    pub fn host(&self) -> Result<String> {
        output(self.run("rustc").args(["--print", "host-tuple"]))
    }

    fn run(&self, program: &str) -> Command {
        let mut command = Command::new("rustup");
        command.args(["run", &self.0, program]);
        // These name the compiler that we were started with.
        for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(name);
        }
        command
    }
}

/// Installs `cargo-fuzz`, which knows the flags for the compiler.
pub fn ensure_cargo_fuzz(project: &Project) -> Result<()> {
    if cargo::has_subcommand(project, "fuzz") {
        return Ok(());
    }
    println!("  installing cargo-fuzz");
    process::run(cargo::cargo(project, "install").args([
        "cargo-fuzz",
        "--version",
        CARGO_FUZZ,
        "--locked",
    ]))
}

/// The nightly toolchain in the list that rustup prints, whose lines are `name (remarks)`.
fn choose(list: &str) -> Option<&str> {
    let names = list.lines().filter_map(|line| line.split(' ').next());
    let nightlies = names.filter(|name| name.starts_with("nightly"));
    // A date begins with a digit, a platform does not.
    nightlies.min_by_key(|name| {
        let rest = name.trim_start_matches("nightly").trim_start_matches('-');
        rest.starts_with(|first: char| first.is_ascii_digit())
    })
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().context("`rustup` could not be started")?;
    ensure!(
        output.status.success(),
        "`rustup` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_undated_nightly_is_chosen_before_dated_ones() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n\
            nightly-2026-01-01-x86_64-unknown-linux-gnu\n\
            nightly-x86_64-unknown-linux-gnu\n1.95.0-x86_64-unknown-linux-gnu";
        assert_eq!(choose(list), Some("nightly-x86_64-unknown-linux-gnu"));
        let dated = list.replace("nightly-x86", "beta-x86");
        assert_eq!(
            choose(&dated),
            Some("nightly-2026-01-01-x86_64-unknown-linux-gnu")
        );
        assert_eq!(choose("stable-x86_64-unknown-linux-gnu"), None);
        assert_eq!(choose("no installed toolchains"), None);
    }
}

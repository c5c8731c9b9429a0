//! The Rust toolchain's parts.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{cargo::WASM, process, tools};

/// The standard library for browsers.
pub fn ensure_wasm_target() -> Result<()> {
    // Asked of rustc, not of rustup: a toolchain from a distribution may have it too.
    let folder =
        output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]))?;
    if Path::new(&folder).exists() {
        return Ok(());
    }
    rustup("target", WASM)
}

/// A part of the toolchain that provides `executable`.
pub fn ensure_component(name: &str, executable: &str) -> Result<()> {
    // A rustup proxy exists even where the component does not: it must run.
    if process::succeeds(Command::new(executable).arg("--version")) {
        return Ok(());
    }
    rustup("component", name)
}

fn rustup(kind: &str, name: &str) -> Result<()> {
    if tools::find(&["rustup"]).is_none() {
        bail!(
            "the Rust {kind} {name} is missing and rustup is not there to add it: install Rust from https://rustup.rs"
        );
    }
    println!("  adding the Rust {kind} {name}");
    process::run(Command::new("rustup").args([kind, "add", name]))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .context("`rustc` is not on PATH: install Rust from https://rustup.rs")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

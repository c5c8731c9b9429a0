//! What a machine needs, installed where it is missing, one line each.
//!
//! Nothing is installed that is there already, so a second run is silent. What cannot be installed here is an error
//! that names the one command to run.

mod nightly;
mod npm;
mod rust;
mod system;

pub use nightly::Nightly;

use anyhow::{Result, bail};

use crate::{project::Project, steps};

/// To build and run the forum.
pub fn to_run() -> Result<()> {
    rust::ensure_wasm_target()
}

/// To check the sources.
pub fn to_check() -> Result<()> {
    rust::ensure_wasm_target()?;
    rust::ensure_component("rustfmt", "cargo-fmt")?;
    rust::ensure_component("clippy", "cargo-clippy")
}

/// To fuzz, beside a [`Nightly`].
pub fn to_fuzz(project: &Project) -> Result<()> {
    nightly::ensure_cargo_fuzz(project)
}

/// To run the tests; `end_to_end` ones need a browser and npm packages too. Everything is tried before giving up, so
/// that one run tells all that is missing.
pub fn to_test(project: &Project, end_to_end: bool) -> Result<()> {
    let mut outcomes = vec![rust::ensure_wasm_target(), system::ensure(end_to_end)];
    if end_to_end {
        outcomes.push(npm::ensure(project));
    }
    let mut errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    let Some(last) = errors.pop() else {
        return Ok(());
    };
    errors.iter().for_each(steps::print_error);
    bail!(last)
}

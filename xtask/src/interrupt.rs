//! Ctrl-C, SIGTERM and SIGHUP.
//!
//! The first one raises a flag. Whoever waits for a child sees it, stops the child and returns an error up to `main`,
//! so that guards run. While no child runs (wasm-bindgen works inside this process) there is nothing to stop and we
//! exit at once. A second signal means "now": the children are killed without grace.

use std::{
    process::exit,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// What a shell reports for a command that was ended by SIGINT.
pub const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts listening; call once, before the first child.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        let again = REQUESTED.swap(true, Ordering::SeqCst);
        if again {
            process::kill_all();
        }
        if again || process::none_running() {
            exit(EXIT_CODE.into());
        }
    })
    .context("Ctrl-C cannot be handled on this system")
}

/// Whether we were asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// An error once we were asked to stop, so that no further work starts.
pub fn check() -> Result<()> {
    if requested() {
        bail!("stopped");
    }
    Ok(())
}

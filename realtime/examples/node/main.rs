//! One instance of a small host, as its environment says (`REDIS_URL`, `REALTIME_*`): `node [--port 3000]`.
//!
//! It prints its port and goes on until its standard input ends. See [`host`].

#[path = "../common/mod.rs"]
mod common;
mod host;

use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    let port = std::env::args().skip_while(|argument| argument != "--port");
    let port = port.skip(1).find_map(|port| port.parse().ok());
    match host::serve(port.unwrap_or(0)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: Box<dyn Error> = error;
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

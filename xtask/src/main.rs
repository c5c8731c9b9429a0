//! The project's commands, started as `cargo xtask <command>`.
//!
//! They do what `cargo leptos` does for a developer who has only Rust, Node and a package manager. The facts about the
//! site (packages, names, folders, address) come from the same `[[workspace.metadata.leptos]]`, read in [`project`].
//! A build passes through [`client`] (cargo, then wasm-bindgen), [`server`] and [`site`] (styles and assets);
//! [`commands`] puts these together. What a machine lacks is installed by [`setup`]. Every child process is held by
//! [`process`], so that nothing outlives the command that started it.

mod cargo;
mod client;
mod commands;
mod compressed;
mod css;
#[cfg(test)]
mod deploy;
mod end2end;
mod executable;
mod figures;
#[cfg(test)]
mod guide;
mod interrupt;
mod libfuzzer;
mod mode;
mod previous;
mod process;
mod project;
mod scenario;
mod server;
mod setup;
mod site;
mod sizes;
mod stamp;
mod steps;
mod tools;
mod wasm_opt;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the client and the server, and serve the site until Ctrl-C
    Run(commands::run::Options),
    /// Build the release: one executable with the site inside, the client through `wasm-opt` where it is installed
    Build(commands::build::Options),
    /// Run the Rust tests and the end-to-end tests
    Test(commands::test::Options),
    /// Check formatting, lints, documentation, the lockfile and the dependencies
    Check,
    /// Give the protocol's readers, the session and the replica inputs that nobody thought of
    Fuzz(commands::fuzz::Options),
    /// Run a scenario in which much goes wrong, or happens often, and show its figures
    Chaos(commands::chaos::Options),
    /// Take pictures of every page, and see that none overflows or complains
    Screenshots(commands::screenshots::Options),
    /// Measure something of the release build, and show its figures
    Bench(commands::bench::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = interrupt::listen().and_then(|()| dispatch(&cli.command));
    if interrupt::requested() {
        println!("stopped");
        return ExitCode::from(interrupt::EXIT_CODE);
    }
    match outcome {
        Ok(code) => code,
        Err(error) => {
            steps::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &Command) -> anyhow::Result<ExitCode> {
    let project = Project::load()?;
    match command {
        Command::Run(options) => commands::run::run(&project, options),
        Command::Build(options) => commands::build::build(&project, options),
        Command::Test(options) => commands::test::test(&project, options),
        Command::Check => commands::check::check(&project),
        Command::Fuzz(options) => commands::fuzz::fuzz(&project, options),
        Command::Chaos(options) => commands::chaos::chaos(&project, options),
        Command::Screenshots(options) => commands::screenshots::screenshots(&project, options),
        Command::Bench(options) => commands::bench::bench(&project, options),
    }
}

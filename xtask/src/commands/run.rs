//! `cargo xtask run`: build, serve, say where.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{
    client,
    mode::Mode,
    project::Project,
    server::{self, reachable},
    setup, site,
};

#[derive(clap::Args)]
pub struct Options {
    /// The port to serve on; 0 takes a free one [default: that of site-addr in Cargo.toml]
    #[arg(long)]
    port: Option<u16>,
    /// Build both for release (without wasm-opt, which `build` uses)
    #[arg(long)]
    release: bool,
}

pub fn run(project: &Project, options: &Options) -> Result<ExitCode> {
    // Before the build, which takes minutes the first time.
    let address = server::choose_address(project, options.port)?;
    setup::to_run()?;
    let mode = Mode::new(options.release);
    println!("[1/3] client (wasm32)");
    let client = client::build(project, mode)?;
    println!("[2/3] site");
    site::assemble(project, &client, &client.wasm, mode)?;
    println!("[3/3] server");
    let file = server::build(project, mode)?;

    let mut server = server::start(project, &file, address)?;
    println!(
        "\n{} is served at http://{}  (Ctrl-C stops it)",
        project.leptos.name,
        reachable(address)
    );
    let status = server.wait()?;
    if !status.success() {
        bail!("the server ended ({status}); its output is above");
    }
    Ok(ExitCode::SUCCESS)
}

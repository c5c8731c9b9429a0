//! `cargo xtask build`: what is shipped, and how large it is.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use crate::{
    client::{self, Client},
    mode::Mode,
    project::Project,
    server, setup, site,
    sizes::{Size, human},
    wasm_opt,
};

#[derive(clap::Args)]
pub struct Options {
    /// Leave the client as the compiler made it
    #[arg(long)]
    no_opt: bool,
}

/// What a release is made of.
pub struct Built {
    client: Client,
    /// The client's Wasm as `wasm-opt` left it.
    optimised: Option<Utf8PathBuf>,
    server: Utf8PathBuf,
}

/// Makes the release, and puts the site in place.
pub fn release(project: &Project, no_opt: bool) -> Result<Built> {
    println!("[1/4] client (wasm32)");
    let client = client::build(project, Mode::Release)?;
    println!("[2/4] wasm-opt");
    let tool = wasm_opt::find(project).filter(|_| !no_opt);
    let optimised = match &tool {
        Some(tool) => Some(wasm_opt::optimise(project, tool, &client)?),
        None if no_opt => None,
        None => {
            println!(
                "  not installed, so the client stays about twice as large: `npm ci` in end2end brings it"
            );
            None
        }
    };
    println!("[3/4] site");
    site::assemble(
        project,
        &client,
        optimised.as_ref().unwrap_or(&client.wasm),
        Mode::Release,
    )?;
    println!("[4/4] server");
    let server = server::build(project, Mode::Release)?;
    Ok(Built {
        client,
        optimised,
        server,
    })
}

pub fn build(project: &Project, options: &Options) -> Result<ExitCode> {
    setup::to_run()?;
    let Built {
        client,
        optimised,
        server,
    } = release(project, options.no_opt)?;
    println!();
    println!("client    {}", Size::of(&client.wasm)?);
    if let Some(optimised) = &optimised {
        println!("wasm-opt  {}", Size::of(optimised)?);
    }
    println!("script    {}", Size::of(&client.script)?);
    let served = project.site_root.join(&project.leptos.site_pkg_dir);
    let served =
        |extension: &str| served.join(format!("{}.{extension}", project.leptos.output_name));
    if project.leptos.style_file.is_some() {
        println!("styles    {}", Size::of(&served("css"))?);
    }
    let copies = ["wasm.br", "js.br", "css.br"];
    let sent = copies
        .iter()
        .filter_map(|copy| fs::metadata(served(copy)).ok());
    let sent = sent.map(|data| data.len()).sum();
    println!("sent      {:>9} to a browser, by brotli", human(sent));
    println!("site      {}", project.site_root);
    let bytes = fs::metadata(&server)
        .with_context(|| format!("{server} is missing"))?
        .len();
    println!("server    {:>9}  {server}", human(bytes));
    Ok(ExitCode::SUCCESS)
}

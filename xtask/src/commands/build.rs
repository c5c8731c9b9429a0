//! `cargo xtask build`: what is shipped, how large it is and how fast it starts.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8PathBuf;

use crate::{
    client::{self, Client},
    executable,
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

/// Makes the release: the client, the site, and the server with the site inside.
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
    let file = fs::read(&server).with_context(|| format!("{server} is missing"))?;
    let [empty, again] = executable::start_up(&server)?.map(|time| time.as_millis());
    let size = human(file.len() as u64);
    println!("forum     {size:>9} with the site inside: {server}");
    println!("needs     {}", executable::needs(&file));
    println!(
        "starts    in {again} ms until it answers, {empty} ms where it must make its database"
    );
    Ok(ExitCode::SUCCESS)
}

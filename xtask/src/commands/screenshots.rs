//! `cargo xtask screenshots`: every page as a person sees it, in both themes, on a phone, a tablet and a desk.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result};

use crate::{client, end2end, figures, mode::Mode, project::Project, server, setup, site};

#[derive(clap::Args)]
pub struct Options {
    /// Take only pictures whose name contains this, such as `board` or `board, 200 people`
    #[arg(long)]
    filter: Option<String>,
    /// Take those of the README anew too, into docs/
    #[arg(long, conflicts_with = "filter")]
    readme: bool,
}

pub fn screenshots(project: &Project, options: &Options) -> Result<ExitCode> {
    setup::to_test(project, true)?;
    println!("[1/4] client (wasm32)");
    let client = client::build(project, Mode::Debug)?;
    println!("[2/4] site");
    site::assemble(project, &client, &client.wasm, Mode::Debug)?;
    println!("[3/4] server");
    server::build(project, Mode::Debug)?;
    let folder = project.target.join("screenshots");
    println!("[4/4] pictures: {folder}/index.html will show them all");
    let filter = options.filter.as_deref();
    if filter.is_none() && folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{folder} cannot be emptied"))?;
    }
    let mut command = end2end::script(project, "screenshots", Mode::Debug)?;
    command
        .args(end2end::filter(filter))
        .env("PICTURES", &folder);
    if options.readme {
        command.env("README_PICTURES", project.root.join("docs"));
    }
    figures::run(&mut command)
}

//! `cargo xtask test`: everything that shows that the project works.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cargo, client, end2end, mode::Mode, process, project::Project, scenario::SCENARIOS, setup,
    site, steps::Steps, tools,
};

#[derive(clap::Args)]
pub struct Options {
    /// Run only tests whose name contains this: Rust tests, documentation examples and end-to-end tests
    #[arg(long)]
    filter: Option<String>,
    /// Leave out the end-to-end tests, which need npm packages and a browser
    #[arg(long)]
    no_e2e: bool,
}

pub fn test(project: &Project, options: &Options) -> Result<ExitCode> {
    let filter = options.filter.as_deref();
    let end_to_end = !options.no_e2e;
    let mut steps = Steps::default();
    let ready = steps.run("set-up", || setup::to_test(project, end_to_end))?;
    steps.run("Rust tests", || {
        process::run(&mut cargo::test_server_half(project, filter))
    })?;
    steps.run("documentation examples", || {
        process::run(&mut cargo::test_docs(project, filter))
    })?;
    steps.run("xtask tests", || {
        process::run(&mut cargo::test_xtask(project, filter))
    })?;
    steps.run("scenarios in their short forms", || {
        short_scenarios(project, filter)
    })?;
    // The forum, and the host of the embedding guide.
    let embed = project.embed()?;
    let hosts = [project, &embed];
    let clients = steps.run("clients (wasm32) and sites", || {
        process::run(&mut cargo::build_clients(&hosts, Mode::Debug))?;
        hosts.iter().try_for_each(|host| {
            let client = client::loadable(host, Mode::Debug)?;
            site::assemble(host, &client, &client.wasm, Mode::Debug)
        })
    })?;
    if end_to_end {
        // Before the others: cargo leaves both in one place, and most tests read the site from its folder.
        let alone = steps.run("server with the site inside", || {
            process::run(&mut cargo::build_alone(&hosts, Mode::Debug))?;
            keep(&cargo::server_file(project, Mode::Debug), &alone(project))
        })?;
        let servers = steps.run("servers", || {
            process::run(&mut cargo::build_servers(&hosts, Mode::Debug))
        })?;
        steps.run("end-to-end tests", || {
            if !(ready && clients && alone && servers) {
                bail!("not run, because they need a step that failed above");
            }
            process::run(&mut end_to_end_tests(project, &embed, filter)?)
        })?;
    }
    Ok(steps.finish())
}

/// All of them that are asked for, also where one fails.
fn short_scenarios(project: &Project, filter: Option<&str>) -> Result<()> {
    let asked = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    let scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_short);
    let scenarios: Vec<_> = scenarios.filter(|scenario| asked(scenario.name)).collect();
    let mut built = BTreeSet::new();
    for scenario in &scenarios {
        if built.insert(scenario.example) {
            process::run(&mut scenario.build_short(project))?;
        }
    }
    let mut failed = Vec::new();
    for scenario in scenarios {
        println!("{}: {}", scenario.name, scenario.about);
        if process::run(&mut scenario.run_short(project)).is_err() {
            failed.push(scenario.name);
        }
    }
    ensure!(
        failed.is_empty(),
        "these do not hold: {}",
        failed.join(", ")
    );
    Ok(())
}

/// Where the server is that holds its site.
fn alone(project: &Project) -> Utf8PathBuf {
    project.target.join("alone").join(project.exe_name())
}

/// Keeps a file that cargo will replace under another name.
fn keep(file: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let folder = to.parent().context("it has a folder")?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{folder} cannot be emptied"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{folder} cannot be created"))?;
    let kept = fs::hard_link(file, to).or_else(|_| fs::copy(file, to).map(drop));
    kept.with_context(|| format!("{to} cannot be written"))
}

/// Playwright and whatever else `npm test` starts.
fn end_to_end_tests(project: &Project, embed: &Project, filter: Option<&str>) -> Result<Command> {
    let mut command = end2end::script(project, "test", Mode::Debug)?;
    command
        .args(end2end::filter(filter))
        .env("EMBED_BIN", cargo::server_file(embed, Mode::Debug))
        .env("EMBED_SITE_ROOT", &embed.site_root)
        .env("ALONE_BIN", alone(project));
    if let Some(nginx) = tools::nginx() {
        command.env("NGINX", nginx);
    }
    if let Some(filter) = filter {
        command.env("FILTER", filter);
    }
    Ok(command)
}

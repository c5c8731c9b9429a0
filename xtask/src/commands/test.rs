//! `cargo xtask test`: everything that shows that the project works.

use std::{
    collections::BTreeSet,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    cargo, client, mode::Mode, process, project::Project, scenario::SCENARIOS, server, setup, site,
    steps::Steps, tools,
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
            site::assemble(host, &client, &client.wasm)
        })
    })?;
    if end_to_end {
        let servers = steps.run("servers", || {
            process::run(&mut cargo::build_servers(&hosts, Mode::Debug))
        })?;
        steps.run("end-to-end tests", || {
            if !(ready && clients && servers) {
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

/// Playwright and whatever else `npm test` starts. It starts servers of its own; we say what to start.
fn end_to_end_tests(project: &Project, embed: &Project, filter: Option<&str>) -> Result<Command> {
    let chromium = tools::chromium().context("no Chromium was found: set CHROMIUM to its path")?;
    let npm = tools::find(&["npm"])
        .context("`npm` is not on PATH: install Node.js 20 or newer from https://nodejs.org")?;
    let mut command = Command::new(npm);
    command
        .arg("test")
        .args(npm_arguments(filter))
        .current_dir(project.end2end())
        .envs(server::environment(project))
        .env("FORUM_BIN", cargo::server_file(project, Mode::Debug))
        .env("EMBED_BIN", cargo::server_file(embed, Mode::Debug))
        .env("EMBED_SITE_ROOT", &embed.site_root)
        .env("CHROMIUM", chromium);
    if let Some(filter) = filter {
        command.env("FILTER", filter);
    }
    Ok(command)
}

/// Playwright's name for a filter; one that was meant for Rust tests only is no failure.
fn npm_arguments(filter: Option<&str>) -> Vec<&str> {
    filter.map_or_else(Vec::new, |filter| {
        vec!["--", "--pass-with-no-tests", "-g", filter]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reaches_playwright_behind_two_dashes() {
        assert!(npm_arguments(None).is_empty());
        assert_eq!(
            npm_arguments(Some("two people")),
            ["--", "--pass-with-no-tests", "-g", "two people"]
        );
    }
}

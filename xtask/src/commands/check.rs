//! `cargo xtask check`: everything that can be said of the sources without running them.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::{
    cargo::{self, cargo},
    process,
    project::Project,
    setup,
    steps::Steps,
};

pub fn check(project: &Project) -> Result<ExitCode> {
    let mut steps = Steps::default();
    steps.run("set-up", setup::to_check)?;
    steps.run("lockfile", || {
        let mut command = cargo(project, "metadata");
        process::run(
            command
                .args(["--locked", "--format-version", "1"])
                .stdout(Stdio::null()),
        )
    })?;
    steps.run("formatting", || {
        process::run(cargo(project, "fmt").args(["--all", "--check"]))?;
        // A workspace of its own.
        let manifest = project.fuzz().join("Cargo.toml");
        process::run(cargo(project, "fmt").args(["--check", "--manifest-path", manifest.as_str()]))
    })?;
    steps.run("lints, server half", || {
        process::run(&mut cargo::lint_server_half(project))
    })?;
    steps.run("lints, client half", || {
        process::run(&mut cargo::lint_client(project))
    })?;
    steps.run("features, each by itself", || {
        cargo::FEATURES.iter().try_for_each(|feature| {
            println!("  {feature}");
            process::run(&mut cargo::lint_feature(project, feature))
        })
    })?;
    // Alone, so that nothing another host enables is there: the guide's lines are all that it takes.
    let embed = project.embed()?;
    steps.run("lints, the host of the embedding guide", || {
        process::run(&mut cargo::lint_server(&embed))?;
        process::run(&mut cargo::lint_client(&embed))
    })?;
    steps.run("fuzz targets", || {
        process::run(&mut cargo::check_fuzz(project))
    })?;
    steps.run("documentation", || {
        process::run(&mut cargo::document(project))?;
        process::run(&mut cargo::document_host(&embed))
    })?;
    if cargo::has_subcommand(project, "deny") {
        let audit = ["check", "licenses", "bans", "sources"];
        steps.run("dependencies", || {
            process::run(cargo(project, "deny").args(audit))
        })?;
    } else {
        steps.skip(
            "dependencies",
            "cargo-deny is not installed (`cargo install cargo-deny`)",
        );
    }
    Ok(steps.finish())
}

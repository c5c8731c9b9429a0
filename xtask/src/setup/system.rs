//! Programs that the tests start: Redis, Postgres, what moves their clocks, a browser, and what stands before instances.
//!
//! The tests run processes of their own on free ports. The services that Debian's packages start are in their way at
//! best, so what we install is stopped and not started again at boot.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{process, tools};

/// A package and how to see that its program is there.
struct Need {
    debian: &'static str,
    brew: &'static str,
    service: Option<&'static str>,
    find: fn() -> Option<PathBuf>,
}

const REDIS: Need = Need {
    debian: "redis-server",
    brew: "redis",
    service: Some("redis-server"),
    find: || tools::find(&["redis-server"]),
};

const POSTGRES: Need = Need {
    debian: "postgresql",
    brew: "postgresql",
    service: Some("postgresql"),
    find: tools::postgres,
};

/// For the scenario `clock`, which is there on Linux only.
const FAKETIME: Need = Need {
    debian: "faketime",
    brew: "libfaketime",
    service: None,
    find: || tools::find(&["faketime"]),
};

const CHROMIUM: Need = Need {
    debian: "chromium",
    brew: "chromium",
    service: None,
    find: tools::chromium,
};

/// Its package finds out by itself that port 80 is taken, and starts nothing then.
const NGINX: Need = Need {
    debian: "nginx",
    brew: "nginx",
    service: Some("nginx"),
    find: tools::nginx,
};

/// Who may install what here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    /// Debian or Ubuntu, as root.
    AptAsRoot,
    /// Debian or Ubuntu, as somebody else.
    Apt,
    MacOs,
    Other,
}

/// Installs what is missing, or says how; `end_to_end` tests need a browser and nginx too.
pub fn ensure(end_to_end: bool) -> Result<()> {
    if end_to_end && tools::named_chromium().is_some() && tools::chromium().is_none() {
        bail!(
            "CHROMIUM does not name an executable file: correct it, or unset it to have one found"
        );
    }
    let needs = [
        Some(&REDIS),
        Some(&POSTGRES),
        cfg!(target_os = "linux").then_some(&FAKETIME),
        end_to_end.then_some(&CHROMIUM),
        end_to_end.then_some(&NGINX),
    ];
    let missing: Vec<&Need> = needs
        .into_iter()
        .flatten()
        .filter(|need| (need.find)().is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    match machine() {
        Machine::AptAsRoot => install(&missing),
        other => bail!("{}", advice(other, &missing)),
    }
}

fn machine() -> Machine {
    if tools::find(&["apt-get"]).is_some() {
        if is_root() {
            Machine::AptAsRoot
        } else {
            Machine::Apt
        }
    } else if cfg!(target_os = "macos") {
        Machine::MacOs
    } else {
        Machine::Other
    }
}

fn install(missing: &[&Need]) -> Result<()> {
    let packages = join(missing, |need| need.debian);
    println!("  installing with apt-get: {packages}");
    process::run(apt().args(["update", "-q"]))?;
    process::run(
        apt()
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(packages.split(' ')),
    )?;
    missing
        .iter()
        .filter_map(|need| need.service)
        .for_each(retire);
    let still: Vec<&Need> = missing
        .iter()
        .copied()
        .filter(|need| (need.find)().is_none())
        .collect();
    if !still.is_empty() {
        bail!(
            "apt-get did not bring the programs expected of {}: install them by hand",
            join(&still, |need| need.debian)
        );
    }
    Ok(())
}

/// `apt-get` that asks nothing.
fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "Dpkg::Use-Pty=0"]);
    command
}

/// Stops a freshly installed service, now and at boot. It may well not run, as in containers: no failure.
fn retire(service: &str) {
    if Path::new("/run/systemd/system").exists() {
        process::succeeds(Command::new("systemctl").args(["disable", "--now", service]));
    } else {
        process::succeeds(Command::new("service").args([service, "stop"]));
    }
}

/// One sentence with the one command to run.
fn advice(machine: Machine, missing: &[&Need]) -> String {
    let packages = join(missing, |need| need.debian);
    let command = match machine {
        Machine::AptAsRoot | Machine::Apt => format!("sudo apt-get install -y {packages}"),
        Machine::MacOs => format!("brew install {}", join(missing, |need| need.brew)),
        Machine::Other => "docker run --rm -it -v \"$PWD\":/forum -w /forum rust:bookworm \
            sh -c 'apt-get update && apt-get install -y nodejs npm && cargo xtask test'"
            .to_owned(),
    };
    format!("the tests need {packages}: run `{command}`")
}

fn join(needs: &[&Need], name: fn(&Need) -> &'static str) -> String {
    needs
        .iter()
        .map(|need| name(need))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_one_command_for_the_machine_at_hand() {
        let missing = [&REDIS, &CHROMIUM];
        assert_eq!(
            advice(Machine::Apt, &missing),
            "the tests need redis-server chromium: run `sudo apt-get install -y redis-server chromium`"
        );
        assert!(advice(Machine::MacOs, &missing).ends_with("run `brew install redis chromium`"));
        assert!(advice(Machine::Other, &missing).contains("docker run"));
    }
}

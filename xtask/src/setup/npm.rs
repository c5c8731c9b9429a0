//! The npm packages of the end-to-end tests.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::camino::Utf8Path;

use crate::{process, project::Project, tools};

/// A copy of the lockfile that the packages were installed from.
const STAMP: &str = "node_modules/.installed-package-lock.json";

/// Installs what `end2end/package-lock.json` names, unless exactly that is installed.
pub fn ensure(project: &Project) -> Result<()> {
    let folder = project.end2end();
    let lock = fs::read(folder.join("package-lock.json")).context(
        "end2end/package-lock.json is missing: run `npm install` in end2end once and commit it",
    )?;
    ensure!(
        tools::find(&["node"]).is_some(),
        "`node` is not on PATH: install Node.js 20 or newer from https://nodejs.org"
    );
    let Some(npm) = tools::find(&["npm"]) else {
        bail!("`npm` is not on PATH: install Node.js 20 or newer from https://nodejs.org");
    };
    if is_installed(&folder, &lock) {
        return Ok(());
    }
    println!("  installing the npm packages of end2end");
    // Tests run in the system's Chromium; Playwright need not bring its own browsers.
    let mut command = Command::new(npm);
    command
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    process::run(&mut command)?;
    fs::write(folder.join(STAMP), lock).context("end2end/node_modules cannot be written to")
}

fn is_installed(folder: &Utf8Path, lock: &[u8]) -> bool {
    fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == lock)
}

#[cfg(test)]
mod tests {
    use cargo_metadata::camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn packages_count_as_installed_only_from_this_very_lockfile() {
        let base = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a UTF-8 path");
        let folder = base.join(format!("xtask-npm-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).expect("a folder");
        assert!(!is_installed(&folder, b"one"));
        fs::write(folder.join(STAMP), b"one").expect("written");
        assert!(is_installed(&folder, b"one"));
        assert!(!is_installed(&folder, b"two"));
        fs::remove_dir_all(&folder).expect("removed");
    }
}

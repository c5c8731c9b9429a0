//! What `end2end` runs in browsers: npm scripts that start servers of their own. We say what to start.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{cargo, mode::Mode, project::Project, server, tools};

/// `npm run <script>` in `end2end`, for the forum that was built in this mode.
pub fn script(project: &Project, script: &str, mode: Mode) -> Result<Command> {
    let chromium = tools::chromium().context("no Chromium was found: set CHROMIUM to its path")?;
    let npm = tools::find(&["npm"])
        .context("`npm` is not on PATH: install Node.js 20 or newer from https://nodejs.org")?;
    let mut command = Command::new(npm);
    command
        .args(["run", "--silent", script])
        .current_dir(project.end2end())
        .envs(server::environment(project))
        .env("FORUM_BIN", cargo::server_file(project, mode))
        .env("CHROMIUM", chromium);
    Ok(command)
}

/// Playwright's name for a filter; one that was meant for other tests is no failure.
pub fn filter(filter: Option<&str>) -> Vec<&str> {
    filter.map_or_else(Vec::new, |filter| {
        vec!["--", "--pass-with-no-tests", "-g", filter]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reaches_playwright_behind_two_dashes() {
        assert!(filter(None).is_empty());
        assert_eq!(
            filter(Some("two people")),
            ["--", "--pass-with-no-tests", "-g", "two people"]
        );
    }
}

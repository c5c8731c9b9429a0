//! Finding executables, without starting anything.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The first of `names` that is an executable file on `PATH`.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| env::split_paths(&path).find_map(|folder| executable(&folder, name)))
}

/// `folder/name`, if one may execute it.
pub fn executable(folder: &Path, name: &str) -> Option<PathBuf> {
    let extensions: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd"]
    } else {
        &[""]
    };
    extensions
        .iter()
        .map(|extension| folder.join(format!("{name}{extension}")))
        .find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// The Chromium that the environment asks for.
pub fn named_chromium() -> Option<PathBuf> {
    env::var_os("CHROMIUM")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The Chromium to test with: `CHROMIUM` where set, else a browser of that family on this machine.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = named_chromium() {
        return Some(named).filter(|file| is_executable(file));
    }
    const NAMES: &[&str] = &[
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ];
    const MACOS: &[&str] = &[
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    find(NAMES).or_else(|| {
        MACOS
            .iter()
            .map(PathBuf::from)
            .find(|file| is_executable(file))
    })
}

/// The Postgres server: on `PATH`, or where Debian keeps it, which is not on `PATH`.
pub fn postgres() -> Option<PathBuf> {
    find(&["postgres"]).or_else(|| {
        let versions = Path::new("/usr/lib/postgresql").read_dir().ok()?;
        versions
            .flatten()
            .find_map(|version| executable(&version.path().join("bin"), "postgres"))
    })
}

/// nginx: on `PATH`, or where Debian keeps it, which is on root's `PATH` alone.
pub fn nginx() -> Option<PathBuf> {
    find(&["nginx"]).or_else(|| executable(Path::new("/usr/sbin"), "nginx"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_found_and_nonsense_is_not() {
        assert!(find(&["no-such-tool-here", "sh"]).is_some_and(|file| file.ends_with("sh")));
        assert_eq!(find(&["no-such-tool-here"]), None);
    }
}

//! What an executable needs of the system, and how long it takes to start.

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::{interrupt, process::Held, server::answers};

/// How long it may take until it answers.
const DEADLINE: Duration = Duration::from_secs(30);

/// What glibc consists of.
const OF_GLIBC: [&str; 5] = [
    "libc.so",
    "libm.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
];

/// What it needs, in words.
pub fn needs(bytes: &[u8]) -> String {
    if !bytes.starts_with(b"\x7fELF") {
        return "the system's own libraries".to_owned();
    }
    // What it is linked to, and the versions of that, are names, each with a zero at its end.
    let names = || {
        bytes
            .split(|byte| *byte == 0)
            .filter_map(|name| str::from_utf8(name).ok())
    };
    let versions = names().filter_map(|name| {
        let (major, minor) = name.strip_prefix("GLIBC_")?.split_once('.')?;
        let minor = minor.split('.').next()?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    let Some((major, minor)) = versions.max() else {
        return "nothing: it is static".to_owned();
    };
    let is_other = |name: &&str| {
        let is_library = name.starts_with("lib") && name.contains(".so");
        is_library && !OF_GLIBC.iter().any(|part| name.starts_with(part))
    };
    let others: BTreeSet<_> = names().filter(is_other).collect();
    let others = others.iter().map(|name| format!(", {name}"));
    let others: String = others.collect();
    format!("glibc {major}.{minor} or later{others}: it is not static")
}

/// How long it takes until it answers its first request: with a database that it must make, and with that one again.
/// It is started alone, in an empty folder.
pub fn start_up(file: &Utf8Path) -> Result<[Duration; 2]> {
    let base = Utf8PathBuf::from_path_buf(std::env::temp_dir());
    let base = base.map_err(|path| anyhow::anyhow!("{} is no UTF-8", path.display()))?;
    let folder = base.join(format!("xtask-start-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("{folder} cannot be created"))?;
    let times = time(file, &folder).and_then(|first| Ok([first, time(file, &folder)?]));
    fs::remove_dir_all(&folder).with_context(|| format!("{folder} cannot be removed"))?;
    times
}

fn time(file: &Utf8Path, folder: &Utf8Path) -> Result<Duration> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    let address = probe.local_addr().context("the free port has no number")?;
    drop(probe);
    let begin = Instant::now();
    let mut server = Held::spawn(
        Command::new(file)
            .current_dir(folder)
            .env_clear()
            .env("LEPTOS_SITE_ADDR", address.to_string())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null()),
    )?;
    while !answers(address) {
        if let Some(status) = server.try_wait()? {
            bail!("{file} ended before it answered ({status}); its output is above");
        }
        if begin.elapsed() > DEADLINE {
            bail!("{file} did not answer within {} s", DEADLINE.as_secs());
        }
        interrupt::check()?;
        sleep(Duration::from_millis(1));
    }
    Ok(begin.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_is_used_is_what_is_needed_and_other_libraries_are_named() {
        let elf = b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0libc.so.6\0";
        assert_eq!(needs(elf), "glibc 2.34 or later: it is not static");
        let more = [&elf[..], b"libgcc_s.so.1\0libgcc_s.so.1\0"].concat();
        assert_eq!(
            needs(&more),
            "glibc 2.34 or later, libgcc_s.so.1: it is not static"
        );
        assert!(needs(b"\x7fELF\0").contains("static"));
        assert!(!needs(b"MZ").contains("glibc"));
    }
}

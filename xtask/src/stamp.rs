//! Stamps: what a slow step was last made from, so that it is skipped when nothing changed.
//!
//! A fingerprint is the length and the modification time of each file: cargo leaves both alone when it had nothing to
//! do. Outputs are part of it too, so that another tool writing over them is noticed.

use std::{fmt::Write as _, fs, time::UNIX_EPOCH};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;

/// Tells whether `work` need not be done again: its stamp names the same `settings` and `files`, all unchanged.
pub fn is_fresh(stamp: &Utf8Path, settings: &str, files: &[&Utf8Path]) -> bool {
    let Ok(now) = fingerprint(settings, files) else {
        return false;
    };
    fs::read_to_string(stamp).is_ok_and(|then| then == now)
}

/// Notes that `files` now belong together.
pub fn write(stamp: &Utf8Path, settings: &str, files: &[&Utf8Path]) -> Result<()> {
    fs::write(stamp, fingerprint(settings, files)?)
        .with_context(|| format!("{stamp} cannot be written"))
}

fn fingerprint(settings: &str, files: &[&Utf8Path]) -> Result<String> {
    let mut text = format!("{settings}\n");
    for file in files {
        let data = fs::metadata(file).with_context(|| format!("{file} is missing"))?;
        let modified = data
            .modified()
            .context("this file system keeps no modification times")?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let _ = writeln!(text, "{file} {} {}", data.len(), since.as_nanos());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use cargo_metadata::camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn a_stamp_is_stale_once_a_file_or_a_setting_changed() {
        let folder = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a UTF-8 path");
        let folder = folder.join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (file, stamp) = (folder.join("file"), folder.join("stamp"));
        assert!(!is_fresh(&stamp, "a", &[&file]), "nothing is there yet");
        fs::write(&file, "one").expect("written");
        write(&stamp, "a", &[&file]).expect("written");
        assert!(is_fresh(&stamp, "a", &[&file]));
        assert!(!is_fresh(&stamp, "b", &[&file]));
        fs::write(&file, "other").expect("written");
        assert!(!is_fresh(&stamp, "a", &[&file]));
        fs::remove_dir_all(&folder).expect("removed");
    }
}

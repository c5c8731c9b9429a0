//! Sizes of what a visitor downloads.

use std::{fmt, fs, io::Write as _};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use flate2::{Compression, write::GzEncoder};

/// A file's size as it lies there and as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub raw: u64,
    pub gzip: u64,
}

impl Size {
    pub fn of(file: &Utf8Path) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("{file} cannot be read"))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes).context("compressing failed")?;
        let gzip = encoder.finish().context("compressing failed")?;
        Ok(Self {
            raw: bytes.len() as u64,
            gzip: gzip.len() as u64,
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9} raw, {:>9} gzip",
            human(self.raw),
            human(self.gzip)
        )
    }
}

/// `bytes` in decimal units with one digit after the point.
pub fn human(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_decimal_units() {
        assert_eq!(human(999), "999 B");
        assert_eq!(human(385_049), "385.0 kB");
        assert_eq!(human(24_300_000), "24.3 MB");
    }
}

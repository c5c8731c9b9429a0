//! Compressed copies: what a server sends in place of a file, to browsers that take it.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// What is worth it; images are compressed already.
const KINDS: [&str; 5] = ["css", "html", "js", "svg", "wasm"];

/// The best there is, with the largest window that every browser reads.
const QUALITY: u32 = 11;
const WINDOW: u32 = 24;

/// What the copy of a file is called, if it is to have one.
pub fn name(file: &Utf8Path) -> Option<Utf8PathBuf> {
    let kind = file.extension()?;
    KINDS.contains(&kind).then(|| format!("{file}.br").into())
}

/// The file that this would be a copy of.
pub fn of(copy: &Utf8Path) -> Option<&Utf8Path> {
    copy.as_str().strip_suffix(".br").map(Utf8Path::new)
}

/// Compresses it: seconds for a megabyte.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 1 << 16, QUALITY, WINDOW);
    encoder.write_all(bytes).context("compressing failed")?;
    Ok(encoder.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_reads_as_it_was() {
        let text = "who is here, ".repeat(1_000);
        let small = compress(text.as_bytes()).expect("compressed");
        assert!(small.len() < 100);
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut read).expect("read");
        assert_eq!(read, text.as_bytes());
    }

    #[test]
    fn a_copy_is_named_after_its_file() {
        let name = |file: &str| name(Utf8Path::new(file)).map(Utf8PathBuf::into_string);
        assert_eq!(name("pkg/forum.wasm").as_deref(), Some("pkg/forum.wasm.br"));
        assert_eq!(name("logo.png"), None);
        assert_eq!(
            of(Utf8Path::new("a/b.css.br")),
            Some(Utf8Path::new("a/b.css"))
        );
        assert_eq!(of(Utf8Path::new("a/b.css")), None);
    }
}

//! Compressed copies: what a server sends in place of a file, to browsers that take it.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use flate2::{Compression, write::GzEncoder};

/// What is worth it; images are compressed already.
const KINDS: [&str; 5] = ["css", "html", "js", "svg", "wasm"];

/// The best there is, with the largest window that every browser reads.
const QUALITY: u32 = 11;
const WINDOW: u32 = 24;

/// How a copy is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// What browsers take by HTTPS.
    Brotli,
    /// What they take by HTTP too, and everybody else.
    Gzip,
}

impl Encoding {
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// What the copy of a file is called, if it is to have one.
    pub fn name(self, file: &Utf8Path) -> Option<Utf8PathBuf> {
        let kind = file.extension()?;
        let name = || format!("{file}{}", self.extension()).into();
        KINDS.contains(&kind).then(name)
    }

    /// Compresses it: by brotli a megabyte takes seconds.
    pub fn compress(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let failed = "compressing failed";
        match self {
            Self::Brotli => {
                let mut encoder =
                    brotli::CompressorWriter::new(Vec::new(), 1 << 16, QUALITY, WINDOW);
                encoder.write_all(bytes).context(failed)?;
                Ok(encoder.into_inner())
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(bytes).context(failed)?;
                encoder.finish().context(failed)
            }
        }
    }
}

/// The file that this would be a copy of.
pub fn of(copy: &Utf8Path) -> Option<&Utf8Path> {
    let name = |encoding: Encoding| copy.as_str().strip_suffix(encoding.extension());
    Encoding::ALL.into_iter().find_map(name).map(Utf8Path::new)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_compressed_reads_as_it_was() {
        let text = "who is here, ".repeat(1_000);
        let small = Encoding::Brotli
            .compress(text.as_bytes())
            .expect("compressed");
        assert!(small.len() < 100);
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut read).expect("read");
        assert_eq!(read, text.as_bytes());
        let small = Encoding::Gzip
            .compress(text.as_bytes())
            .expect("compressed");
        let (mut reader, mut read) = (flate2::read::GzDecoder::new(&*small), String::new());
        reader.read_to_string(&mut read).expect("read");
        assert!(small.len() < 200 && read == text);
    }

    #[test]
    fn a_copy_is_named_after_its_file() {
        let names = |file: &str| Encoding::ALL.map(|encoding| encoding.name(file.into()));
        let both = ["pkg/forum.wasm.br", "pkg/forum.wasm.gz"];
        assert_eq!(names("pkg/forum.wasm"), both.map(|name| Some(name.into())));
        assert_eq!(names("logo.png"), [None, None]);
        for copy in ["a/b.css.br", "a/b.css.gz"] {
            assert_eq!(of(copy.into()), Some("a/b.css".into()));
        }
        assert_eq!(of("a/b.css".into()), None);
    }
}

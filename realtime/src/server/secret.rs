//! What nobody is to read in a log.

use std::fmt;

/// Something secret: it is shown to nobody, and compared in a time that does not tell where two differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The fewest characters of one that cannot be guessed.
    const LEAST: usize = 16;

    /// None where it could be guessed, or cannot stand in a header: at least 16 characters, all of them visible.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        let fits =
            secret.len() >= Self::LEAST && secret.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(secret.to_owned()))
    }

    /// Whether this is it.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        is_same(self.0.as_bytes(), given)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether both are the same, in a time that does not tell where they differ.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let different = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && different == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_enough_and_shown_to_nobody() {
        let secret = Secret::new("0123456789abcdef").unwrap();
        assert_eq!(format!("{secret:?}"), "***");
        assert!(secret.is(b"0123456789abcdef"));
        for other in [
            "",
            "0123456789abcdeg",
            "0123456789abcde",
            "0123456789abcdef0",
        ] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        for bad in [
            "",
            "0123456789abcde",
            "0123456789 abcdef",
            "0123456789abcdé",
        ] {
            assert_eq!(Secret::new(bad), None, "{bad}");
        }
    }
}

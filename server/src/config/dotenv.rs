//! The file that holds variables in development.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use super::ConfigError;

/// What it is called.
pub const NAME: &str = ".env";

/// What the file says; nothing where there is none. Of a variable that is there twice the first is taken.
pub fn read(file: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    match fs::read_to_string(file) {
        Ok(text) => parse(file, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(ConfigError::File {
            file: file.to_owned(),
            error,
        }),
    }
}

fn parse(file: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut found = BTreeMap::new();
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        // The error shows the line, and what stands there may be secret.
        let Ok((name, value)) = entry else {
            return Err(ConfigError::Line {
                file: file.to_owned(),
                line: good_lines(text) + 1,
            });
        };
        found.entry(name).or_insert(value);
    }
    Ok(found)
}

/// How many lines from the first on can be read: the reader does not say where it stopped.
fn good_lines(text: &str) -> usize {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let ends: Vec<_> = std::iter::once(0).chain(ends).collect();
    let is_good =
        |end: usize| dotenvy::from_read_iter(&text.as_bytes()[..end]).all(|entry| entry.is_ok());
    ends.iter().rposition(|end| is_good(*end)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<BTreeMap<String, String>, String> {
        parse(Path::new(NAME), text).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_values_are_read() {
        let text =
            "\u{feff}# our own\nA=1\n\nexport B='two words'\nC=\"3 # no comment\" # one\nA=2\n";
        let found = of(text).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            found,
            [("A", "1"), ("B", "two words"), ("C", "3 # no comment")]
        );
        assert!(read(Path::new("/nowhere/.env")).unwrap().is_empty());
        assert!(read(Path::new("/")).is_err());
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number_and_not_shown() {
        for (text, line) in [
            ("A=1\nhunter2\nB=2", 2),
            ("A=1\n\n  B=hunter2 and more\n", 3),
            ("# one\n# two\nA='hunter2\nB=2\n", 3),
            ("A=\"hunter2\\q\"", 1),
        ] {
            let error = of(text).unwrap_err();
            assert!(
                error.starts_with(&format!("line {line} of .env ")),
                "{text:?}: {error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

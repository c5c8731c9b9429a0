//! Who is mentioned in a text: `@Ada`, `@Ada Lovelace`.

/// The most mentions of one text that count.
const MAX_MENTIONS: usize = 20;

/// The most words of a name.
const MAX_WORDS: usize = 4;

/// For each mention the names that may be meant, the longest first: a name may have spaces, and what follows it too.
pub(super) fn mentions(text: &str) -> Vec<Vec<String>> {
    let starts = text.match_indices('@').filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric())
    });
    starts
        .take(MAX_MENTIONS)
        .map(|(at, _)| names(&text[at + 1..]))
        .filter(|names| !names.is_empty())
        .collect()
}

fn names(rest: &str) -> Vec<String> {
    let line = rest.lines().next().unwrap_or_default();
    if line.starts_with(char::is_whitespace) {
        return Vec::new();
    }
    let words: Vec<&str> = line.split_whitespace().take(MAX_WORDS).collect();
    let mut names = Vec::new();
    for count in (1..=words.len()).rev() {
        let name = words[..count].join(" ");
        let trimmed = name.trim_end_matches(|c: char| !c.is_alphanumeric());
        for name in [name.as_str(), trimmed] {
            if !name.is_empty() && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_one_name_of_those_that_it_may_be() {
        let text = "Thanks, @Ada Lovelace!\nmail@example.org, (@bob) and @ nobody";
        let found = mentions(text);
        let shown: Vec<_> = found.iter().map(|names| names.join("|")).collect();
        assert_eq!(
            shown,
            [
                "Ada Lovelace!|Ada Lovelace|Ada",
                "bob) and @ nobody|bob) and @|bob) and|bob)|bob"
            ]
        );
        assert!(mentions("nobody at all").is_empty());
        assert_eq!(mentions(&"@a ".repeat(50)).len(), MAX_MENTIONS);
    }
}

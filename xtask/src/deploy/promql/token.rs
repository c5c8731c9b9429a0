//! The words of an expression.

/// One of them. What numbers, texts and times say is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Number,
    Text,
    Duration,
    Sign(String),
}

/// Of two characters before those of one.
const SIGNS: [&str; 21] = [
    "==", "!=", "<=", ">=", "=~", "!~", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", "{",
    "}", "[", "]",
];

/// Takes an expression apart.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' => (Token::Text, text(rest, first)?),
            '0'..='9' | '.' => number(rest)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = length(rest, |letter| {
                    letter.is_ascii_alphanumeric() || "_:".contains(letter)
                });
                (Token::Word(rest[..length].to_owned()), length)
            }
            ',' | ':' => (Token::Sign(first.to_string()), 1),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("{first} has no meaning"))?;
                (Token::Sign((*sign).to_owned()), sign.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn length(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())
}

/// The length of a text with its quotes.
fn text(rest: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if letter == quote && !escaped {
            return Ok(at + 1);
        }
        escaped = letter == '\\' && !escaped;
    }
    Err("a text does not end".to_owned())
}

/// A number, or a time such as `1h30m`.
fn number(rest: &str) -> Result<(Token, usize), String> {
    let length = length(rest, |letter| {
        letter.is_ascii_alphanumeric() || letter == '.'
    });
    let word = &rest[..length];
    // A sign belongs to a number as its exponent's alone.
    let exponent = word.ends_with(['e', 'E']) && rest[length..].starts_with(['+', '-']);
    if exponent {
        let digits = self::length(&rest[length + 1..], |letter| letter.is_ascii_digit());
        return match digits {
            0 => Err(format!("{word} is no number")),
            digits => Ok((Token::Number, length + 1 + digits)),
        };
    }
    if word.parse::<f64>().is_ok() {
        return Ok((Token::Number, length));
    }
    match is_duration(word) {
        true => Ok((Token::Duration, length)),
        false => Err(format!("{word} is neither a number nor a time")),
    }
}

/// Whether this is a time as Prometheus writes it, such as `90s` or `1h30m`.
pub(in crate::deploy) fn is_duration(word: &str) -> bool {
    let mut rest = word;
    for unit in ["y", "w", "d", "h", "m", "s", "ms"] {
        let digits = length(rest, |letter| letter.is_ascii_digit());
        let after = rest[digits..].strip_prefix(unit);
        // The `m` of `ms` is not one of minutes.
        let whole = after.filter(|after| digits > 0 && !(unit == "m" && after.starts_with('s')));
        rest = whole.unwrap_or(rest);
    }
    !word.is_empty() && rest.is_empty()
}

#[test]
fn times_are_told_from_numbers() {
    for time in ["5m", "90s", "1h30m", "10ms", "1d", "1m500ms"] {
        assert!(is_duration(time), "{time}");
    }
    for other in ["", "5", "m", "5x", "30m1h", "5m5"] {
        assert!(!is_duration(other), "{other}");
    }
}

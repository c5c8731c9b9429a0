//! What people may be called, and what they are found by.

use crate::api::ApiError;

/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 40;
/// The shortest.
const MIN_NAME: usize = 2;
/// The shortest password, in characters: length is what makes one hard to guess.
pub const MIN_PASSWORD: usize = 8;
/// The longest.
pub const MAX_PASSWORD: usize = 200;

/// A name as others can tell it from another: without invisible characters, and with single spaces.
pub(crate) fn plain(name: &str) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let visible: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !invisible(*c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What names are compared by: `Ada` and `ada` are one person.
pub(super) fn key(name: &str) -> String {
    plain(name).to_lowercase()
}

/// A name that somebody new chose, or what is wrong with it.
pub(crate) fn new_name(name: &str) -> Result<String, ApiError> {
    let name = plain(name);
    let wrong = |sentence: String| Err(ApiError::Invalid(sentence));
    match name.chars().count() {
        0 => return wrong("A name is needed.".to_owned()),
        count if count < MIN_NAME => {
            return wrong(format!("A name has at least {MIN_NAME} characters."));
        }
        count if count > MAX_NAME => {
            return wrong(format!(
                "A name has at most {MAX_NAME} characters; this one has {count}."
            ));
        }
        _ => {}
    }
    // Whoever is mentioned is found by what follows an `@`, up to where a name can end.
    let odd = name
        .chars()
        .find(|c| !c.is_alphanumeric() && !" .-_'’־".contains(*c) && !is_mark(*c));
    match odd {
        Some(odd) => wrong(format!(
            "A name has letters, digits, spaces and . - _ ' only: not “{odd}”."
        )),
        None if !name.chars().any(char::is_alphanumeric) => {
            wrong("A name needs a letter or a digit.".to_owned())
        }
        None => Ok(name),
    }
}

/// Accents and vowel signs that stand on the letter before.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}')
}

/// A password that somebody new chose, or what is wrong with it.
pub(crate) fn new_password(password: &str, name: &str) -> Result<(), ApiError> {
    let wrong = |sentence: String| Err(ApiError::Invalid(sentence));
    match password.chars().count() {
        count if count < MIN_PASSWORD => wrong(format!(
            "A password has at least {MIN_PASSWORD} characters: a few words make a good one."
        )),
        count if count > MAX_PASSWORD => {
            wrong(format!("A password has at most {MAX_PASSWORD} characters."))
        }
        _ if key(password) == key(name) => {
            wrong("The password is your name: please choose another.".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_alike() {
        assert_eq!(
            plain(" ADA \u{3000}  lovelace\u{200b}\u{202e} "),
            "ADA lovelace"
        );
        assert_eq!(plain("\u{200b}\u{200b}"), "");
        assert_eq!(plain("مريم حداد"), "مريم حداد");
        assert_eq!(key(" Ada\u{200b} LOVELACE"), "ada lovelace");
        assert_eq!(key("Éva"), key("éva"));
    }

    #[test]
    fn a_name_that_cannot_be_taken_is_told_why() {
        for good in ["Ada", "Tomás Rey", "مريم حداد", "O'Brien", "r2-d2", "李 明"] {
            assert_eq!(new_name(good).as_deref(), Ok(good));
        }
        for (bad, why) in [
            ("  ", "is needed"),
            ("A", "at least 2"),
            (&"x".repeat(41), "this one has 41"),
            ("@ada", "not “@”"),
            ("<b>Ada</b>", "not “<”"),
            ("--", "a letter or a digit"),
        ] {
            let error = new_name(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_password_is_long_enough_and_not_the_name() {
        assert!(new_password("lanterns in rain", "Ada").is_ok());
        assert!(new_password("short", "Ada").is_err());
        assert!(new_password(&"x".repeat(201), "Ada").is_err());
        assert!(new_password("ada LOVELACE", "Ada Lovelace").is_err());
    }
}

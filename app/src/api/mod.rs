//! The forum's server functions. What a person does with a form works without JavaScript too.

mod account;
mod manage;
mod membership;
mod operators;
mod pages;
mod talk;

pub use account::*;
pub use manage::*;
pub use membership::*;
pub use operators::*;
pub use pages::*;
pub use talk::*;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The longest title of a post, in characters.
pub const MAX_TITLE: usize = 120;
/// The longest text of a post, in characters.
pub const MAX_BODY: usize = 4_000;
/// The longest comment, in characters.
pub const MAX_COMMENT: usize = 2_000;
/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 40;
/// The shortest password of a person, in characters.
pub const MIN_PASSWORD: usize = 8;

/// Why a page or an action failed, in words for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApiError {
    /// There is no such page.
    #[error("There is nothing at this address.")]
    NotFound,
    /// Only for people who are signed in.
    #[error("Please sign in first.")]
    SignIn,
    /// What was entered cannot be taken.
    #[error("{0}")]
    Invalid(String),
    /// It is not theirs to see or to do.
    #[error("{0}")]
    Denied(String),
    /// Too often: with the seconds to wait.
    #[error("That was tried too often. Please wait {} and try again.", wait(*.0))]
    TooMany(u64),
    /// A fault of the forum, or of the way to it.
    #[error("That did not work. Please try again in a moment.")]
    Internal(String),
}

impl FromServerFnError for ApiError {
    type Encoder = leptos::server_fn::codec::JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::Internal(error.to_string())
    }
}

/// A time to wait, for people.
fn wait(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// What was entered, without space around it, if there is something and not too much.
#[cfg(feature = "ssr")]
fn checked(what: &str, text: &str, max: usize) -> Result<String, ApiError> {
    // A form sent without JavaScript ends its lines with two characters, of which the browser counted one. And Postgres
    // keeps no zero byte.
    let text = text.replace("\r\n", "\n").replace('\0', "");
    let text = text.trim();
    match text.chars().count() {
        0 => Err(ApiError::Invalid(format!("{what} is needed."))),
        count if count > max => Err(ApiError::Invalid(format!(
            "{what} has at most {max} characters; this one has {count}."
        ))),
        _ => Ok(text.to_owned()),
    }
}

/// A path on this site, whatever was asked for: nobody is sent elsewhere by a link.
#[cfg(feature = "ssr")]
fn local_path(next: Option<&str>) -> String {
    let local = next.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && !path.chars().any(char::is_control)
    });
    local.unwrap_or("/").to_owned()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_is_trimmed_and_bounded() {
        assert_eq!(checked("A title", "  hello ", 5).as_deref(), Ok("hello"));
        assert_eq!(
            checked("A title", "  ", 5),
            Err(ApiError::Invalid("A title is needed.".into()))
        );
        assert!(checked("A title", "123456", 5).is_err());
        assert!(
            checked("A title", "ééééé", 5).is_ok(),
            "characters, not bytes"
        );
        assert_eq!(checked("A text", "a\r\nb\0", 3).as_deref(), Ok("a\nb"));
    }

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(local_path(Some("/c/harbour")), "/c/harbour");
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
            "",
        ] {
            assert_eq!(local_path(Some(path)), "/");
        }
        assert_eq!(local_path(None), "/");
    }

    #[test]
    fn whoever_is_to_wait_is_told_how_long() {
        let error = ApiError::TooMany(30).to_string();
        assert!(error.contains("wait 30 seconds"), "{error}");
        assert!(ApiError::TooMany(100).to_string().contains("2 minutes"));
        assert_eq!(MAX_NAME, crate::backend::names::MAX_NAME);
        assert_eq!(MIN_PASSWORD, crate::backend::names::MIN_PASSWORD);
    }
}

//! The forum's server functions. What a person does with a form works without JavaScript too.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use crate::model::{BoardPage, CommunityPage, CommunitySummary, Person, Post};

/// The longest title of a post, in characters.
pub const MAX_TITLE: usize = 120;
/// The longest text of a post, in characters.
pub const MAX_BODY: usize = 4_000;
/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 40;

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
    /// The page may not be seen.
    #[error("{0}")]
    Denied(String),
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

/// Who is signed in.
#[server(prefix = "/api", endpoint = "person", input = GetUrl)]
pub async fn current_person() -> Result<Option<Person>, ApiError> {
    crate::backend::Request::answer(async |request| request.person().await).await
}

/// All communities.
#[server(prefix = "/api", endpoint = "communities", input = GetUrl)]
pub async fn communities() -> Result<Vec<CommunitySummary>, ApiError> {
    crate::backend::Request::answer(async |request| request.forum().communities().await).await
}

/// A community's page.
#[server(prefix = "/api", endpoint = "community", input = GetUrl)]
pub async fn load_community(slug: String) -> Result<CommunityPage, ApiError> {
    crate::backend::Request::answer(async |request| {
        let community = request.forum().community(&slug).await?;
        let view = leptos_realtime::first_view(crate::Community(community.id)).await?;
        let boards = request.forum().boards(community.id).await?;
        let partners = request.forum().partner_posts(community.id).await?;
        Ok(CommunityPage {
            view,
            community,
            boards,
            partners,
        })
    })
    .await
}

/// A board's page.
#[server(prefix = "/api", endpoint = "board", input = GetUrl)]
pub async fn load_board(community: String, board: String) -> Result<BoardPage, ApiError> {
    crate::backend::Request::answer(async |request| {
        let community = request.forum().community(&community).await?;
        let board = request.forum().board(community.id, &board).await?;
        // The position first, then the data: what is posted from here on reaches the page as an event.
        let view = leptos_realtime::first_view(crate::Board(board.id)).await?;
        let posts = request.forum().posts(board.id).await?;
        let boards = request.forum().boards(community.id).await?;
        Ok(BoardPage {
            view,
            community,
            boards,
            board,
            posts,
        })
    })
    .await
}

/// Posts at a board; everyone there sees it at once.
#[server(prefix = "/api", endpoint = "create_post")]
pub async fn create_post(board: i64, title: String, body: String) -> Result<Post, ApiError> {
    crate::backend::Request::answer(async |request| {
        let person = request.person().await?.ok_or(ApiError::SignIn)?;
        let title = checked("A title", &title, MAX_TITLE)?;
        // A form sent without JavaScript ends its lines with two characters, of which the browser counted one.
        let body = body.replace("\r\n", "\n");
        let body = checked("A text", &body, MAX_BODY)?;
        let realtime = leptos_realtime::expect_realtime();
        let forum = request.forum();
        forum
            .create_post(&realtime, board, &person, title, body)
            .await
    })
    .await
}

/// Signs in by name alone: for development, until there are accounts.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(name: String, next: Option<String>) -> Result<Person, ApiError> {
    crate::backend::Request::answer(async |request| {
        let name = plain(&name);
        let name = checked("A name", &name, MAX_NAME)?;
        let person = request.forum().person_by_name(name).await?;
        request.set_session(Some(&person))?;
        leptos_axum::redirect(&local_path(next.as_deref()));
        Ok(person)
    })
    .await
}

/// Signs out.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    crate::backend::Request::answer(async |request| request.set_session(None)).await
}

/// What was entered, without space around it, if there is something and not too much.
#[cfg(feature = "ssr")]
fn checked<'a>(what: &str, text: &'a str, max: usize) -> Result<&'a str, ApiError> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(ApiError::Invalid(format!("{what} is needed."))),
        count if count > max => Err(ApiError::Invalid(format!(
            "{what} has at most {max} characters; this one has {count}."
        ))),
        _ => Ok(text),
    }
}

/// A name as others can tell it from another: without invisible characters, and with single spaces.
#[cfg(feature = "ssr")]
fn plain(name: &str) -> String {
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
        assert_eq!(checked("A title", "  hello ", 5), Ok("hello"));
        assert_eq!(
            checked("A title", "  ", 5),
            Err(ApiError::Invalid("A title is needed.".into()))
        );
        assert!(checked("A title", "123456", 5).is_err());
        assert!(
            checked("A title", "ééééé", 5).is_ok(),
            "characters, not bytes"
        );
    }

    #[test]
    fn names_that_look_alike_are_alike() {
        assert_eq!(
            plain(" ADA \u{3000}  lovelace\u{200b}\u{202e} "),
            "ADA lovelace"
        );
        assert_eq!(plain("\u{200b}\u{200b}"), "");
        assert_eq!(plain("مريم حداد"), "مريم حداد");
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
}

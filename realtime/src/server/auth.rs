//! Who connects, and what they may see: the host's callbacks and their types.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::{header::COOKIE, request::Parts};

use crate::protocol::{
    BuildId, ErrorCode, ProtocolError, RoomId, UnixMillis, User, reserved::is_open,
};

/// What a connecting client presents.
#[derive(Clone, Debug)]
pub struct Handshake {
    parts: Arc<Parts>,
    token: Option<String>,
    build: Option<BuildId>,
}

impl Handshake {
    pub(crate) fn new(parts: Arc<Parts>, token: Option<String>) -> Self {
        Self {
            parts,
            token,
            build: None,
        }
    }

    pub(crate) fn of_build(mut self, build: Option<BuildId>) -> Self {
        self.build = build;
        self
    }

    /// The request that opened the socket, or that asks for a page: its headers hold the cookies.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The cookie of this name, as far as it is text: the first with a value, without quotes around it.
    ///
    /// ```
    /// use leptos_realtime::{AuthError, Handshake, User};
    ///
    /// # async fn person_of(_session: &str) -> Result<Option<User>, std::io::Error> { Ok(None) }
    /// async fn authenticate(visitor: Handshake) -> Result<Option<User>, AuthError> {
    ///     match visitor.cookie("__Host-session") {
    ///         Some(session) => person_of(session).await.map_err(AuthError::unavailable),
    ///         None => Ok(None),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(&self.parts, name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The token of the Socket.IO `auth` payload.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What a connecting page was made from, as it says itself: see
    /// [`RealtimeConfig::build`](super::RealtimeConfig::build). Nothing to rely on.
    #[must_use]
    pub fn build(&self) -> Option<&BuildId> {
        self.build.as_ref()
    }
}

/// The first cookie of this name with a value. As bytes: a neighbour's odd cookie must not hide this one.
pub(super) fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a [u8]> {
    parts
        .headers
        .get_all(COOKIE)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            let (found, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
            (found == name.as_bytes()).then_some(value)
        })
        .map(|value| {
            let unquoted = value
                .strip_prefix(b"\"")
                .and_then(|v| v.strip_suffix(b"\""));
            unquoted.unwrap_or(value)
        })
        .find(|value| !value.is_empty())
}

/// Who signed in, and for how long that is good. A bare [`User`] is one that does not expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who.
    pub user: User,
    /// When the cookie or token was issued. Without it [`Realtime::revoke`](super::Realtime::revoke) ends the person's
    /// sessions, but cannot refuse what was issued before.
    pub issued: Option<UnixMillis>,
    /// When it expires.
    pub expires: Option<UnixMillis>,
}

impl From<User> for SignIn {
    fn from(user: User) -> Self {
        Self {
            user,
            issued: None,
            expires: None,
        }
    }
}

/// Why nobody could be signed in, or nothing authorised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The cookie or token is not valid; the client is told the sentence and asks the person to sign in.
    #[error("{0}")]
    Rejected(String),
    /// The host could not find out. The client is told to try again, the log has the cause.
    #[error("sign-in and rights cannot be checked right now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthError {
    /// A cookie or token that is not valid, in a sentence for the person.
    pub fn rejected(sentence: impl Into<String>) -> Self {
        Self::Rejected(sentence.into())
    }

    /// A cause that has nothing to do with the person, such as a database that is away.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}

impl From<&AuthError> for ProtocolError {
    fn from(error: &AuthError) -> Self {
        let code = match error {
            AuthError::Rejected(_) => ErrorCode::Unauthorized,
            AuthError::Unavailable(cause) => {
                tracing::error!(%cause, "the host's sign-in or rights check failed");
                ErrorCode::Unavailable
            }
        };
        Self::new(code, error.to_string())
    }
}

/// What is asked for in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// To see what happens in it and to be seen there.
    View,
    /// To send signals, such as typing.
    Signal,
}

/// The page's viewer may not see a room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub ProtocolError);

pub(crate) type Authenticate =
    dyn Fn(Handshake) -> BoxFuture<'static, Result<Option<SignIn>, AuthError>> + Send + Sync;
pub(crate) type Authorize = dyn Fn(Option<User>, Vec<RoomId>, Access) -> BoxFuture<'static, Result<Vec<RoomId>, AuthError>>
    + Send
    + Sync;
pub(crate) type Whereabouts =
    dyn Fn(Option<User>, RoomId) -> BoxFuture<'static, Vec<RoomId>> + Send + Sync;
pub(crate) type Invalidated = dyn Fn(Option<&str>) + Send + Sync;
pub(crate) type AutoJoin = dyn Fn(Option<User>) -> BoxFuture<'static, Vec<RoomId>> + Send + Sync;

/// The host's callbacks, as [`super::RealtimeBuilder`] takes them.
#[derive(Clone)]
pub(crate) struct Callbacks {
    pub(crate) authenticate: Arc<Authenticate>,
    pub(crate) authorize: Arc<Authorize>,
    pub(crate) auto_join: Arc<AutoJoin>,
    pub(crate) whereabouts: Arc<Whereabouts>,
    pub(crate) invalidated: Arc<Invalidated>,
}

impl Callbacks {
    /// Whether one room is allowed, as an error where it is not.
    pub(crate) async fn require(
        &self,
        who: Option<User>,
        room: &RoomId,
        access: Access,
    ) -> Result<(), ProtocolError> {
        match is_open(room, who.as_ref().map(|user| &user.id)) {
            Some(true) => return Ok(()),
            Some(false) => return Err(forbidden(room)),
            None => {}
        }
        let allowed = (self.authorize)(who, vec![room.clone()], access)
            .await
            .map_err(|e| ProtocolError::from(&e))?;
        if allowed.contains(room) {
            Ok(())
        } else {
            Err(forbidden(room))
        }
    }
}

/// The answer for a room that may not be seen. It does not tell whether the room exists.
pub(crate) fn forbidden(room: &RoomId) -> ProtocolError {
    ProtocolError::new(ErrorCode::Forbidden, format!("{room} is not open to you"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_wherever_it_stands() {
        let with = |lines: &[&'static [u8]]| {
            let mut request = http::Request::new(());
            for line in lines {
                let line = http::HeaderValue::from_bytes(line).unwrap();
                request.headers_mut().append(COOKIE, line);
            }
            Handshake::new(Arc::new(request.into_parts().0), None)
        };
        let visitor = with(&[
            b"nickname=no; odd=\xff; name=",
            b"theme=dark;name=\"Ada L\" ",
        ]);
        assert_eq!(visitor.cookie("name"), Some("Ada L"));
        assert_eq!(visitor.cookie("odd"), None, "that is no text");
        assert_eq!(visitor.cookie("Name"), None);
        assert_eq!(with(&[]).cookie("name"), None);
    }
}

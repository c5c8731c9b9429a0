//! What a client is told when something was refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a command or a connection was refused. On the wire in `snake_case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// No valid sign-in, where one is needed. Sign in, then connect again.
    Unauthorized,
    /// Signed in, but not allowed.
    Forbidden,
    /// The page's origin may not connect with cookies.
    OriginDenied,
    /// The request or frame cannot be read, or has the wrong types.
    BadRequest,
    /// A command that this server does not know.
    UnknownCommand,
    /// Not a room's name: `kind:id` or `kind:id:part`, see [`super::RoomId`].
    InvalidRoom,
    /// The command needs a room that this connection has not joined.
    NotJoined,
    /// A message over the size limit.
    TooLarge,
    /// Too many of something at once; the sentence says of what.
    LimitExceeded,
    /// The client's protocol version is not served: reload the page.
    UnsupportedProtocol,
    /// A newer connection of the same session took over.
    Replaced,
    /// The client ended its session.
    Ended,
    /// The host ended the person's sessions.
    Kicked,
    /// The host closed the room.
    RoomClosed,
    /// The server is going away: connect again.
    GoingAway,
    /// Something the server needs is away; try again later.
    Unavailable,
    /// A fault of the server. Its log knows more.
    #[serde(other)]
    Internal,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::OriginDenied => "origin_denied",
            Self::BadRequest => "bad_request",
            Self::UnknownCommand => "unknown_command",
            Self::InvalidRoom => "invalid_room",
            Self::NotJoined => "not_joined",
            Self::TooLarge => "too_large",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnsupportedProtocol => "unsupported_protocol",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
            Self::Kicked => "kicked",
            Self::RoomClosed => "room_closed",
            Self::GoingAway => "going_away",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// An error as a client receives it: a code to act on and a sentence to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct ProtocolError {
    /// What to act on.
    pub code: ErrorCode,
    /// What to read: what was wrong, and where it helps, what to do.
    pub message: String,
    /// How long to wait before trying again, in milliseconds, where waiting helps and the server knows how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

impl ProtocolError {
    /// An error by code and sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
        }
    }

    /// The same error, with how long to wait before trying again: in whole milliseconds, rounded up.
    ///
    /// ```
    /// use std::time::Duration;
    /// use leptos_realtime::{ErrorCode, ProtocolError};
    ///
    /// let error = ProtocolError::new(ErrorCode::LimitExceeded, "too many commands: slow down");
    /// assert_eq!(error.with_retry_after(Duration::from_micros(1_500)).retry_after_ms, Some(2));
    /// ```
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        let millis = after.as_nanos().div_ceil(1_000_000);
        self.retry_after_ms = Some(u32::try_from(millis).unwrap_or(u32::MAX));
        self
    }

    /// Reads the `code: sentence` form, the only one that fits a Socket.IO `CONNECT_ERROR`. It has no time to wait.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (code, message) = text.split_once(": ").unwrap_or(("internal", text));
        let code =
            serde_json::from_value(serde_json::Value::from(code)).unwrap_or(ErrorCode::Internal);
        Self::new(code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_its_text_form() {
        let error = ProtocolError::new(
            ErrorCode::Unauthorized,
            "the token has expired: sign in again",
        );
        assert_eq!(
            error.to_string(),
            "unauthorized: the token has expired: sign in again"
        );
        assert_eq!(ProtocolError::parse(&error.to_string()), error);
        assert_eq!(
            ProtocolError::parse("Invalid namespace").code,
            ErrorCode::Internal
        );
    }

    #[test]
    fn an_error_names_the_time_to_wait_only_where_there_is_one() {
        let error = ProtocolError::new(ErrorCode::LimitExceeded, "too many");
        let json = r#"{"code":"limit_exceeded","message":"too many"}"#;
        assert_eq!(serde_json::to_string(&error).unwrap(), json);
        assert_eq!(serde_json::from_str::<ProtocolError>(json).unwrap(), error);
        let error = error.with_retry_after(Duration::from_secs(1 << 40));
        assert_eq!(error.retry_after_ms, Some(u32::MAX));
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<ProtocolError>(&json).unwrap(), error);
        assert_eq!(error.to_string(), "limit_exceeded: too many");
    }

    #[test]
    fn the_text_of_each_code_is_its_wire_form() {
        for code in [
            ErrorCode::Unauthorized,
            ErrorCode::OriginDenied,
            ErrorCode::LimitExceeded,
            ErrorCode::Internal,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

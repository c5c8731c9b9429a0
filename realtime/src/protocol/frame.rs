//! What the server says: one Socket.IO event each, named as on the wire.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    BuildId, Member, Position, ProtocolError, RoomId, SessionId, UnixMillis, User, UserId,
    WireEvent, ids::build_if_any,
};

/// `welcome`: the first frame of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The server's protocol version.
    pub protocol: u32,
    /// The session, as the client named it or as the server made it up.
    pub session: SessionId,
    /// Who is signed in; nobody for a guest.
    pub user: Option<User>,
    /// How often a person who goes on typing should repeat it, in milliseconds.
    pub typing_repeat_ms: u32,
    /// How often the client should send a heartbeat, in milliseconds; 0 where the server knows none.
    #[serde(default)]
    pub heartbeat_ms: u32,
    /// After how many milliseconds without use the person counts as away.
    #[serde(default = "default_away_ms")]
    pub idle_ms: u32,
    /// After how many milliseconds in a hidden page the person counts as away.
    #[serde(default = "default_away_ms")]
    pub hidden_ms: u32,
    /// In how many milliseconds the sign-in expires, where it does: refresh it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// Whether the person hides from everybody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invisible: bool,
    /// Whether the server's link to the other instances is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// What the server was made from, where its host says so: a page of another build is served, and may say that there
    /// is a newer one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "build_if_any"
    )]
    pub build: Option<BuildId>,
}

fn default_away_ms() -> u32 {
    300_000
}

/// How a join relates to the position that the client named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No position was named: the view begins here.
    Fresh,
    /// Every event after the named position is in `events`; none, where nothing happened.
    Replay,
    /// The named position can no longer be served: load the page's data again. (Also what an unknown outcome means.)
    #[serde(other)]
    Reset,
}

/// `joined`: a room's first view, or its resumed one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// The room.
    pub room: RoomId,
    /// How it relates to the position the client named.
    pub outcome: Outcome,
    /// The place up to which this view is complete.
    pub position: Position,
    /// The number of the last frame that this view contains; the next [`RoomFrame`] carries one more.
    pub frame: u64,
    /// The events after the named position, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<WireEvent>,
    /// Everyone here; in a large room the first of them.
    pub members: Vec<Member>,
    /// How many people are here, where that is more than `members` tells: in a large room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many sessions without a user are here.
    pub guests: u32,
    /// People whom only this client is shown: see [`Own`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<Member>,
    /// Who is typing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typing: Vec<User>,
    /// In an [`online`](super::Online) room: when the person was last seen, where they are not here now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<UnixMillis>,
}

/// `room`: everything that happened in a room since its last frame. What did not change is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomFrame {
    /// The room.
    pub room: RoomId,
    /// One more than the frame before; a gap means that one was lost: join again.
    pub frame: u64,
    /// New events, in order, the first one following the last position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<WireEvent>,
    /// People who came, or whose view changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// People who went; in a large room also those who are not among the first any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<UserId>,
    /// In a large room the number of people, when it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The number of guests, when it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<u32>,
    /// In an [`online`](super::Online) room: when the person was last seen, when they went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<UnixMillis>,
}

/// `provisional`: an event that has no number yet, because the server's link to the other instances is broken. It comes
/// again, with its number and the same id, when it is mended: once shown it is known by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provisional {
    /// The room.
    pub room: RoomId,
    /// The event; its `seq` is 0.
    pub event: WireEvent,
}

/// `degraded`: whether the server's link to the other instances is broken, when that changes. Meanwhile people and
/// events of other instances are not heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degraded {
    /// Whether it is.
    pub degraded: bool,
}

/// `own`: the people whom only this client is shown, in place of those before: its own person where others do not see
/// them, and in a large room itself and those it watches, as far as they are not among `members`. Not numbered: it
/// follows the frame to which it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// The room.
    pub room: RoomId,
    /// These people.
    pub members: Vec<Member>,
}

/// `typing`: everyone who is typing in a room, when that changed. Not numbered, and the first thing to be left out for
/// a client that reads slowly; it is told again when that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingNow {
    /// The room.
    pub room: RoomId,
    /// Who types.
    pub users: Vec<User>,
}

/// `status`: whether the person hides from everybody else, to all their connections when that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNow {
    /// Whether they hide.
    pub invisible: bool,
}

/// `refreshed`: the connection goes on with a newer sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// In how many milliseconds it expires, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// `signal`: somebody signals, or the host does. Not numbered and not kept: who cannot take it misses it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Signalled {
    /// The room.
    pub room: RoomId,
    /// Who; nobody, where the host signals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The host's signal.
    pub data: Box<RawValue>,
}

/// `refused`: a room was not joined, or may no longer be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The room.
    pub room: RoomId,
    /// Why.
    pub error: ProtocolError,
}

/// What a client does after the server closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseAction {
    /// Stay away: a newer connection took over, or the host ended it.
    Stop,
    /// Ask the person to sign in again, then connect.
    SignIn,
    /// The page is too old: load it again.
    Reload,
    /// Connect again, with backoff. (Also what an unknown action means.)
    #[serde(other)]
    Retry,
}

/// `goodbye`: the last frame before the server closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// What to do next.
    pub action: CloseAction,
    /// Why.
    pub error: ProtocolError,
}

/// The data of a room's page, as the server knew it at one position: made by the host's server function *before* it
/// reads the page's data (contract line C2), sent along with that data, and handed to the hooks in the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstView {
    /// The room.
    pub room: RoomId,
    /// Where the page's data begins: events after it are delivered to the page.
    pub position: Position,
    /// Everyone here; in a large room the first of them.
    pub members: Vec<Member>,
    /// How many people are here, where that is more than `members` tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many guests are here.
    pub guests: u32,
    /// In an [`online`](super::Online) room: when the person was last seen, where they are not here now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<UnixMillis>,
}

/// Everything a server sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerFrame {
    /// The connection is accepted.
    Welcome(Welcome),
    /// A room's view.
    Joined(Joined),
    /// A room was refused.
    Refused(Refused),
    /// A room changed.
    Room(RoomFrame),
    /// An event that has no number yet.
    Provisional(Provisional),
    /// Whether the server is cut off from the other instances.
    Degraded(Degraded),
    /// The people whom only this client is shown changed.
    Own(Own),
    /// Who types changed.
    Typing(TypingNow),
    /// Somebody signals.
    Signal(Signalled),
    /// The person hides, or shows themselves again.
    Status(StatusNow),
    /// The sign-in was refreshed.
    Refreshed(Refreshed),
    /// A command without acknowledgement failed.
    Error(ProtocolError),
    /// The server closes.
    Goodbye(Goodbye),
    /// A frame of a newer server, to be skipped.
    Unknown(String),
}

impl ServerFrame {
    /// Reads the Socket.IO event `["name", payload]`.
    ///
    /// # Errors
    /// When it is not such an array, or a known frame's payload has the wrong types.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let parts: Vec<&RawValue> = serde_json::from_str(text)?;
        let part = |place: usize| parts.get(place).map_or("", |part| part.get());
        let name: Cow<'_, str> = serde_json::from_str(part(0))?;
        // What comes after it, a newer server may have more to say.
        let payload = part(1);
        Ok(match &*name {
            "welcome" => Self::Welcome(serde_json::from_str(payload)?),
            "joined" => Self::Joined(serde_json::from_str(payload)?),
            "refused" => Self::Refused(serde_json::from_str(payload)?),
            "room" => Self::Room(serde_json::from_str(payload)?),
            "provisional" => Self::Provisional(serde_json::from_str(payload)?),
            "degraded" => Self::Degraded(serde_json::from_str(payload)?),
            "own" => Self::Own(serde_json::from_str(payload)?),
            "typing" => Self::Typing(serde_json::from_str(payload)?),
            "signal" => Self::Signal(serde_json::from_str(payload)?),
            "status" => Self::Status(serde_json::from_str(payload)?),
            "refreshed" => Self::Refreshed(serde_json::from_str(payload)?),
            "error" => Self::Error(serde_json::from_str(payload)?),
            "goodbye" => Self::Goodbye(serde_json::from_str(payload)?),
            unknown => Self::Unknown(unknown.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_a_newer_server_is_skipped_and_a_broken_one_is_an_error() {
        assert!(
            matches!(ServerFrame::from_json(r#"["hologram",{"x":1}]"#), Ok(ServerFrame::Unknown(name)) if name == "hologram")
        );
        // Whatever it carries: nothing at all, no object, more than one.
        for text in [
            r#"["hologram"]"#,
            r#"["hologram",7]"#,
            r#"["hologram",{},{}]"#,
        ] {
            let frame = ServerFrame::from_json(text);
            assert!(matches!(frame, Ok(ServerFrame::Unknown(_))), "{text}");
        }
        let more = ServerFrame::from_json(r#"["status",{"invisible":true,"until":9},"more"]"#);
        let status = StatusNow { invisible: true };
        assert!(matches!(more, Ok(ServerFrame::Status(found)) if found == status));
        assert!(ServerFrame::from_json(r#"["room",{"room":7}]"#).is_err());
        assert!(ServerFrame::from_json(r#"["room"]"#).is_err());
        assert!(ServerFrame::from_json("[]").is_err());
        assert!(ServerFrame::from_json(r#"{}"#).is_err());
    }

    #[test]
    fn unknown_variants_of_a_newer_server_have_a_safe_reading() {
        let goodbye =
            r#"["goodbye",{"action":"dance","error":{"code":"new_reason","message":"…"}}]"#;
        let Ok(ServerFrame::Goodbye(goodbye)) = ServerFrame::from_json(goodbye) else {
            panic!("a goodbye")
        };
        assert_eq!(goodbye.action, CloseAction::Retry);
        assert_eq!(goodbye.error.code, crate::ErrorCode::Internal);
        let member: Member =
            serde_json::from_str(r#"{"user":"1","name":"A","status":"dreaming","since":1}"#)
                .unwrap();
        assert_eq!(member.status, crate::Status::Online);
    }

    #[test]
    fn a_build_that_is_no_name_is_none_and_refuses_nothing() {
        for (build, found) in [
            (r#""abc""#, Some("abc")),
            (r#""a b""#, None),
            (r#"{"commit":"abc"}"#, None),
            ("null", None),
        ] {
            let text = format!(
                r#"["welcome",{{"protocol":1,"session":"s","user":null,"typing_repeat_ms":1,"build":{build}}}]"#
            );
            let Ok(ServerFrame::Welcome(welcome)) = ServerFrame::from_json(&text) else {
                panic!("{text}")
            };
            assert_eq!(welcome.build.as_ref().map(BuildId::as_str), found, "{text}");
        }
    }
}

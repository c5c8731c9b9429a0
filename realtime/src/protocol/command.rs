//! What a client says: the `auth` payload of its handshake, then commands.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    BuildId, DeviceId, DeviceKind, Digest, ErrorCode, PROTOCOL_VERSION, Position, ProtocolError,
    RoomId, SessionId, UserId, ids::build_if_any,
};

/// The Socket.IO `auth` payload. Every field may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The protocol version the client speaks; without one, the server's.
    #[serde(default = "current_protocol")]
    pub protocol: u32,
    /// A token for the host's `authenticate`, where the client has no cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The tab's session, kept across reloads. Without one, the server makes one up and the session cannot be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// How many times this session has connected, counted up by the client. Of two connections of a session the one
    /// with the greater number is the newer; without numbers, the one that came later.
    #[serde(default)]
    pub incarnation: u64,
    /// The browser's id, shared by its tabs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The kind of the device.
    #[serde(default)]
    pub device_kind: DeviceKind,
    /// Whether somebody is at the device, as in [`ClientCommand::Heartbeat`].
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub active: bool,
    /// What the client was made from, as the server said that it came from: see [`BuildId`].
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "build_if_any"
    )]
    pub build: Option<BuildId>,
}

fn current_protocol() -> u32 {
    PROTOCOL_VERSION
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            protocol: PROTOCOL_VERSION,
            token: None,
            session: None,
            incarnation: 0,
            device: None,
            device_kind: DeviceKind::Other,
            active: true,
            build: None,
        }
    }
}

/// One room of a [`ClientCommand::Join`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// The room.
    pub room: RoomId,
    /// The position that the client already has: what came after it is replayed. Without one nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
    /// People to be shown even where the room is too large to show everyone, at most [`JoinRoom::MAX_WATCHED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<UserId>,
}

impl JoinRoom {
    /// The most people that a connection watches in one room.
    pub const MAX_WATCHED: usize = 100;

    /// A room, from now on.
    #[must_use]
    pub fn new(room: RoomId) -> Self {
        Self {
            room,
            since: None,
            watch: Vec::new(),
        }
    }
}

/// What a client has of a room, for the server to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The room.
    pub room: RoomId,
    /// The last frame that it has taken.
    pub frame: u64,
    /// What that amounts to: see [`Digest`].
    pub digest: Digest,
}

/// What a client asks for, one Socket.IO event each, named as on the wire. Each may carry an acknowledgement, answered
/// with `{"ok":true}` or `{"error":{code,message}}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCommand {
    /// `join {rooms: [{room, since?}]}`: join rooms, or resume them all after a reconnect. Each is answered by a
    /// `joined` or `refused` frame.
    Join(Vec<JoinRoom>),
    /// `leave {rooms: [room]}`: leave rooms at once, without grace.
    Leave(Vec<RoomId>),
    /// `typing {room, on}`: begins or ends a typing line. It ends by itself unless repeated.
    Typing {
        /// The room typed in, joined before.
        room: RoomId,
        /// Whether typing.
        on: bool,
    },
    /// `signal {room, data}`: told to everyone else in the room who can take it right now; neither numbered nor kept.
    Signal {
        /// The room, joined before.
        room: RoomId,
        /// The host's signal.
        data: Box<RawValue>,
    },
    /// `heartbeat {active?, rooms?}`: whether somebody is at the device, and what its page shows.
    Heartbeat {
        /// Whether the page is visible and was used a short while ago.
        active: bool,
        /// What it shows of the rooms it has joined.
        rooms: Vec<Seen>,
    },
    /// `status {invisible}`: the person hides from everybody else, or shows themselves again, on all their devices.
    Status {
        /// Whether they hide.
        invisible: bool,
    },
    /// `refresh {token}`: goes on with a newer token of the same person.
    Refresh {
        /// The token.
        token: String,
    },
    /// `bye {}`: the session ends for good: leave all rooms at once, without grace.
    Bye,
}

/// Equal are those that say the same on the wire.
impl PartialEq for ClientCommand {
    fn eq(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }
}

#[derive(Serialize, Deserialize)]
struct Rooms<T> {
    rooms: Vec<T>,
}

#[derive(Serialize, Deserialize)]
struct Typing {
    room: RoomId,
    on: bool,
}

#[derive(Serialize, Deserialize)]
struct Signal {
    room: RoomId,
    data: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct Heartbeat {
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    rooms: Vec<Seen>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_yes(yes: &bool) -> bool {
    *yes
}

#[derive(Serialize, Deserialize)]
struct Status {
    invisible: bool,
}

#[derive(Serialize, Deserialize)]
struct Refresh {
    token: String,
}

impl ClientCommand {
    /// The Socket.IO event `["name", payload]`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = match self {
            Self::Join(rooms) => serde_json::to_string(&(
                "join",
                Rooms {
                    rooms: rooms.clone(),
                },
            )),
            Self::Leave(rooms) => serde_json::to_string(&(
                "leave",
                Rooms {
                    rooms: rooms.clone(),
                },
            )),
            Self::Typing { room, on } => serde_json::to_string(&(
                "typing",
                Typing {
                    room: room.clone(),
                    on: *on,
                },
            )),
            Self::Signal { room, data } => serde_json::to_string(&(
                "signal",
                Signal {
                    room: room.clone(),
                    data: data.clone(),
                },
            )),
            Self::Heartbeat { active, rooms } => serde_json::to_string(&(
                "heartbeat",
                Heartbeat {
                    active: *active,
                    rooms: rooms.clone(),
                },
            )),
            Self::Status { invisible } => serde_json::to_string(&(
                "status",
                Status {
                    invisible: *invisible,
                },
            )),
            Self::Refresh { token } => serde_json::to_string(&(
                "refresh",
                Refresh {
                    token: token.clone(),
                },
            )),
            Self::Bye => serde_json::to_string(&("bye", serde_json::Map::new())),
        };
        json.expect("commands are plain data")
    }

    /// Reads the Socket.IO event `["name", payload]`.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`], [`ErrorCode::InvalidRoom`] or [`ErrorCode::UnknownCommand`], with a sentence that
    /// says what was expected.
    pub fn from_json(text: &str) -> Result<Self, ProtocolError> {
        let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| {
            ProtocolError::new(
                ErrorCode::BadRequest,
                format!("not a JSON array of name and payload: {e}"),
            )
        })?;
        let name: String = parts
            .first()
            .and_then(|name| serde_json::from_str(name.get()).ok())
            .ok_or_else(|| {
                ProtocolError::new(
                    ErrorCode::BadRequest,
                    "the first element must be the command's name",
                )
            })?;
        let payload = parts.get(1).map_or("{}", |payload| payload.get());
        let name = name.as_str();
        match name {
            "join" => Ok(Self::Join(read::<Rooms<JoinRoom>>(name, payload)?.rooms)),
            "leave" => Ok(Self::Leave(read::<Rooms<RoomId>>(name, payload)?.rooms)),
            "typing" => read::<Typing>(name, payload).map(|t| Self::Typing {
                room: t.room,
                on: t.on,
            }),
            "signal" => read::<Signal>(name, payload).map(|signal| Self::Signal {
                room: signal.room,
                data: signal.data,
            }),
            "heartbeat" => read::<Heartbeat>(name, payload).map(|heartbeat| Self::Heartbeat {
                active: heartbeat.active,
                rooms: heartbeat.rooms,
            }),
            "status" => read::<Status>(name, payload).map(|status| Self::Status {
                invisible: status.invisible,
            }),
            "refresh" => read::<Refresh>(name, payload).map(|refresh| Self::Refresh {
                token: refresh.token,
            }),
            "bye" => Ok(Self::Bye),
            _ => Err(ProtocolError::new(
                ErrorCode::UnknownCommand,
                format!(
                    "{:?} is not a command; known are join, leave, typing, signal, heartbeat, status, refresh, bye",
                    shorten(name)
                ),
            )),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, payload: &str) -> Result<T, ProtocolError> {
    serde_json::from_str(payload).map_err(|error| {
        let text = error.to_string();
        let code = if text.contains("a room's name") {
            ErrorCode::InvalidRoom
        } else {
            ErrorCode::BadRequest
        };
        ProtocolError::new(code, format!("{name}: {text}"))
    })
}

fn shorten(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::Epoch;

    fn code(text: &str) -> ErrorCode {
        ClientCommand::from_json(text).unwrap_err().code
    }

    #[test]
    fn commands_read_back_as_they_were_written() {
        let room: RoomId = "board:7".parse().unwrap();
        let since = Some(Position {
            epoch: Epoch(9),
            seq: 3,
        });
        for command in [
            ClientCommand::Join(vec![
                JoinRoom {
                    room: room.clone(),
                    since,
                    watch: vec![UserId::from(7)],
                },
                JoinRoom::new(room.clone()),
            ]),
            ClientCommand::Leave(vec![room.clone()]),
            ClientCommand::Typing {
                room: room.clone(),
                on: true,
            },
            ClientCommand::Signal {
                room: room.clone(),
                data: RawValue::from_string(r#"{"x": 1}"#.to_owned()).unwrap(),
            },
            ClientCommand::Heartbeat {
                active: false,
                rooms: vec![Seen {
                    room,
                    frame: 3,
                    digest: Digest(7),
                }],
            },
            ClientCommand::Status { invisible: true },
            ClientCommand::Refresh {
                token: "t".to_owned(),
            },
            ClientCommand::Bye,
        ] {
            assert_eq!(ClientCommand::from_json(&command.to_json()), Ok(command));
        }
    }

    #[test]
    fn each_kind_of_bad_command_has_its_code() {
        assert_eq!(code("[]"), ErrorCode::BadRequest);
        assert_eq!(code("nonsense"), ErrorCode::BadRequest);
        assert_eq!(code(r#"[7,{}]"#), ErrorCode::BadRequest);
        assert_eq!(
            code(r#"["join",{"rooms":"board:7"}]"#),
            ErrorCode::BadRequest
        );
        assert_eq!(
            code(r#"["join",{"rooms":[{"room":7}]}]"#),
            ErrorCode::BadRequest
        );
        assert_eq!(
            code(r#"["join",{"rooms":[{"room":"nonsense"}]}]"#),
            ErrorCode::InvalidRoom
        );
        assert_eq!(
            code(&format!(
                r#"["join",{{"rooms":[{{"room":"b:{}"}}]}}]"#,
                "x".repeat(200)
            )),
            ErrorCode::InvalidRoom
        );
        assert_eq!(code(r#"["dance",{}]"#), ErrorCode::UnknownCommand);
    }

    #[test]
    fn unknown_fields_of_a_newer_client_are_skipped() {
        let command =
            ClientCommand::from_json(r#"["typing",{"room":"board:7","on":true,"mood":"good"}]"#);
        assert_eq!(
            command,
            Ok(ClientCommand::Typing {
                room: "board:7".parse().unwrap(),
                on: true
            })
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_command_or_an_error(text in ".*") {
            let _ = ClientCommand::from_json(&text);
        }
    }
}

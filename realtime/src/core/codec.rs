//! The client's side of Engine.IO 4 and Socket.IO 5 over WebSocket text messages, in the default namespace.
//!
//! | text | meaning |
//! |---|---|
//! | `0{…}` | Engine.IO open: the server's ping times |
//! | `2` → `3` | ping, answered by pong |
//! | `40{auth}` → `40{sid}` or `44{message}` | Socket.IO connect, accepted or refused |
//! | `42["name",payload]` | an event; `42<id>[…]` asks for the acknowledgement `43<id>[…]` |
//! | `41` | the other side disconnects |
//!
//! Sources: the [Engine.IO](https://github.com/socketio/engine.io-protocol) and
//! [Socket.IO](https://github.com/socketio/socket.io-protocol) protocol documents.

use serde::Deserialize;

use crate::protocol::Auth;

/// A message from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The transport is open; the server pings every `interval_ms` and allows `timeout_ms` for the answer.
    Open {
        /// Milliseconds between pings.
        interval_ms: u64,
        /// Milliseconds of grace after a ping is due.
        timeout_ms: u64,
    },
    /// The transport is closed.
    Close,
    /// Is anyone there? Answer with [`PONG`].
    Ping,
    /// The connection to the namespace is accepted.
    Connected,
    /// The connection to the namespace is refused, with the reason.
    Refused(String),
    /// The server ends the connection to the namespace.
    Disconnected,
    /// An event: the JSON array of name and payload.
    Event(&'a str),
    /// The answer to the command with this id: a JSON array.
    Ack(u64, &'a str),
    /// Something that this client has no use for.
    Other,
}

/// The answer to a [`Packet::Ping`].
pub const PONG: &str = "3";

/// Why a message could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a Socket.IO message: {0}")]
pub struct CodecError(&'static str);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenPayload {
    ping_interval: u64,
    ping_timeout: u64,
}

#[derive(Deserialize)]
struct RefusedPayload {
    message: String,
}

impl<'a> Packet<'a> {
    /// Reads one WebSocket text message.
    ///
    /// # Errors
    /// When it is not Engine.IO 4 or Socket.IO 5.
    pub fn decode(text: &'a str) -> Result<Self, CodecError> {
        if let Some(message) = text.strip_prefix('4') {
            return Self::decode_message(message);
        }
        match text.as_bytes() {
            [b'0', ..] => {
                let open: OpenPayload = serde_json::from_str(&text[1..])
                    .map_err(|_| CodecError("an open packet without ping times"))?;
                Ok(Self::Open {
                    interval_ms: open.ping_interval,
                    timeout_ms: open.ping_timeout,
                })
            }
            b"1" => Ok(Self::Close),
            b"2" => Ok(Self::Ping),
            [b'3' | b'5' | b'6', ..] => Ok(Self::Other),
            _ => Err(CodecError("an unknown Engine.IO packet type")),
        }
    }

    fn decode_message(text: &'a str) -> Result<Self, CodecError> {
        let kind = text
            .as_bytes()
            .first()
            .ok_or(CodecError("an empty Socket.IO packet"))?;
        let rest = text
            .get(1..)
            .ok_or(CodecError("an unknown Socket.IO packet type"))?;
        if rest.starts_with('/') {
            return Ok(Self::Other);
        }
        match kind {
            b'0' => Ok(Self::Connected),
            b'1' => Ok(Self::Disconnected),
            b'2' => {
                let (_, data) = split_id(rest);
                Ok(Self::Event(data))
            }
            b'3' => match split_id(rest) {
                (Some(id), data) => Ok(Self::Ack(id, data)),
                (None, _) => Err(CodecError("an acknowledgement without an id")),
            },
            b'4' => {
                let message = serde_json::from_str::<RefusedPayload>(rest).map(|r| r.message);
                Ok(Self::Refused(message.unwrap_or_else(|_| rest.to_owned())))
            }
            b'5' | b'6' => Ok(Self::Other),
            _ => Err(CodecError("an unknown Socket.IO packet type")),
        }
    }
}

fn split_id(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}

/// The message that connects to the namespace.
#[must_use]
pub fn connect(auth: &Auth) -> String {
    format!(
        "40{}",
        serde_json::to_string(auth).expect("the auth payload is plain data")
    )
}

/// The message that carries an event, the JSON array of name and payload, and asks for its acknowledgement if it has
/// an id.
#[must_use]
pub fn event(id: Option<u64>, json: &str) -> String {
    match id {
        Some(id) => format!("42{id}{json}"),
        None => format!("42{json}"),
    }
}

/// The message that disconnects from the namespace.
pub const DISCONNECT: &str = "41";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_servers_messages_are_read() {
        let open = r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}"#;
        assert_eq!(
            Packet::decode(open),
            Ok(Packet::Open {
                interval_ms: 25_000,
                timeout_ms: 20_000
            })
        );
        assert_eq!(Packet::decode("2"), Ok(Packet::Ping));
        assert_eq!(Packet::decode(r#"40{"sid":"y"}"#), Ok(Packet::Connected));
        assert_eq!(
            Packet::decode(r#"44{"message":"no"}"#),
            Ok(Packet::Refused("no".into()))
        );
        assert_eq!(
            Packet::decode(r#"42["room",{}]"#),
            Ok(Packet::Event(r#"["room",{}]"#))
        );
        assert_eq!(
            Packet::decode(r#"4312[{"ok":true}]"#),
            Ok(Packet::Ack(12, r#"[{"ok":true}]"#))
        );
        assert_eq!(Packet::decode("41"), Ok(Packet::Disconnected));
        assert_eq!(Packet::decode(r#"42/admin,["x"]"#), Ok(Packet::Other));
        for text in ["", "x", "4", "4x", "0", "43[]", "4é"] {
            assert!(Packet::decode(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_packet_or_an_error(text in "[0-6]?[0-6]?.*") {
            let _ = Packet::decode(&text);
        }

        #[test]
        fn an_event_reads_back(id in proptest::option::of(any::<u64>()), name in "[a-z]{1,9}", value in ".*") {
            let json = serde_json::to_string(&(name, value)).unwrap();
            let message = event(id, &json);
            prop_assert_eq!(Packet::decode(&message), Ok(Packet::Event(&json)));
        }
    }
}

//! What a server says besides the frames of rooms.

use leptos_realtime::{
    ErrorCode, ProtocolError, RoomId,
    protocol::{CloseAction, Goodbye, Refreshed, Refused, StatusNow, Welcome},
};
use serde_json::json;

use crate::{
    people::{pick, user},
    said::event,
};

/// Who the session's person is.
pub const ME: u64 = 1;

/// The times of a `welcome`, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub typing_repeat: u32,
    pub heartbeat: u32,
    idle: u32,
    hidden: u32,
    expires: Option<u64>,
}

const TIMES: [Times; 8] = [
    times(2_500, 0, 300_000, 300_000, None),
    times(2_500, 25_000, 300_000, 30_000, None),
    times(2_500, 25_000, 300_000, 30_000, Some(600_000)),
    times(0, 1, 0, 0, Some(0)),
    times(u32::MAX, u32::MAX, u32::MAX, u32::MAX, Some(u64::MAX)),
    times(2_500, 1_000, 2_000, 500, Some(1)),
    times(100, 4_000, 10_000, 0, Some(100_000)),
    times(2_500, 25_000, 0, u32::MAX, Some(240_000)),
];

const fn times(
    typing_repeat: u32,
    heartbeat: u32,
    idle: u32,
    hidden: u32,
    expires: Option<u64>,
) -> Times {
    Times {
        typing_repeat,
        heartbeat,
        idle,
        hidden,
        expires,
    }
}

impl Times {
    #[must_use]
    pub fn pick(which: u64) -> Self {
        pick(&TIMES, which)
    }
}

/// The three messages of a server that accepts a connection.
#[must_use]
pub fn handshake(times: Times, invisible: bool) -> [String; 3] {
    let open =
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#;
    let welcome = Welcome {
        protocol: 1,
        session: "tab".try_into().expect("a session's name"),
        user: user(ME),
        typing_repeat_ms: times.typing_repeat,
        heartbeat_ms: times.heartbeat,
        idle_ms: times.idle,
        hidden_ms: times.hidden,
        expires_in_ms: times.expires,
        invisible,
        degraded: false,
        build: None,
    };
    [
        open.to_owned(),
        r#"40{"sid":"y"}"#.to_owned(),
        event("welcome", &welcome),
    ]
}

const CODES: [(ErrorCode, Option<u32>); 16] = [
    (ErrorCode::Internal, None),
    (ErrorCode::Unauthorized, None),
    (ErrorCode::Forbidden, None),
    (ErrorCode::LimitExceeded, Some(2_000)),
    (ErrorCode::BadRequest, None),
    (ErrorCode::Unavailable, Some(20_000)),
    (ErrorCode::Kicked, None),
    (ErrorCode::NotJoined, None),
    (ErrorCode::TooLarge, None),
    (ErrorCode::LimitExceeded, None),
    (ErrorCode::UnsupportedProtocol, None),
    (ErrorCode::Replaced, None),
    (ErrorCode::Ended, None),
    (ErrorCode::GoingAway, Some(0)),
    (ErrorCode::Unavailable, None),
    (ErrorCode::Forbidden, Some(u32::MAX)),
];

#[must_use]
pub fn error(code: u64) -> ProtocolError {
    let (code, retry_after_ms) = pick(&CODES, code);
    ProtocolError {
        retry_after_ms,
        ..ProtocolError::new(code, "no")
    }
}

#[must_use]
pub fn refused(room: &RoomId, error: ProtocolError) -> String {
    let room = room.clone();
    event("refused", &Refused { room, error })
}

#[must_use]
pub fn goodbye(action: u64, code: u64) -> String {
    let actions = [
        CloseAction::Retry,
        CloseAction::Stop,
        CloseAction::SignIn,
        CloseAction::Reload,
    ];
    let action = pick(&actions, action);
    let error = error(code);
    event("goodbye", &Goodbye { action, error })
}

#[must_use]
pub fn connect_error(code: u64) -> String {
    format!("44{}", json!({"message": error(code).to_string()}))
}

/// How an answer to a command begins.
pub const ACK: &str = "43";

/// The answer to a command: code 0 is well, all others are errors.
#[must_use]
pub fn ack(id: u64, code: u64) -> String {
    let answer = match code {
        0 => json!([{"ok": true}]),
        code => json!([{"error": error(code)}]),
    };
    format!("{ACK}{id}{answer}")
}

#[must_use]
pub fn failed(code: u64) -> String {
    event("error", &error(code))
}

#[must_use]
pub fn status(invisible: bool) -> String {
    event("status", &StatusNow { invisible })
}

#[must_use]
pub fn refreshed(expires_in_ms: Option<u64>) -> String {
    event("refreshed", &Refreshed { expires_in_ms })
}

/// Texts that are no frame: of the layers below, unknown, or broken.
const TEXTS: [&str; 16] = [
    "2",
    "2",
    "41",
    "1",
    "",
    "3",
    "6",
    "4",
    r#"40{"sid":"y"}"#,
    r#"0{"sid":"x","upgrades":[],"pingInterval":0,"pingTimeout":0,"maxPayload":1}"#,
    r#"0{"sid":"x","upgrades":[],"pingInterval":18446744073709551615,"pingTimeout":1,"maxPayload":1}"#,
    r#"42["hologram",{"x":1}]"#,
    r#"42["room",{"room":7}]"#,
    r#"42["error",{"code":"internal","message":""}]"#,
    r#"42/admin,["room",{}]"#,
    "43[]",
];

#[must_use]
pub fn text(which: u64) -> &'static str {
    pick(&TEXTS, which)
}

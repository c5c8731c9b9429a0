//! What a server says: the messages of one that keeps to the protocol, and of one that does not.

use leptos_realtime::{
    Position, RoomId,
    protocol::{Epoch, Outcome},
};
use serde_json::{Value, json};

/// The most events that a room can replay.
const RETAINED: u64 = 12;

const CODES: [&str; 16] = [
    "internal",
    "unauthorized",
    "forbidden",
    "origin_denied",
    "bad_request",
    "unknown_command",
    "invalid_room",
    "not_joined",
    "too_large",
    "limit_exceeded",
    "unsupported_protocol",
    "replaced",
    "ended",
    "going_away",
    "unavailable",
    "a_newer_code",
];

const ACTIONS: [&str; 5] = ["retry", "stop", "sign_in", "reload", "a_newer_action"];

const OUTCOMES: [&str; 4] = ["fresh", "replay", "reset", "a_newer_outcome"];

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

/// A room at the server.
#[derive(Debug)]
pub struct ServerRoom {
    pub id: RoomId,
    epoch: u64,
    seq: u64,
    frame: u64,
    /// The position after which the session last asked for everything.
    pub asked: Option<Position>,
}

impl ServerRoom {
    pub fn new(id: &str) -> Self {
        Self {
            id: id.parse().expect("a room's name"),
            epoch: 1,
            seq: 0,
            frame: 0,
            asked: None,
        }
    }

    /// Begins a new order, and shows it unasked.
    pub fn renew(&mut self) -> String {
        self.epoch += 1;
        self.seq = 0;
        joined(&self.id, "reset", self.head(), self.frame, 0, self.epoch)
    }

    pub fn head(&self) -> Position {
        Position {
            epoch: Epoch(self.epoch),
            seq: self.seq,
        }
    }

    /// Events, as one frame.
    pub fn frame(&mut self, events: u64) -> String {
        let first = self.seq + 1;
        self.seq += events;
        self.frame += 1;
        any_frame(&self.id, self.frame, self.epoch, first, events)
    }

    /// The answer to the last join, and how many events it replays.
    pub fn joined(&self) -> (String, u64) {
        let head = self.head();
        let (outcome, events) = match self.asked {
            None => (Outcome::Fresh, 0),
            Some(since) if since.epoch == head.epoch && since.seq <= head.seq => {
                let missing = head.seq - since.seq;
                if missing <= RETAINED {
                    (Outcome::Replay, missing)
                } else {
                    (Outcome::Reset, 0)
                }
            }
            Some(_) => (Outcome::Reset, 0),
        };
        let outcome = json!(outcome);
        let outcome = outcome.as_str().unwrap_or_default();
        (
            joined(&self.id, outcome, head, self.frame, events, self.frame),
            events,
        )
    }
}

/// Any view of a room; its events end at its position.
pub fn any_joined(
    room: &RoomId,
    outcome: u64,
    position: Position,
    frame: u64,
    events: u64,
) -> String {
    let outcome = pick(&OUTCOMES, outcome);
    joined(room, outcome, position, frame, events, outcome.len() as u64)
}

fn joined(
    room: &RoomId,
    outcome: &str,
    position: Position,
    frame: u64,
    events: u64,
    members: u64,
) -> String {
    let first = position.seq.saturating_sub(events).saturating_add(1);
    event(
        "joined",
        &json!({
            "room": room, "outcome": outcome, "position": position, "frame": frame,
            "events": events_from(room, position.epoch.0, first, events),
            "members": people(members), "guests": events, "typing": ["1"],
        }),
    )
}

/// Any frame of a room.
pub fn any_frame(room: &RoomId, frame: u64, epoch: u64, first: u64, events: u64) -> String {
    event(
        "room",
        &json!({
            "room": room, "frame": frame, "events": events_from(room, epoch, first, events),
            "members": people(events), "gone": ["2"], "guests": 3, "typing": [],
        }),
    )
}

pub fn handshake() -> [String; 3] {
    let open =
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#;
    let welcome = json!({"protocol": 1, "session": "tab", "user": null, "typing_repeat_ms": 2_500});
    [
        open.to_owned(),
        r#"40{"sid":"y"}"#.to_owned(),
        event("welcome", &welcome),
    ]
}

pub fn refused(room: &RoomId, code: u64) -> String {
    event("refused", &json!({"room": room, "error": error(code)}))
}

pub fn goodbye(action: u64, code: u64) -> String {
    let action = pick(&ACTIONS, action);
    event("goodbye", &json!({"action": action, "error": error(code)}))
}

pub fn connect_error(code: u64) -> String {
    let message = format!("{}: no", pick(&CODES, code));
    format!("44{}", json!({"message": message}))
}

pub fn ack(id: u64, code: u64) -> String {
    let answer = match code {
        0 => json!([{"ok": true}]),
        code => json!([{"error": error(code)}]),
    };
    format!("43{id}{answer}")
}

pub fn text(which: u64) -> String {
    pick(&TEXTS, which).to_owned()
}

/// What the id of an event says of it.
pub fn event_id(room: &RoomId, epoch: u64, seq: u64) -> String {
    format!("{room}/{epoch}/{seq}")
}

fn events_from(room: &RoomId, epoch: u64, first: u64, count: u64) -> Vec<Value> {
    (0..count)
        .map(|i| first.saturating_add(i))
        .map(|seq| json!({"seq": seq, "id": event_id(room, epoch, seq), "at": 0, "data": seq}))
        .collect()
}

fn people(count: u64) -> Vec<Value> {
    (0..count % 4)
        .map(|id| json!({"user": id.to_string(), "name": "A", "since": id}))
        .collect()
}

fn error(code: u64) -> Value {
    json!({"code": pick(&CODES, code), "message": "no"})
}

fn event(name: &str, payload: &Value) -> String {
    format!("42{}", json!([name, payload]))
}

fn pick(from: &[&'static str], which: u64) -> &'static str {
    from[which as usize % from.len()]
}

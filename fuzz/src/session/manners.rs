//! How often a server may be told something, and for how long it may not be asked again.

use std::collections::{HashMap, HashSet};

use leptos_realtime::{ErrorCode, ProtocolError, RoomId, protocol::JoinRoom};

use super::texts::Times;

/// The least time between two heartbeats, and between a connection and its first.
const HEARTBEAT_MS: u64 = 1_000;

/// The least time until a room is asked for again that was refused.
const REJOIN_MS: u64 = 1_000;

/// What is known of one connection.
#[derive(Debug, Default)]
pub struct Manners {
    times: Option<Times>,
    /// When the last heartbeat was sent, or the connection accepted, and what the server was told then.
    heartbeat: (u64, bool),
    heartbeats: u64,
    typed: HashMap<RoomId, u64>,
    refused: HashMap<RoomId, Refused>,
    /// What was refused along with others, and so is asked for in a message of its own until it is shown.
    alone: HashSet<RoomId>,
}

/// How a room was refused last.
#[derive(Clone, Copy, Debug)]
struct Refused {
    /// When it may be asked for again.
    until: u64,
    /// Whether the server would have it asked for again then: what it grants before is not taken.
    put_off: bool,
    /// Whether it may be asked for again at all: not what was refused for good, unless there is a new reason.
    again: bool,
    /// Whether it was one room too many.
    too_many: bool,
}

impl Manners {
    /// The server shakes hands.
    pub fn welcomed(&mut self, now: u64, times: Times) {
        self.times = Some(times);
        self.heartbeat = (now, true);
    }

    /// The server accepts a connection that it has accepted before: nobody has typed on it yet.
    pub fn accepted_again(&mut self) {
        self.typed.clear();
    }

    pub fn heartbeat(&mut self, now: u64, active: bool) {
        let every = self.times.map_or(0, |times| times.heartbeat);
        assert_ne!(every, 0, "a server that knows no heartbeats is sent none");
        let least = match self.heartbeats {
            0 => HEARTBEAT_MS,
            _ => HEARTBEAT_MS.max(every.into()),
        };
        let (last, told) = self.heartbeat;
        assert!(
            active != told || now >= last.saturating_add(least),
            "a heartbeat at {now} that says nothing new after that at {last}"
        );
        self.heartbeat = (now, active);
        self.heartbeats += 1;
    }

    pub fn typing(&mut self, now: u64, room: &RoomId, on: bool) {
        if !on {
            let typed = self.typed.remove(room);
            assert!(typed.is_some(), "{room}: an end of no beginning");
            return;
        }
        let repeat = self.times.map_or(0, |times| times.typing_repeat);
        if let Some(last) = self.typed.insert(room.clone(), now) {
            assert!(
                now >= last.saturating_add(repeat.into()),
                "{room}: typing at {now} is told too soon after {last}"
            );
        }
    }

    /// The server refuses a room: it says when to ask again, if ever, and that is not at once.
    pub fn refused(&mut self, now: u64, room: &RoomId, error: &ProtocolError) {
        let asked = error.retry_after_ms.map_or(0, u64::from);
        let refused = Refused {
            until: now.saturating_add(asked.max(REJOIN_MS)),
            put_off: passes(error),
            again: passes(error),
            too_many: error.code == ErrorCode::LimitExceeded,
        };
        self.refused.insert(room.clone(), refused);
    }

    /// The server refuses several rooms at once, of which perhaps one only is to blame: each may be asked for by itself
    /// at once, which is how the others are found. Those that are refused then are refused.
    pub fn refused_together(&mut self, room: &RoomId) {
        self.refused.remove(room);
        self.alone.insert(room.clone());
    }

    /// The page asks for a room that it did not ask for when it was refused: that is not what the server spoke of.
    pub fn asked_meanwhile(&mut self, room: &RoomId) {
        self.refused.remove(room);
    }

    /// Another part of the page comes to use a room: whoever was refused may be let in by now, as after signing in.
    pub fn used(&mut self, room: &RoomId) {
        if let Some(refused) = self.refused.get_mut(room) {
            refused.again = true;
        }
    }

    /// The server has taken a leave: what was one room too many may fit now, so that there is nothing to wait for.
    pub fn left(&mut self) {
        self.refused
            .retain(|_, refused| refused.put_off || !refused.too_many);
    }

    /// The session is shown a room: whoever was refused was let in after all.
    pub fn shown(&mut self, room: &RoomId) {
        self.alone.remove(room);
        if self
            .refused
            .get(room)
            .is_some_and(|refused| !refused.put_off)
        {
            self.refused.remove(room);
        }
    }

    pub fn join(&self, now: u64, joins: &[JoinRoom]) {
        for JoinRoom { room, .. } in joins {
            if let Some(Refused { until, again, .. }) = self.refused.get(room) {
                assert!(*again, "{room} is asked for again, and was refused");
                assert!(
                    now >= *until,
                    "{room} is asked for again at {now}, before {until}"
                );
            }
            assert!(
                joins.len() == 1 || !self.alone.contains(room),
                "{room} is asked for with others again"
            );
        }
    }

    /// The room is used no more, and nothing is known of it.
    pub fn forget(&mut self, room: &RoomId) {
        self.typed.remove(room);
        self.refused.remove(room);
        self.alone.remove(room);
    }
}

/// Whether the server would have the session ask again later.
pub fn passes(error: &ProtocolError) -> bool {
    let passing = matches!(
        error.code,
        ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::GoingAway
    );
    passing || error.retry_after_ms.is_some()
}

//! How often a server may be told something, and for how long it may not be asked again.

use std::collections::HashMap;

use leptos_realtime::RoomId;

use super::texts::Times;

/// The least time between two heartbeats, and between a connection and its first.
const HEARTBEAT_MS: u64 = 1_000;

/// What is known of one connection.
#[derive(Debug, Default)]
pub struct Manners {
    times: Option<Times>,
    /// When the last heartbeat was sent, or the connection accepted, and what the server was told then.
    heartbeat: (u64, bool),
    heartbeats: u64,
    typed: HashMap<RoomId, u64>,
    /// When a room may be asked for again; the end of time, where it was refused for good.
    not_before: HashMap<RoomId, u64>,
}

impl Manners {
    /// The server shakes hands.
    pub fn welcomed(&mut self, now: u64, times: Times) {
        self.times = Some(times);
        self.heartbeat = (now, true);
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

    /// The server says when to ask for the room again, if ever.
    pub fn refused(&mut self, room: &RoomId, until: u64) {
        self.not_before.insert(room.clone(), until);
    }

    /// Somebody comes to use a room: who was refused for good may be let in by now.
    pub fn wanted(&mut self, now: u64, room: &RoomId) {
        if let Some(until) = self.not_before.get_mut(room).filter(|at| **at == u64::MAX) {
            *until = now;
        }
    }

    /// The server lets the session in, whatever it said before.
    pub fn joined(&mut self, room: &RoomId) {
        self.not_before.remove(room);
    }

    pub fn join(&self, now: u64, room: &RoomId) {
        if let Some(until) = self.not_before.get(room) {
            assert!(now >= *until, "{room} is asked for again at {now}");
        }
    }

    /// The room is used no more, and nothing is known of it.
    pub fn forget(&mut self, room: &RoomId) {
        self.typed.remove(room);
        self.not_before.remove(room);
    }
}

//! One session: who it is, where it is seen, and how rooms are to know of it.

use std::sync::Arc;

use tokio::time::Instant;

use super::Connection;
use crate::{
    core::message::Entry,
    protocol::{Place, RoomId, Status, UnixMillis},
    server::{clock::unix_millis, hashed::HashMap, hub::ViewerId},
};

/// Below the client's connection number there is room for this many bits of steps on one connection: each thing told
/// takes one.
const STEP_BITS: u32 = 24;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Session {
    pub(super) connection: Option<Arc<Connection>>,
    /// An entry without its room's part, from the latest connection.
    profile: Option<Entry>,
    /// Whether somebody is at the device.
    pub(super) active: bool,
    /// Counted up at each connect and each thing told.
    incarnation: u64,
    /// The rooms in which the session is seen.
    rooms: HashMap<RoomId, Seen>,
    /// The rooms that others may know it is in.
    places: HashMap<RoomId, Located>,
}

struct Seen {
    since: UnixMillis,
    /// When it leaves, unless it comes back.
    leave_at: Option<Instant>,
}

struct Located {
    since: UnixMillis,
    /// The rooms whose people may know it, in order.
    told_in: Vec<RoomId>,
}

impl Session {
    pub(super) fn speaks(&self, connection: ViewerId) -> bool {
        let current = self.connection.as_ref();
        current.is_some_and(|current| current.id == connection)
    }

    /// Whether the session's connection is newer than this one, by the client's own count.
    pub(super) fn is_newer_than(&self, connection: &Connection) -> bool {
        let count = connection.identity.incarnation;
        let current = self.connection.as_ref();
        current.is_some_and(|current| count != 0 && current.identity.incarnation > count)
    }

    /// Returns the connection before.
    pub(super) fn attach(&mut self, connection: &Arc<Connection>) -> Option<Arc<Connection>> {
        let count = connection.identity.incarnation;
        self.incarnation = (count << STEP_BITS).max(self.incarnation + 1);
        self.profile = Some(connection.profile());
        self.active = connection.identity.active;
        self.connection.replace(connection.clone())
    }

    pub(super) fn leave_at(&mut self, at: Instant) {
        for seen in self.rooms.values_mut() {
            seen.leave_at = Some(at);
        }
    }

    /// The rooms to leave by now.
    pub(super) fn due(&self, now: Instant) -> Vec<RoomId> {
        let due = |seen: &Seen| seen.leave_at.is_some_and(|at| at <= now);
        let rooms = self.rooms.iter().filter(|(_, seen)| due(seen));
        rooms.map(|(room, _)| room.clone()).collect()
    }

    pub(super) fn is_over(&self) -> bool {
        self.connection.is_none() && self.rooms.is_empty()
    }

    pub(super) fn is_in(&self, room: &RoomId) -> bool {
        self.rooms.contains_key(room)
    }

    /// The rooms in which it is seen.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.rooms.keys().cloned().collect()
    }

    /// False where it is seen in the room already, by this connection.
    pub(super) fn enter(&mut self, room: &RoomId) -> bool {
        let seen = self.rooms.entry(room.clone()).or_insert_with(|| Seen {
            since: unix_millis(),
            leave_at: Some(Instant::now()),
        });
        seen.leave_at.take().is_some()
    }

    /// It is as if it came to all its rooms now.
    pub(super) fn begin_anew(&mut self) {
        let now = unix_millis();
        for seen in self.rooms.values_mut() {
            seen.since = now;
        }
        for located in self.places.values_mut() {
            located.since = now;
        }
    }

    /// People of these rooms may know that it is in this one. Returns the rooms to be told.
    pub(super) fn locate(&mut self, place: &RoomId, mut told_in: Vec<RoomId>) -> Vec<RoomId> {
        if !self.is_in(place) {
            return Vec::new();
        }
        told_in.sort_unstable();
        told_in.dedup();
        let known = self.places.get(place);
        if known.map_or(told_in.is_empty(), |known| known.told_in == told_in) {
            return Vec::new();
        }
        let since = known.map_or_else(unix_millis, |known| known.since);
        let mut touched = told_in.clone();
        let located = Located { since, told_in };
        if let Some(before) = self.places.insert(place.clone(), located) {
            touched.extend(before.told_in);
        }
        touched
    }

    /// Leaves a room. Returns the rooms to be told: this one, and those that knew that it was there.
    pub(super) fn leave(&mut self, room: &RoomId) -> Vec<RoomId> {
        if self.rooms.remove(room).is_none() {
            return Vec::new();
        }
        let mut touched = vec![room.clone()];
        touched.extend(self.places.remove(room).into_iter().flat_map(|l| l.told_in));
        touched
    }

    /// How a room is to know of it now. Nothing where it is not seen there.
    pub(super) fn entry(&mut self, room: &RoomId, invisible: bool) -> Option<Entry> {
        let since = self.rooms.get(room)?.since;
        let profile = self.profile.clone()?;
        self.incarnation += 1;
        let is_told = |located: &&Located| located.told_in.contains(room);
        let places = self.places.iter().filter(|(_, located)| is_told(located));
        let mut at: Vec<Place> = places
            .map(|(room, located)| Place {
                room: room.clone(),
                since: located.since,
            })
            .collect();
        at.sort_unstable();
        let status = match (invisible, self.active) {
            (true, _) => Status::Invisible,
            (false, true) => Status::Online,
            (false, false) => Status::Away,
        };
        Some(Entry {
            incarnation: self.incarnation,
            status,
            since,
            at,
            ..profile
        })
    }
}

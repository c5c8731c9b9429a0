//! What a broker keeps, numbers and publishes of a room, and what a replica is made from.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::{
    DeviceId, DeviceKind, Epoch, EventId, Place, Position, SessionId, Status, Subject, UnixMillis,
    User, UserId, WireEvent,
};

/// One life of a node: random, new with each start of its process and whenever others took it for dead. Written as 16
/// hexadecimal digits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A session's presence in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The session, unique together with the user.
    pub session: SessionId,
    /// Who is signed in; nobody for a guest.
    pub user: Option<User>,
    /// The session's connection number: an older one changes nothing.
    pub incarnation: u64,
    /// The node that speaks for it, as the broker that it entered through knows.
    #[serde(default)]
    pub run: RunId,
    /// The browser.
    pub device: Option<DeviceId>,
    /// Its kind.
    pub device_kind: DeviceKind,
    /// Online or away; invisible on every session of a person who hides.
    pub status: Status,
    /// Since when the session has been here.
    pub since: UnixMillis,
    /// Where it is besides, as far as this room's people may know.
    pub at: Vec<Place>,
}

impl Entry {
    /// What tells this entry from the others of its room.
    #[must_use]
    pub fn key(&self) -> EntryKey {
        EntryKey {
            user: self.user.as_ref().map(|user| user.id.clone()),
            session: self.session.clone(),
        }
    }
}

/// What tells an entry from the others of its room. The user is part of it, so that nobody can take over a session by
/// its id alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryKey {
    /// Who is signed in; nobody for a guest.
    pub user: Option<UserId>,
    /// The session.
    pub session: SessionId,
}

/// One step in a room's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryChange {
    /// The session is here, as said.
    Enter(Entry),
    /// The session is gone.
    Exit(EntryKey),
}

/// An event that has no place in its room's order yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its name for good.
    pub id: EventId,
    /// What it is about.
    pub subject: Option<Subject>,
    /// The partner community that it comes from, where it does.
    pub origin: Option<String>,
    /// The host's event.
    pub data: Box<RawValue>,
}

/// What a broker numbers and publishes. Events and presence are counted apart.
#[derive(Clone, Debug)]
pub enum RoomMessage {
    /// The event after the one before.
    Event {
        /// The life of the room's log.
        epoch: Epoch,
        /// The event, with its number.
        event: Arc<WireEvent>,
        /// The event before it, where there was one: whoever knows another one there, knows what the broker has lost.
        previous: Option<EventId>,
    },
    /// The presence change after the one before.
    Presence {
        /// The life of the room's log.
        epoch: Epoch,
        /// The number of the change, from 1.
        version: u64,
        /// When it happened.
        at: UnixMillis,
        /// The change.
        change: EntryChange,
    },
    /// The room's log begins anew, and nobody is in it.
    Begun {
        /// The new life of the log.
        epoch: Epoch,
        /// Whether everyone was taken out of it on purpose. Otherwise they are there still, and will say so.
        cleared: bool,
    },
    /// Where the room stands, told again when it has become quiet.
    Head {
        /// The place after its last event.
        position: Position,
        /// The number of its last presence change.
        version: u64,
    },
    /// A session has left that the room's present life has not known.
    Gone {
        /// The session.
        key: EntryKey,
        /// The number of the session's last enter.
        incarnation: u64,
        /// When it left.
        at: UnixMillis,
    },
    /// Something that is neither numbered nor kept.
    Signal(RoomSignal),
}

/// What is neither numbered nor kept.
#[derive(Clone, Debug)]
pub enum RoomSignal {
    /// A person begins, continues or ends typing.
    Typing {
        /// Who.
        user: UserId,
        /// Whether typing.
        on: bool,
    },
    /// Somebody signals, or the host does.
    Data {
        /// The session that signals, which is not told; none, where the host does.
        from: Option<EntryKey>,
        /// The host's signal.
        data: Arc<RawValue>,
    },
}

/// A room as the broker holds it, read in one step.
#[derive(Clone, Debug)]
pub struct RoomSnapshot {
    /// The place after the last event.
    pub position: Position,
    /// The number of the last presence change.
    pub version: u64,
    /// Every session here.
    pub entries: Vec<Entry>,
    /// The retained events, in order.
    pub events: Vec<Arc<WireEvent>>,
}

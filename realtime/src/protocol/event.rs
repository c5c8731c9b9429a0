//! Events: what a host publishes in a room.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{EventId, Position, UnixMillis};

/// An event as it travels: the host's data stays JSON text, read only by who knows its type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WireEvent {
    /// Its number in the room's order, from 1.
    pub seq: u64,
    /// Its name for good.
    pub id: EventId,
    /// When the server took it, by the server's clock.
    pub at: UnixMillis,
    /// The host's event.
    pub data: Box<RawValue>,
}

/// One typed event with its place in the room's order.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomEvent<E> {
    /// The place just after this event.
    pub position: Position,
    /// Its name for good.
    pub id: EventId,
    /// When the server took it, by the server's clock.
    pub at: UnixMillis,
    /// The host's event.
    pub data: E,
}

/// What a room's listener is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoomUpdate<E> {
    /// The next event in the room's order.
    Event(RoomEvent<E>),
    /// Events between the listener's position and this one can no longer be had (the room's log began anew, or the
    /// absence was longer than its retention): load the page's data again. The room is already joined, so nothing
    /// that happens from now on is missed.
    Reset(Position),
    /// An event that this version of the client cannot read, of a newer server: skip it, or load again.
    Unknown(RoomEvent<serde_json::Value>),
}

impl<E: DeserializeOwned> RoomUpdate<E> {
    /// Reads an event as the host's type; what cannot be read becomes [`RoomUpdate::Unknown`].
    #[must_use]
    pub fn read(position: Position, event: &WireEvent) -> Self {
        let (id, at) = (event.id.clone(), event.at);
        match serde_json::from_str(event.data.get()) {
            Ok(data) => Self::Event(RoomEvent {
                position,
                id,
                at,
                data,
            }),
            Err(_) => {
                let data = serde_json::from_str(event.data.get()).unwrap_or_default();
                Self::Unknown(RoomEvent {
                    position,
                    id,
                    at,
                    data,
                })
            }
        }
    }
}

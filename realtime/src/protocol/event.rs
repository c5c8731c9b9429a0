//! Events: what a host publishes in a room.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{EventId, Position, SubjectKey, UnixMillis};

/// An event as it travels: the host's data stays JSON text, read only by who knows its type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WireEvent {
    /// Its number in the room's order, from 1; 0 while it has none yet.
    pub seq: u64,
    /// Its name for good.
    pub id: EventId,
    /// When the server took it, by the server's clock.
    pub at: UnixMillis,
    /// What it is about, and its version of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The partner community that it comes from, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The host's event.
    pub data: Box<RawValue>,
}

/// What an event is about, and its version of that. The host counts versions up with each change of the thing, in the
/// transaction that changes it; a removal has one too. A client is not told of a version that is older than one it
/// was told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The thing, such as `post:7`, unique in its room.
    pub key: SubjectKey,
    /// Its version.
    pub version: u64,
}

/// An event about to be published: the host's event, and what else is to be known of it.
///
/// ```
/// use leptos_realtime::Draft;
/// let plain = Draft::from(&"hello");
/// let repeatable = Draft::from(&"hello").id("order-17")?;
/// let versioned = Draft::from(&"hello").about("post:7", 3)?;
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Draft<'a, E> {
    #[cfg_attr(
        not(feature = "ssr"),
        allow(dead_code, reason = "only a server publishes")
    )]
    pub(crate) event: &'a E,
    pub(crate) id: Option<EventId>,
    pub(crate) subject: Option<Subject>,
}

impl<'a, E> From<&'a E> for Draft<'a, E> {
    fn from(event: &'a E) -> Self {
        Self {
            event,
            id: None,
            subject: None,
        }
    }
}

impl<E> Draft<'_, E> {
    /// Names the event for good: publishing the same id in the same room again, while the room remembers it, changes
    /// nothing. Without a name the event is given one at random.
    ///
    /// # Errors
    /// When the id is empty, longer than [`EventId::MAX_LEN`] bytes, or has control characters.
    pub fn id(mut self, id: impl Into<String>) -> Result<Self, String> {
        self.id = Some(EventId::try_from(id.into())?);
        Ok(self)
    }

    /// Says what the event is about: see [`Subject`].
    ///
    /// # Errors
    /// When the key is empty, longer than [`SubjectKey::MAX_LEN`] bytes, or has control characters.
    pub fn about(mut self, key: impl Into<String>, version: u64) -> Result<Self, String> {
        let key = SubjectKey::try_from(key.into())?;
        self.subject = Some(Subject { key, version });
        Ok(self)
    }
}

/// One typed event with its place in the room's order.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomEvent<E> {
    /// The place just after this event; of a provisional one, the place that the listener has reached.
    pub position: Position,
    /// Whether it has no place in the room's order yet, because the server is cut off from the other instances. It is
    /// told once all the same, and so before some that come before it in the end.
    pub provisional: bool,
    /// Its name for good.
    pub id: EventId,
    /// When the server took it, by the server's clock.
    pub at: UnixMillis,
    /// What it is about, where the host said so.
    pub subject: Option<Subject>,
    /// The partner community that it comes from, where it does: see `RealtimeBuilder::relay`.
    pub origin: Option<String>,
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
        let (id, at, subject) = (event.id.clone(), event.at, event.subject.clone());
        let origin = event.origin.clone();
        let provisional = event.seq == 0;
        match serde_json::from_str(event.data.get()) {
            Ok(data) => Self::Event(RoomEvent {
                position,
                provisional,
                id,
                at,
                subject,
                origin,
                data,
            }),
            Err(_) => {
                let data = serde_json::from_str(event.data.get()).unwrap_or_default();
                Self::Unknown(RoomEvent {
                    position,
                    provisional,
                    id,
                    at,
                    subject,
                    origin,
                    data,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Epoch;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Known {
        Created { id: i64 },
    }

    fn read(data: &str) -> RoomUpdate<Known> {
        let text = format!(r#"{{"seq":7,"id":"e7","at":5,"data":{data},"moons":2}}"#);
        let event: WireEvent = serde_json::from_str(&text).unwrap();
        let position = Position {
            epoch: Epoch(1),
            seq: 7,
        };
        RoomUpdate::read(position, &event)
    }

    #[test]
    fn an_event_of_a_newer_host_is_told_as_such_and_keeps_its_place() {
        for newer in [
            r#"{"Danced":{"id":7}}"#,
            r#"{"Created":{"id":{"id":7,"shard":1}}}"#,
            r#""Cleared""#,
            "null",
        ] {
            let RoomUpdate::Unknown(event) = read(newer) else {
                panic!("{newer}")
            };
            assert_eq!((event.position.seq, event.id.as_str()), (7, "e7"));
            assert_eq!(event.data.to_string(), newer);
        }
        let RoomUpdate::Event(event) = read(r#"{"Created":{"id":7,"by":"Ada"}}"#) else {
            panic!("more is no harm")
        };
        assert_eq!(event.data, Known::Created { id: 7 });
    }
}

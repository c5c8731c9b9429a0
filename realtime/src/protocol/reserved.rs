//! The crate's own kinds of rooms.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::{InboxChange, NoEvent, Room, RoomId, UserId};

/// Whether a person is online, wherever they are: `online:{user}`. They are in it as long as they are connected; whoever
/// else joins it sees them, and is not seen there. The host's `authorize` says who may.
///
/// Bytes of the user's id other than letters, digits and `-` stand in the name as `_` and two hexadecimal digits.
///
/// ```
/// use leptos_realtime::{Room, UserId, protocol::Online};
/// let user = UserId::try_from("ada@example")?;
/// assert_eq!(Online(user.clone()).room_id().as_str(), "online:ada_40example");
/// assert_eq!(Online::from_room_id(&"online:ada_40example".parse().unwrap()), Some(Online(user)));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Online(pub UserId);

impl Online {
    pub(crate) const KIND: &str = "online";
}

impl Room for Online {
    type Event = NoEvent;
    type Signal = NoEvent;

    fn room_id(&self) -> RoomId {
        room_of(Self::KIND, &self.0)
    }

    fn from_room_id(room: &RoomId) -> Option<Self> {
        person_of(Self::KIND, room).map(Self)
    }
}

/// The changes of a person's inbox: `inbox:{user}`, the id as in [`Online`]. Only they may join it; nobody is seen in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboxRoom(pub UserId);

impl InboxRoom {
    const KIND: &str = "inbox";
}

impl Room for InboxRoom {
    type Event = InboxChange;
    type Signal = NoEvent;

    fn room_id(&self) -> RoomId {
        room_of(Self::KIND, &self.0)
    }

    fn from_room_id(room: &RoomId) -> Option<Self> {
        person_of(Self::KIND, room).map(Self)
    }
}

/// A person's room of a kind.
fn room_of(kind: &str, user: &UserId) -> RoomId {
    let mut id = String::new();
    for byte in user.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            id.push(char::from(byte));
        } else {
            id.push_str(&format!("_{byte:02x}"));
        }
    }
    RoomId::new(kind, id, None).expect("every user id fits, escaped")
}

/// Whose room of a kind it is.
fn person_of(kind: &str, room: &RoomId) -> Option<UserId> {
    if room.kind() != kind || room.part().is_some() {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = room.id();
    while let Some(first) = rest.chars().next() {
        if first == '_' {
            bytes.push(u8::from_str_radix(rest.get(1..3)?, 16).ok()?);
            rest = &rest[3..];
        } else {
            bytes.push(u8::try_from(first).ok()?);
            rest = &rest[1..];
        }
    }
    let user = UserId::try_from(String::from_utf8(bytes).ok()?).ok()?;
    // No two names for one person.
    (room_of(kind, &user) == *room).then_some(user)
}

/// What is said to everyone connected: `announcements:all`. Every connection hears it, without joining; nobody is seen
/// in it.
#[derive(Debug)]
pub struct Announcements<E>(PhantomData<fn() -> E>);

impl Announcements<()> {
    pub(crate) const KIND: &str = "announcements";

    /// The room's name.
    ///
    /// ```
    /// assert_eq!(leptos_realtime::protocol::Announcements::id().as_str(), "announcements:all");
    /// ```
    #[must_use]
    pub fn id() -> RoomId {
        RoomId::new(Self::KIND, "all", None).expect("a valid name")
    }
}

impl<E> Announcements<E> {
    /// The room of announcements of this type.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Default for Announcements<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for Announcements<E> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<E> PartialEq for Announcements<E> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<E: Serialize + DeserializeOwned + Send + Sync + 'static> Room for Announcements<E> {
    type Event = E;
    type Signal = NoEvent;

    fn room_id(&self) -> RoomId {
        Announcements::id()
    }

    fn from_room_id(room: &RoomId) -> Option<Self> {
        (*room == Announcements::id()).then(Self::new)
    }
}

/// The kind of the room in which instances tell each other what they do to people and rooms.
#[cfg(feature = "ssr")]
const CONTROL: &str = "control";

/// The control room: `control:all`. No client ever sees it, and no host publishes in it: the whole kind is closed.
#[cfg(feature = "ssr")]
pub(crate) fn control_room() -> RoomId {
    RoomId::new(CONTROL, "all", None).expect("a valid name")
}

/// Under this name the outbox keeps whom to notify.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn notify_room() -> RoomId {
    RoomId::new(CONTROL, "notify", None).expect("a valid name")
}

/// Whether a room is one of those that are for the instances among themselves.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn is_for_instances(room: &RoomId) -> bool {
    room.kind() == CONTROL
}

/// Whether a room is the module's own, so that hosts do not publish in it.
#[cfg(feature = "ssr")]
pub(crate) fn is_reserved(room: &RoomId) -> bool {
    matches!(room.kind(), InboxRoom::KIND | CONTROL)
}

/// Whether the module itself says who may see a room, and not the host; and if so, whether this person may.
#[cfg(feature = "ssr")]
pub(crate) fn is_open(room: &RoomId, user: Option<&UserId>) -> Option<bool> {
    match room.kind() {
        Announcements::KIND if *room == Announcements::id() => Some(true),
        InboxRoom::KIND => Some(
            user.is_some() && InboxRoom::from_room_id(room).as_ref().map(|room| &room.0) == user,
        ),
        CONTROL => Some(false),
        _ => None,
    }
}

/// Rooms in which nobody is seen but those whom the server puts there.
#[cfg(feature = "ssr")]
pub(crate) fn is_watched_only(room: &RoomId) -> bool {
    matches!(
        room.kind(),
        Online::KIND | Announcements::KIND | InboxRoom::KIND | CONTROL
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_user_has_one_room_of_their_own(id in "\\PC{1,16}") {
            let online = Online(UserId::try_from(id).unwrap());
            prop_assert_eq!(Online::from_room_id(&online.room_id()), Some(online));
        }

        #[test]
        fn any_name_is_a_persons_room_or_none(name in "[a-z_.0-9é]{0,9}") {
            if let Ok(room) = format!("online:{name}").parse::<RoomId>()
                && let Some(online) = Online::from_room_id(&room)
            {
                prop_assert_eq!(online.room_id(), room);
            }
        }
    }
}

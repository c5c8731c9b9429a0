//! Rooms: a validated name, and the host's types behind it.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A room's name: `kind:id` or `kind:id:part`, at most [`RoomId::MAX_LEN`] bytes.
///
/// The kind is `a-z`, `0-9` and `_`, beginning with a letter; id and part are letters, digits, `_`, `-` and `.`.
///
/// ```
/// use leptos_realtime::RoomId;
/// let room: RoomId = "community:7:admins".parse()?;
/// assert_eq!((room.kind(), room.id(), room.part()), ("community", "7", Some("admins")));
/// assert!("Board 7".parse::<RoomId>().is_err());
/// # Ok::<(), leptos_realtime::protocol::RoomIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(Arc<str>);

/// Why a text is not a room's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomIdError {
    /// Longer than [`RoomId::MAX_LEN`].
    #[error("a room's name has at most {max} bytes, this one has {0}", max = RoomId::MAX_LEN)]
    TooLong(usize),
    /// Not `kind:id` or `kind:id:part`.
    #[error(
        "a room's name is kind:id or kind:id:part, of letters, digits, '_', '-' and '.', with a lower-case kind"
    )]
    Malformed,
}

impl RoomId {
    /// The greatest length of a room's name, in bytes.
    pub const MAX_LEN: usize = 200;

    /// A room by kind and id, and a part if it has one.
    ///
    /// # Errors
    /// When the three do not make a valid name.
    pub fn new(kind: &str, id: impl fmt::Display, part: Option<&str>) -> Result<Self, RoomIdError> {
        match part {
            Some(part) => format!("{kind}:{id}:{part}").parse(),
            None => format!("{kind}:{id}").parse(),
        }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The second segment.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The third segment, where there is one.
    #[must_use]
    pub fn part(&self) -> Option<&str> {
        self.0.split(':').nth(2)
    }
}

impl FromStr for RoomId {
    type Err = RoomIdError;

    fn from_str(text: &str) -> Result<Self, RoomIdError> {
        if text.len() > Self::MAX_LEN {
            return Err(RoomIdError::TooLong(text.len()));
        }
        let mut segments = text.split(':');
        let kind = segments.next().unwrap_or_default();
        let kind_ok = kind.starts_with(|c: char| c.is_ascii_lowercase())
            && kind
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let rest: Vec<&str> = segments.collect();
        let segment_ok = |s: &&str| {
            !s.is_empty()
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        if kind_ok && matches!(rest.len(), 1 | 2) && rest.iter().all(segment_ok) {
            Ok(Self(text.into()))
        } else {
            Err(RoomIdError::Malformed)
        }
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RoomId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A host's typed room: its kind fixes the type of its events. Made by [`rooms!`](crate::rooms).
pub trait Room: Clone + PartialEq + Send + Sync + 'static {
    /// What is published in rooms of this kind.
    type Event: Serialize + de::DeserializeOwned + Send + Sync + 'static;

    /// What people in rooms of this kind signal to each other: neither ordered nor kept, such as cursors.
    type Signal: Serialize + de::DeserializeOwned + Send + Sync + 'static;

    /// The room's name.
    ///
    /// # Panics
    /// When the host's id does not make a valid name: an id of a free text type must be checked before.
    fn room_id(&self) -> RoomId;

    /// The typed room behind a name, if the name is of this kind.
    fn from_room_id(room: &RoomId) -> Option<Self>;
}

/// The type of events in rooms in which nothing is published, and of signals where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoEvent {}

/// Any room, untyped: its events are JSON.
impl Room for RoomId {
    type Event = serde_json::Value;
    type Signal = serde_json::Value;

    fn room_id(&self) -> RoomId {
        self.clone()
    }

    fn from_room_id(room: &RoomId) -> Option<Self> {
        Some(room.clone())
    }
}

/// Declares the host's kinds of rooms, each with the type of its id and of its events.
///
/// The kind in the room's name is the type's name in `snake_case`, or what `in` says. After `=>` stands the type of its
/// events, and then the type of the signals that its people send each other; a kind without has none. The kinds
/// `online` and `announcements` are the crate's own.
///
/// ```
/// use leptos_realtime::{Room, RoomId, rooms};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// pub enum BoardEvent { PostCreated { id: i64, title: String } }
///
/// rooms! {
///     /// Everyone in a community.
///     Community(i64);
///     /// Its administrators: `community:{id}:admins`.
///     CommunityAdmins(i64) in "community":"admins";
///     /// One board, with the pointers of those who look at it.
///     Board(i64) => BoardEvent, (u16, u16);
/// }
///
/// assert_eq!(Board(7).room_id().as_str(), "board:7");
/// assert_eq!(CommunityAdmins(7).room_id().as_str(), "community:7:admins");
/// assert_eq!(Board::from_room_id(&"board:7".parse()?), Some(Board(7)));
/// assert_eq!(Board::from_room_id(&"community:7".parse()?), None);
/// # Ok::<(), leptos_realtime::protocol::RoomIdError>(())
/// ```
#[macro_export]
macro_rules! rooms {
    ($($(#[$doc:meta])* $name:ident($id:ty) $(in $kind:literal : $part:literal)? $(=> $event:ty $(, $signal:ty)?)?);+ $(;)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct $name(pub $id);

            impl $name {
                /// The room's kind and part, as they stand in its name.
                const NAME: (&'static str, Option<&'static str>) = $crate::__room_name!($name $($kind $part)?);
            }

            impl $crate::Room for $name {
                type Event = $crate::__room_event!($($event)?);
                type Signal = $crate::__room_event!($($($signal)?)?);

                fn room_id(&self) -> $crate::RoomId {
                    let (kind, part) = Self::NAME;
                    $crate::RoomId::new(kind, &self.0, part).expect("the host's id makes a valid room name")
                }

                fn from_room_id(room: &$crate::RoomId) -> Option<Self> {
                    if (room.kind(), room.part()) != Self::NAME {
                        return None;
                    }
                    // `board:07` is no other name for `board:7`.
                    let typed = room.id().parse().ok().map(Self)?;
                    ($crate::Room::room_id(&typed) == *room).then_some(typed)
                }
            }

            impl From<$name> for $crate::RoomId {
                fn from(room: $name) -> Self {
                    $crate::Room::room_id(&room)
                }
            }
        )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __room_event {
    () => {
        $crate::NoEvent
    };
    ($event:ty) => {
        $event
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __room_name {
    ($name:ident) => {{
        const NAME: &str = stringify!($name);
        const BYTES: [u8; $crate::__private::snake_case_len(NAME)] =
            $crate::__private::snake_case(NAME);
        match std::str::from_utf8(&BYTES) {
            Ok(kind) => (kind, None),
            Err(_) => panic!("a room's type name must be ASCII"),
        }
    }};
    ($name:ident $kind:literal $part:literal) => {
        ($kind, Some($part))
    };
}

/// The length of [`snake_case`]'s result: one byte more for each capital but the first.
#[must_use]
pub const fn snake_case_len(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut i, mut len) = (0, bytes.len());
    while i < bytes.len() {
        if i > 0 && bytes[i].is_ascii_uppercase() {
            len += 1;
        }
        i += 1;
    }
    len
}

/// `CommunityAdmins` → `community_admins`, at compile time.
#[must_use]
pub const fn snake_case<const N: usize>(name: &str) -> [u8; N] {
    let bytes = name.as_bytes();
    let mut out = [0; N];
    let (mut i, mut o) = (0, 0);
    while i < bytes.len() {
        if i > 0 && bytes[i].is_ascii_uppercase() {
            out[o] = b'_';
            o += 1;
        }
        out[o] = bytes[i].to_ascii_lowercase();
        i += 1;
        o += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    rooms! { BoardThread(i64) => String; Slug(String) in "page":"edit" }

    #[test]
    fn a_kind_is_the_types_name_in_snake_case() {
        assert_eq!(BoardThread(3).room_id().as_str(), "board_thread:3");
        assert_eq!(Slug("about".into()).room_id().as_str(), "page:about:edit");
        assert_eq!(Slug::from_room_id(&"page:about".parse().unwrap()), None);
        for other in ["board_thread:x", "board_thread:07", "board:7"] {
            assert_eq!(
                BoardThread::from_room_id(&other.parse().unwrap()),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn names_that_are_no_rooms_are_refused() {
        for text in [
            "",
            "board",
            "board:",
            ":7",
            "Board:7",
            "board:7:",
            "board:7:a:b",
            "board:a b",
            "7board:1",
            "b:é",
        ] {
            assert_eq!(
                text.parse::<RoomId>(),
                Err(RoomIdError::Malformed),
                "{text:?}"
            );
        }
        let long = format!("board:{}", "x".repeat(RoomId::MAX_LEN));
        assert_eq!(long.parse::<RoomId>(), Err(RoomIdError::TooLong(206)));
    }

    proptest! {
        #[test]
        fn any_text_either_is_a_room_that_reads_back_or_an_error(text in ".*") {
            if let Ok(room) = text.parse::<RoomId>() {
                prop_assert_eq!(room.as_str(), text.as_str());
                prop_assert_eq!(RoomId::new(room.kind(), room.id(), room.part()), Ok(room.clone()));
            }
        }
    }
}

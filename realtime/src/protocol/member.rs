//! A person in a room, as others may see them.

use serde::{Deserialize, Serialize};

use super::{RoomId, UnixMillis, UserId};

/// How a person is present. A newer server's unknown status reads as [`Status::Online`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Present, but idle or in a hidden tab.
    Away,
    /// Present, and hidden from everybody else by their own wish: only they see themselves so.
    Invisible,
    /// Present.
    #[default]
    #[serde(other)]
    Online,
}

/// What kind of device a session runs on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A computer.
    Desktop,
    /// A phone or a tablet.
    Mobile,
    /// Not said, or a kind newer than this version.
    #[default]
    #[serde(other)]
    Other,
}

impl DeviceKind {
    /// The kind as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Other => "other",
        }
    }
}

/// A person in a room: the union of their sessions there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// The name to show.
    pub name: String,
    /// The best status of their sessions.
    #[serde(default)]
    pub status: Status,
    /// The kinds of their devices, without repeats, in order.
    #[serde(default)]
    pub devices: Vec<DeviceKind>,
    /// Since when they have been in this room, on whichever device, without a break longer than the leave grace.
    pub since: UnixMillis,
    /// Where they are besides, as far as the host lets this room's people know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Place>,
}

/// Whoever is here can be told something: [`Realtime::presence`](crate::server::Realtime::presence) goes into
/// [`notify`](crate::server::Realtime::notify) as it is.
impl From<Member> for UserId {
    fn from(member: Member) -> Self {
        member.user
    }
}

/// A room in which a person is, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The room.
    pub room: RoomId,
    /// Since when one of their sessions has been there.
    pub since: UnixMillis,
}

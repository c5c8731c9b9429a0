//! A person in a room, as others may see them.

use serde::{Deserialize, Serialize};

use super::{UnixMillis, UserId};

/// How a person is present. A newer server's unknown status reads as [`Status::Online`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Present, but idle or in a hidden tab.
    Away,
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
}

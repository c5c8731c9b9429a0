//! Channels: where a person's notifications reach them beside the pages that they have open.

use serde::{Deserialize, Serialize};

use super::UnixMillis;

/// A channel, and how a person stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkedChannel {
    /// Its name, such as `telegram`.
    pub channel: String,
    /// Since when it is linked, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<UnixMillis>,
    /// Why it is not any more, where that was not the person's own wish: in the words of the channel's other side, such
    /// as `Forbidden: bot was blocked by the user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What a person brings to a channel's other side, once, to link it to themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCode {
    /// The code. Whoever brings it is taken for the person.
    pub code: String,
    /// Where to bring it: the code is in it.
    pub url: String,
    /// Until when it is good.
    pub expires: UnixMillis,
}

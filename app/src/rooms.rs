//! The forum's rooms, and what is published in them.

use leptos_realtime::rooms;
use serde::{Deserialize, Serialize};

use crate::model::{PartnerPost, Post};

rooms! {
    /// Everyone in a community, wherever they are in it.
    Community(i64) => CommunityEvent;
    /// Everyone at one board.
    Board(i64) => BoardEvent;
}

/// What happens at a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardEvent {
    /// Somebody posted.
    PostCreated(Post),
}

/// What happens in a community.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommunityEvent {
    /// Somebody posted in a partner community.
    PartnerPost(PartnerPost),
}

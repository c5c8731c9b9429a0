//! The forum's rooms, and what is published in them.

use leptos_realtime::rooms;
use serde::{Deserialize, Serialize};

use crate::model::Post;

rooms! {
    /// Everyone in a community, wherever they are in it.
    Community(i64);
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

//! Whom the hub shows rooms to.

use serde_json::value::RawValue;

use crate::core::message::EntryKey;

/// Names a viewer within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewerId(pub(crate) u64);

/// The viewer's buffer is full, or the viewer is gone.
#[derive(Debug)]
pub(crate) struct NotSent;

/// Someone who sees rooms: a connection of the gateway.
pub(crate) trait Viewer: Send + Sync + 'static {
    /// Its name.
    fn id(&self) -> ViewerId;

    /// The session that it speaks for.
    fn key(&self) -> &EntryKey;

    /// Puts a frame, written already, into the viewer's buffer. Never waits.
    fn send(&self, name: &str, payload: &RawValue) -> Result<(), NotSent>;

    /// As [`send`](Self::send), for what may be left out: only while the viewer has next to nothing to read.
    fn send_spare(&self, name: &str, payload: &RawValue) -> Result<(), NotSent>;

    /// Whether the viewer reads, so that what it missed may be sent again.
    fn has_room(&self) -> bool;
}

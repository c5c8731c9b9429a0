//! Numbers of a running module.

use super::Realtime;

/// How much this node carries, and what it had to mend since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Open connections.
    pub connections: usize,
    /// Sessions, those whose connection was lost a moment ago included.
    pub sessions: usize,
    /// Rooms served.
    pub rooms: usize,
    /// Views of clients that differed from what they were sent, and were mended.
    pub divergences: u64,
    /// Bytes that wait here for clients to read: much of it means slow readers.
    pub unsent_bytes: usize,
    /// Rooms that had lost messages of the broker without noticing, and were read again.
    pub losses: u64,
    /// Changes to people and rooms that were made here, and that other instances have not been told of: none, unless
    /// the meeting point is away.
    pub untold: usize,
    /// How often so many of them waited that they were replaced by a check of everyone.
    pub untold_overflows: u64,
    /// Whether this instance is cut off from the others.
    pub degraded: bool,
    /// Events that wait until the others can be reached.
    pub unpublished: usize,
    /// Events that were not published, because too many waited or they waited for too long.
    pub dropped: u64,
}

impl Realtime {
    /// The numbers of this node, now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (connections, sessions) = self.0.gateway.count();
        let counters = self.0.hub.counters();
        let (untold, untold_overflows) = self.0.gateway.untold();
        Stats {
            connections,
            sessions,
            rooms: self.0.hub.count(),
            divergences: counters.divergences.get(),
            unsent_bytes: self.0.gateway.unsent_bytes(),
            losses: counters.losses.get(),
            untold,
            untold_overflows,
            degraded: !self.0.hub.is_linked(),
            unpublished: self.0.unpublished.len(),
            dropped: self.0.unpublished.dropped(),
        }
    }
}

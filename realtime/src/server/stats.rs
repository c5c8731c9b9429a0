//! Numbers of a running module.

use std::time::Duration;

use super::{Realtime, timings::Timings};

/// How much this node carries now, and what it has done, and had to mend, since it started: numbers that only grow, of
/// which two looks make a rate.
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
    /// How long the module has been running.
    pub uptime: Duration,
    /// Connections that were let in, and those that are over, for whatever reason.
    pub connections_opened: u64,
    /// See `connections_opened`.
    pub connections_closed: u64,
    /// Connections that were not let in.
    pub connections_refused: u64,
    /// Connections that this node ended: by a rule, or because they were silent or did not read.
    pub connections_ended: u64,
    /// Rooms that clients asked for and were shown; `resumes` and `resets` are among them.
    pub joins: u64,
    /// Rooms in which clients went on where they had been.
    pub resumes: u64,
    /// Rooms in which that could not be.
    pub resets: u64,
    /// Rooms that clients asked for and were not shown.
    pub joins_refused: u64,
    /// Events that the host published here.
    pub events_published: u64,
    /// Events that came from the meeting point of instances, for rooms served here.
    pub events_received: u64,
    /// Changes of presence that came from there.
    pub presence_received: u64,
    /// Signals that came from there.
    pub signals_received: u64,
    /// Frames of rooms, each written once.
    pub frames: u64,
    /// The same frames, once for each viewer to whom they went.
    pub deliveries: u64,
    /// Events, once for each viewer to whom they went.
    pub events_delivered: u64,
    /// How often a viewer's buffer was full when it should have been shown something.
    pub slow_reads: u64,
    /// Messages of the broker that were noticed not to have come; their rooms were read again.
    pub gaps: u64,
    /// Commands that Redis answered, and how long all of their answers took together: none without Redis.
    pub redis_round_trips: u64,
    /// See `redis_round_trips`.
    pub redis_round_trip_time: Duration,
}

impl Realtime {
    /// The numbers of this node, now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (connections, sessions) = self.0.gateway.count();
        let counters = self.0.hub.counters();
        let (untold, untold_overflows) = self.0.gateway.untold();
        let round_trips = self.0.hub.broker().round_trips();
        let (redis_round_trips, redis_round_trip_time) =
            round_trips.map(Timings::all).unwrap_or_default();
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
            uptime: self.0.began.elapsed(),
            connections_opened: counters.connected.get(),
            connections_closed: counters.disconnected.get(),
            connections_refused: counters.refused.all(),
            connections_ended: counters.ended.all(),
            joins: counters.joined.get(),
            resumes: counters.resumed.get(),
            resets: counters.reset.get(),
            joins_refused: counters.join_refused.get(),
            events_published: counters.published.get(),
            events_received: counters.events_in.get(),
            presence_received: counters.presence_in.get(),
            signals_received: counters.signals_in.get(),
            frames: counters.frames.get(),
            deliveries: counters.deliveries.get(),
            events_delivered: counters.events_out.get(),
            slow_reads: counters.slow.get(),
            gaps: counters.gaps.get(),
            redis_round_trips,
            redis_round_trip_time,
        }
    }
}

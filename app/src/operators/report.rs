//! What one instance says of itself.

use serde::{Deserialize, Serialize};

/// The longest name of an instance that is told, in bytes: a report has to be a signal, of 1 KiB at most.
#[cfg(feature = "ssr")]
pub(crate) const MAX_NAME: usize = 64;

/// An instance's figures, as it signals them. Counts grow from its start: of two reports the page makes rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// One life of it: new with each start.
    pub run: String,
    /// What it is called, by its platform or machine.
    pub name: String,
    /// The forum's version.
    pub version: String,
    /// How long it has been running, in milliseconds, by a clock that nobody sets.
    pub uptime: u64,
    /// Whether people may be sent to it.
    pub status: NodeStatus,
    /// What it carries now.
    pub now: Load,
    /// What it has done since it started.
    pub total: Counts,
    /// How its database answers.
    pub database: Link,
    /// How Redis answers where it is told something.
    pub publish: Link,
    /// The same where it tells something.
    pub subscribe: Link,
    /// How Redis is, in its own words.
    pub redis: RedisReport,
}

/// Whether people may be sent to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// They may.
    Ready,
    /// They may, and what they do is seen by the people of this instance alone.
    Degraded,
    /// It is about to end.
    Draining,
    /// Its database is away.
    Unready,
}

/// What an instance carries now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Open connections.
    pub connections: u64,
    /// Sessions, those whose connection was lost a moment ago included.
    pub sessions: u64,
    /// Rooms served.
    pub rooms: u64,
    /// Bytes that wait for clients to read.
    pub unsent: u64,
    /// Changes that other instances have not been told of.
    pub untold: u64,
    /// Events that wait until the others can be reached.
    pub unpublished: u64,
}

/// What an instance has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events that were published there.
    pub published: u64,
    /// Events that came for rooms served there, and changes of presence.
    pub received: u64,
    /// See `received`.
    pub presence: u64,
    /// Frames, once for each viewer to whom they went.
    pub deliveries: u64,
    /// Events, once for each viewer to whom they went.
    pub delivered: u64,
    /// Rooms that clients were shown; among them those where they went on, and those where that could not be.
    pub joins: u64,
    /// See `joins`.
    pub resumes: u64,
    /// See `joins`.
    pub resets: u64,
    /// How often a viewer's buffer was full.
    pub slow: u64,
    /// Connections that were not let in.
    pub refused: u64,
    /// Connections that the instance ended.
    pub ended: u64,
    /// Events that were never published.
    pub dropped: u64,
    /// Views and rooms that differed from what they should have been, and were mended.
    pub mended: u64,
    /// Commands that Redis answered, and how long that took altogether, in microseconds.
    pub trips: u64,
    /// See `trips`.
    pub trip_time: u64,
}

/// How something that an instance needs answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// There is none.
    Unused,
    /// It does not, or not within a second.
    Down,
    /// It does, within so many microseconds.
    Up(u64),
}

/// How Redis is, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisReport {
    /// There is none: one instance.
    Unused,
    /// It does not say.
    Down,
    /// It says.
    Up(RedisServers),
}

/// The figures of a Redis, or of all servers of a Cluster together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisServers {
    /// How many there are.
    pub servers: u64,
    /// The version of the first.
    pub version: String,
    /// The memory that is used, in bytes.
    pub memory: u64,
    /// The most that may be used, in bytes; 0: no limit of its own.
    pub limit: u64,
    /// Connections of clients.
    pub clients: u64,
    /// Commands a second, lately.
    pub commands: u64,
    /// Keys that were thrown away because the memory was used up.
    pub evicted: u64,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An instance that has just started.
    pub(in crate::operators) fn report(run: &str, uptime: u64) -> NodeReport {
        NodeReport {
            run: run.to_owned(),
            name: format!("forum-{run}"),
            version: "0.1.0".to_owned(),
            uptime,
            status: NodeStatus::Ready,
            now: Load::default(),
            total: Counts::default(),
            database: Link::Up(400),
            publish: Link::Unused,
            subscribe: Link::Unused,
            redis: RedisReport::Unused,
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_report_of_a_busy_instance_that_has_run_for_years_is_a_signal() {
        // A trillion of everything.
        let many = 999_999_999_999;
        let busy = NodeReport {
            name: "n".repeat(MAX_NAME),
            version: "10.20.30-rc.1".to_owned(),
            status: NodeStatus::Degraded,
            uptime: many,
            now: Load {
                connections: 999_999,
                sessions: 999_999,
                rooms: 999_999,
                unsent: many,
                untold: 999_999,
                unpublished: 10_000,
            },
            total: Counts {
                published: many,
                received: many,
                presence: many,
                deliveries: many,
                delivered: many,
                joins: many,
                resumes: many,
                resets: many,
                slow: many,
                refused: many,
                ended: many,
                dropped: many,
                mended: many,
                trips: many,
                trip_time: many,
            },
            database: Link::Up(999_999),
            publish: Link::Up(999_999),
            subscribe: Link::Up(999_999),
            redis: RedisReport::Up(RedisServers {
                servers: 100,
                version: "10.20.30".to_owned(),
                memory: many,
                limit: many,
                clients: 999_999,
                commands: 999_999,
                evicted: many,
            }),
            ..report("0123456789abcdef", 1)
        };
        let size = serde_json::to_string(&busy).unwrap().len();
        let limit = leptos_realtime::RealtimeConfig::default().max_signal_bytes;
        assert!(size <= limit, "{size} of {limit} bytes");
    }
}

//! Each instance says how it is, for as long as an operator looks.

use std::{convert::Infallible, future::Future, time::Duration};

use leptos_realtime::{
    Realtime,
    server::health::{Check, CheckStatus, ReadyStatus, RedisServer, RedisStatistics},
};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Rights;
use crate::{
    OPERATORS,
    operators::{
        Counts, EVERY, Link, Load, MAX_NAME, NodeReport, NodeStatus, RedisReport, RedisServers,
    },
};

/// How long the database may take to say who is an operator: reports go on meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the operators' room how this instance is, every two seconds while anybody is there on any instance, and keeps
/// those out who are no operators any more.
///
/// It is a future and no task: whoever runs it beside the server ends it with the server.
pub struct Reporter {
    rights: Rights,
    realtime: Realtime,
}

impl Reporter {
    /// The reporter of an instance.
    #[must_use]
    pub fn new(rights: Rights, realtime: Realtime) -> Self {
        Self { rights, realtime }
    }

    /// Serves until the server has ended, and no longer.
    pub async fn beside<T>(self, serving: impl Future<Output = T>) -> T {
        tokio::select! {
            served = serving => served,
            never = self.run() => match never {},
        }
    }

    async fn run(self) -> Infallible {
        let mut clock = interval(Duration::from_millis(EVERY));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            tokio::join!(self.keep_out(), self.tell());
        }
    }

    /// Whoever was let in and is no operator any more leaves the room, on the pages that they have open.
    async fn keep_out(&self) {
        let let_in = self.rights.let_in();
        let inside = let_in.all();
        let operators = timeout(PATIENCE, self.rights.forum().operators(&inside)).await;
        // Where the database does not say, nothing is known: the next look comes soon.
        let Ok(Ok(operators)) = operators else {
            return;
        };
        for person in inside.into_iter().filter(|one| !operators.contains(one)) {
            // First, so that who is appointed again meanwhile is noted again.
            let_in.forget(person);
            tracing::info!(person, "is no operator any more");
            self.realtime.recheck(person).await;
        }
    }

    async fn tell(&self) {
        // Where that cannot be known, nobody would hear it either.
        if !self.realtime.is_occupied(OPERATORS).await.unwrap_or(false) {
            return;
        }
        let report = report(&self.realtime).await;
        if let Err(error) = self.realtime.signal(OPERATORS, &report).await {
            // The page asks by itself where it hears nothing.
            tracing::debug!(%error, "operators were not told how this instance is");
        }
    }
}

/// How this instance is.
pub(crate) async fn report(realtime: &Realtime) -> NodeReport {
    let (readiness, redis) = tokio::join!(realtime.readiness(), realtime.redis_statistics());
    let stats = realtime.stats();
    let own = realtime.nodes().into_iter().next();
    let (run, name) = own.map_or_else(
        || ("0".to_owned(), "this instance".to_owned()),
        |node| (node.run.to_string(), node.name),
    );
    let time = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    NodeReport {
        run,
        name: shortened(name),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: time(stats.uptime) / 1_000,
        status: match readiness.status {
            ReadyStatus::Draining => NodeStatus::Draining,
            ReadyStatus::Degraded => NodeStatus::Degraded,
            ReadyStatus::Unready => NodeStatus::Unready,
            _ => NodeStatus::Ready,
        },
        now: Load {
            connections: stats.connections as u64,
            sessions: stats.sessions as u64,
            rooms: stats.rooms as u64,
            unsent: stats.unsent_bytes as u64,
            untold: stats.untold as u64,
            unpublished: stats.unpublished as u64,
        },
        total: Counts {
            published: stats.events_published,
            received: stats.events_received,
            presence: stats.presence_received,
            deliveries: stats.deliveries,
            delivered: stats.events_delivered,
            joins: stats.joins,
            resumes: stats.resumes,
            resets: stats.resets,
            slow: stats.slow_reads,
            refused: stats.connections_refused,
            ended: stats.connections_ended,
            dropped: stats.dropped,
            mended: stats.divergences + stats.gaps + stats.losses,
            trips: stats.redis_round_trips,
            trip_time: time(stats.redis_round_trip_time),
        },
        database: link(&readiness.checks.database),
        publish: link(&readiness.checks.redis_publish),
        subscribe: link(&readiness.checks.redis_subscribe),
        redis: match redis {
            None => RedisReport::Unused,
            Some(Err(_)) => RedisReport::Down,
            Some(Ok(statistics)) => RedisReport::Up(servers(statistics)),
        },
    }
}

fn link(check: &Check) -> Link {
    match (check.status, check.latency_ms) {
        (CheckStatus::Up, latency) => Link::Up((latency.unwrap_or(0.0) * 1_000.0) as u64),
        (CheckStatus::Unused, _) => Link::Unused,
        _ => Link::Down,
    }
}

/// What all servers have together.
fn servers(statistics: RedisStatistics) -> RedisServers {
    let servers = &statistics.servers;
    let sum = |of: fn(&RedisServer) -> Option<u64>| servers.iter().filter_map(of).sum();
    let version = servers.iter().find_map(|server| server.version.clone());
    RedisServers {
        servers: servers.len() as u64,
        version: version.map(shortened).unwrap_or_default(),
        memory: sum(|server| server.used_memory_bytes),
        limit: sum(|server| server.max_memory_bytes),
        clients: sum(|server| server.connected_clients),
        commands: sum(|server| server.commands_per_second),
        evicted: sum(|server| server.evicted_keys),
    }
}

/// A name that somebody else chose, of a length that fits.
fn shortened(mut name: String) -> String {
    if name.len() > MAX_NAME {
        name.truncate(name.floor_char_boundary(MAX_NAME));
    }
    name
}

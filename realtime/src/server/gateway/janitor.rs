//! The task that looks after connections: cuts the dead ones, ends what has expired, and sessions whose grace is over.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Gateway;

/// How often dead connections and ended graces are looked for.
const JANITOR_TICK: Duration = Duration::from_millis(250);

/// How often the limits of people who are gone are forgotten.
const MAINTAIN_EVERY: Duration = Duration::from_secs(5);

/// Cuts connections from which nothing comes or that do not read, and ends sessions whose grace is over.
pub(super) async fn run(gateway: Gateway, stop: CancellationToken) {
    let inner = &gateway.0;
    let silence = inner.config.ping_interval + inner.config.ping_timeout;
    let mut tick = interval(JANITOR_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut maintained = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let now = Instant::now();
        let connections: Vec<_> = gateway.connections().values().cloned().collect();
        for connection in connections {
            if let Some(reason) = connection.wire.verdict(silence, inner.config.stall_timeout) {
                tracing::info!(connection = connection.id.0, reason, "cut a connection");
                inner.hub.counters().ended.one(reason);
                connection.wire.cut();
                // Presence must not wait until the transport has noticed.
                gateway.closed(&connection);
            }
            gateway.expire(&connection, now);
        }
        gateway.loose().retain(|(due, wire)| {
            let over = *due <= now;
            if over && !wire.is_in_use() {
                wire.cut();
            }
            !over && !wire.is_over()
        });
        // Whoever lost their connection to a node that ends is back elsewhere before anybody sees them go.
        if gateway.may_tell_leaves(now) {
            inner.teller.mark(inner.sessions.take_due(now));
        }
        if now.duration_since(maintained) >= MAINTAIN_EVERY {
            maintained = now;
            inner.limiter.maintain();
        }
    }
}

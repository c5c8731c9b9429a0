//! Metrics, as Prometheus reads them: `GET /metrics`, for operators, who show `REALTIME_OPERATOR_TOKEN`.
//!
//! | name | kind | |
//! |---|---|---|
//! | `realtime_connections`, `realtime_sessions`, `realtime_rooms` | gauge | open now |
//! | `realtime_unsent_bytes` | gauge | what waits for clients to read |
//! | `realtime_untold`, `realtime_unpublished` | gauge | changes and events that wait for the meeting point of instances |
//! | `realtime_degraded`, `realtime_draining` | gauge | 1: cut off from the other instances; 1: about to end |
//! | `realtime_connections_opened_total`, `realtime_connections_closed_total` | counter | |
//! | `realtime_connections_refused_total{code}` | counter | by the code of [`ErrorCode`](crate::ErrorCode) |
//! | `realtime_connections_ended_total{reason}` | counter | ended by the server: by the code, `silent` or `stalled` |
//! | `realtime_joins_total{outcome}` | counter | `fresh`, `resumed`, `reset`, `refused` |
//! | `realtime_received_total{kind}` | counter | from the meeting point, for rooms served here: `event`, `presence`, `signal` |
//! | `realtime_events_published_total` | counter | by the host, here |
//! | `realtime_frames_total`, `realtime_deliveries_total` | counter | frames of rooms, each written once, and to how many viewers they went. The coalescing ratio is `received{kind=~"event\|presence"}` by `frames` |
//! | `realtime_events_delivered_total` | counter | once for each viewer |
//! | `realtime_slow_reads_total` | counter | a viewer's buffer was full |
//! | `realtime_divergences_total` | counter | views that differed from what was sent, and were mended |
//! | `realtime_gaps_total`, `realtime_losses_total` | counter | messages that did not come, noticed at once or by comparison; mended |
//! | `realtime_events_dropped_total` | counter | not published: too many waited, or for too long |
//! | `realtime_untold_overflows_total` | counter | so many changes waited that everyone is checked instead |
//!
//! No label has more values than there are codes.

use std::fmt;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, header};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use serde_json::json;

use super::{Realtime, operator::is_operator};

/// What is answered: OpenMetrics 1.0, which Prometheus asks for.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The route, at its path.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(realtime: Realtime) -> Router<S> {
    let path = realtime.0.config.metrics_path.clone();
    Router::new()
        .route(&path, get(metrics))
        .with_state(realtime)
}

async fn metrics(State(realtime): State<Realtime>, headers: HeaderMap) -> Response {
    let fresh = (header::CACHE_CONTROL, "no-store");
    if let Err((status, sentence)) = is_operator(&realtime, &headers) {
        return (status, [fresh], Json(json!({"error": sentence}))).into_response();
    }
    let kind = (header::CONTENT_TYPE, CONTENT_TYPE);
    ([fresh, kind], realtime.metrics()).into_response()
}

impl Realtime {
    /// The numbers of this node as OpenMetrics 1.0 text: what `GET /metrics` answers. A host that has metrics of its own
    /// registers [`Realtime::collector`] with them instead.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(self.collector());
        let mut text = String::new();
        text::encode(&mut text, &registry).expect("a string takes everything");
        text
    }

    /// The numbers of this node, for a registry of the host's own.
    #[must_use]
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(Numbers(self.clone()))
    }
}

struct Numbers(Realtime);

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbers").finish_non_exhaustive()
    }
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        let stats = self.0.stats();
        let (degraded, draining) = (
            u64::from(stats.degraded),
            u64::from(self.0.0.gateway.is_draining()),
        );
        for (name, help, now) in [
            ("connections", "Open connections", stats.connections as u64),
            (
                "sessions",
                "Sessions, those lost a moment ago included",
                stats.sessions as u64,
            ),
            ("rooms", "Rooms served", stats.rooms as u64),
            (
                "untold",
                "Changes that other instances have not been told of",
                stats.untold as u64,
            ),
            (
                "unpublished",
                "Events that wait for the meeting point",
                stats.unpublished as u64,
            ),
            (
                "degraded",
                "Whether this instance is cut off from the others",
                degraded,
            ),
            (
                "draining",
                "Whether this instance is about to end",
                draining,
            ),
        ] {
            out.gauge(name, help, None, now)?;
        }
        let help = "What waits for clients to read";
        out.gauge(
            "unsent",
            help,
            Some(&Unit::Bytes),
            stats.unsent_bytes as u64,
        )?;

        let counters = self.0.0.hub.counters();
        for (name, help, count) in [
            (
                "connections_opened",
                "Connections that were let in",
                counters.connected.get(),
            ),
            (
                "connections_closed",
                "Connections that are over",
                counters.disconnected.get(),
            ),
            (
                "events_published",
                "Events that the host published here",
                counters.published.get(),
            ),
            (
                "frames",
                "Frames of rooms, each written once",
                counters.frames.get(),
            ),
            (
                "deliveries",
                "Frames of rooms, once for each viewer",
                counters.deliveries.get(),
            ),
            (
                "events_delivered",
                "Events, once for each viewer",
                counters.events_out.get(),
            ),
            (
                "slow_reads",
                "How often a viewer's buffer was full",
                counters.slow.get(),
            ),
            (
                "divergences",
                "Views that differed from what was sent",
                counters.divergences.get(),
            ),
            (
                "gaps",
                "Messages that were noticed not to have come",
                counters.gaps.get(),
            ),
            (
                "losses",
                "Rooms that lost messages without noticing",
                counters.losses.get(),
            ),
            (
                "events_dropped",
                "Events that were not published",
                stats.dropped,
            ),
            (
                "untold_overflows",
                "Checks of everyone instead of single changes",
                stats.untold_overflows,
            ),
        ] {
            out.counters(name, help, "", [("", count)])?;
        }
        let (resumed, reset) = (counters.resumed.get(), counters.reset.get());
        let joins = [
            (
                "fresh",
                counters.joined.get().saturating_sub(resumed + reset),
            ),
            ("resumed", resumed),
            ("reset", reset),
            ("refused", counters.join_refused.get()),
        ];
        out.counters("joins", "Rooms that clients asked for", "outcome", joins)?;
        let received = [
            ("event", counters.events_in.get()),
            ("presence", counters.presence_in.get()),
            ("signal", counters.signals_in.get()),
        ];
        let help = "What came from the meeting point for rooms served here";
        out.counters("received", help, "kind", received)?;
        let help = "Connections that were not let in";
        out.counters("connections_refused", help, "code", counters.refused.get())?;
        let help = "Connections that the server ended";
        out.counters("connections_ended", help, "reason", counters.ended.get())
    }
}

/// Writes one after the other.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, now: u64) -> fmt::Result {
        let name = format!("realtime_{name}");
        let gauge = ConstGauge::new(i64::try_from(now).unwrap_or(i64::MAX));
        let encoder = (self.0).encode_descriptor(&name, help, unit, MetricType::Gauge)?;
        gauge.encode(encoder)
    }

    /// One count for each value of the label, or one without a label.
    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        counts: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let name = format!("realtime_{name}");
        let mut encoder = (self.0).encode_descriptor(&name, help, None, MetricType::Counter)?;
        for (value, count) in counts {
            let counter = ConstCounter::new(count);
            if label.is_empty() {
                return counter.encode(encoder);
            }
            counter.encode(encoder.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::User, server::RealtimeConfig};

    #[tokio::test]
    async fn each_number_has_a_name_of_its_own_that_ends_as_prometheus_names_do() {
        let realtime = Realtime::builder(RealtimeConfig::default())
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .start()
            .await
            .unwrap();
        realtime.0.hub.counters().refused.one("unauthorized");
        let text = realtime.metrics();
        assert!(text.ends_with("# EOF\n"), "{text}");
        let mut names: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        assert!(names.len() > 20 && names.iter().all(|name| name.starts_with("realtime_")));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for line in [
            "realtime_unsent_bytes 0",
            "realtime_connections 0",
            "realtime_connections_opened_total 0",
            "realtime_joins_total{outcome=\"reset\"} 0",
            "realtime_connections_refused_total{code=\"unauthorized\"} 1",
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line}: {text}"
            );
        }
        // What is documented is what there is.
        let documented = include_str!("metrics.rs");
        let documented = documented.split("\nuse ").next().unwrap();
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = name.split_once(' ').unwrap();
            let total = if kind == "counter" { "_total" } else { "" };
            let named = [format!("`{name}{total}`"), format!("`{name}{total}{{")];
            assert!(
                named.iter().any(|named| documented.contains(named)),
                "{name}"
            );
        }
    }
}

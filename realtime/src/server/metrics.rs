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
//! | `realtime_dependency_up{dependency}` | gauge | 1: `database`, `redis_publish`, `redis_subscribe` answered within a second, as `/health/ready` asks |
//! | `realtime_redis_round_trip_seconds` | histogram | from a command to its answer |
//! | `realtime_outbox_rows` | gauge | committed events and notifications that were left waiting after the last look |
//! | `realtime_outbox_failures_total` | counter | looks that the database did not answer |
//! | `realtime_notifications_total`, `realtime_withdrawals_total` | counter | people who were told something here; from whom something was taken back |
//! | `realtime_channel_messages_total{outcome}` | counter | tries: `sent`, `needless` (seen, or they are here), `again` (later), `failed` |
//! | `realtime_lease_held{lease}` | gauge | 1: this is the instance that does what only one does: `tidy inboxes`, or a channel's name |
//! | `realtime_http_requests_total{route,status}` | counter | by route, and `2xx` to `5xx`; `other` has no route |
//! | `realtime_http_request_seconds{route}` | histogram | until the answer began |
//! | `realtime_process_start_time_seconds` | gauge | when the module was started, since the Unix epoch |
//! | `realtime_process_resident_memory_bytes`, `realtime_process_open_fds` | gauge | where the system tells (Linux) |
//! | `realtime_build{version}` | gauge | 1, with the crate's version |
//!
//! No label has more values than there are codes, or routes of the host.

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, header};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use serde_json::json;

use crate::protocol::UnixMillis;

use super::{Realtime, health::CheckStatus, http::Route, operator::is_operator, timings::Timings};

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
    // Asked for once a second at most, whoever wants to know.
    let _ = realtime.readiness().await;
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
            (
                "outbox_rows",
                "Committed events and notifications that wait",
                self.0.0.hub.counters().outbox_left.get(),
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
            (
                "outbox_failures",
                "Looks that the database did not answer",
                counters.outbox_failed.get(),
            ),
            (
                "notifications",
                "People who were told something here",
                counters.notified.get(),
            ),
            (
                "withdrawals",
                "People from whom something was taken back",
                counters.withdrawn.get(),
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
        out.counters("connections_ended", help, "reason", counters.ended.get())?;
        let help = "Tries to send a message to a channel";
        out.counters("channel_messages", help, "outcome", counters.messages.get())?;
        let help = "Whether this instance does what only one does";
        let leases = counters.leases.get();
        out.flags("lease_held", help, "lease", &leases)?;
        let help = "Whether what the process needs answers";
        let up = self.0.0.health.last().into_iter();
        let up = up.map(|(name, check)| (name.to_owned(), check.status == CheckStatus::Up));
        out.flags("dependency_up", help, "dependency", &up.collect())?;
        if let Some(timings) = self.0.0.hub.broker().round_trips() {
            let help = "From a command to Redis to its answer";
            out.times("redis_round_trip", help, [(NO_LABEL, timings)])?;
        }
        let requests = self.0.0.requests.read();
        out.requests(&requests)?;
        let help = "Until the answer to a request began";
        let times = requests.iter();
        let times = times.map(|(path, route)| (("route", path.as_str()), &route.took));
        out.times("http_request", help, times)?;
        process(&mut out, self.0.0.started)
    }
}

/// Of what has no label.
const NO_LABEL: (&str, &str) = ("", "");

/// What is to be known of the process, as far as the system tells.
fn process(out: &mut Out<'_>, started: UnixMillis) -> fmt::Result {
    let help = "When the module was started, since the Unix epoch";
    let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
    out.gauge("process_start_time", help, seconds, started / 1_000)?;
    if let Some(resident) = resident_memory() {
        let help = "Memory that the process has in use";
        out.gauge("process_resident_memory", help, bytes, resident)?;
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let help = "Files and sockets that are open";
        out.gauge("process_open_fds", help, None, open.count() as u64)?;
    }
    let version = BTreeMap::from([(env!("CARGO_PKG_VERSION").to_owned(), true)]);
    out.flags("build", "The crate's version", "version", &version)
}

/// In bytes.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
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

    /// 1 or 0 for each value of the label.
    fn flags(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        flags: &BTreeMap<String, bool>,
    ) -> fmt::Result {
        let name = format!("realtime_{name}");
        let mut encoder = (self.0).encode_descriptor(&name, help, None, MetricType::Gauge)?;
        for (value, is_so) in flags {
            let gauge = ConstGauge::new(i64::from(*is_so));
            gauge.encode(encoder.encode_family(&[(label, value.as_str())])?)?;
        }
        Ok(())
    }

    /// How long things took, for each value of the label.
    fn times<'t>(
        &mut self,
        name: &str,
        help: &str,
        times: impl IntoIterator<Item = ((&'t str, &'t str), &'t Timings)>,
    ) -> fmt::Result {
        let (name, unit) = (format!("realtime_{name}"), Some(&Unit::Seconds));
        let mut encoder = (self.0).encode_descriptor(&name, help, unit, MetricType::Histogram)?;
        for (label, timings) in times {
            let (seconds, buckets) = timings.read();
            let count = buckets.iter().map(|(_, count)| count).sum();
            if label == NO_LABEL {
                return encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None);
            }
            let labels = [label];
            let mut encoder = encoder.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)?;
        }
        Ok(())
    }

    fn requests(&mut self, requests: &[(String, Arc<Route>)]) -> fmt::Result {
        let (name, help) = ("realtime_http_requests", "Requests that were answered");
        let mut encoder = (self.0).encode_descriptor(name, help, None, MetricType::Counter)?;
        for (path, route) in requests {
            for (status, count) in route.statuses() {
                let labels = [("route", path.as_str()), ("status", status)];
                ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
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
        realtime.0.hub.counters().leases.set("tidy inboxes", true);
        let app = realtime.embed(Router::new());
        let live = http::Request::get("/health/live");
        let live = live.body(axum::body::Body::empty()).unwrap();
        tower::ServiceExt::oneshot(app, live).await.unwrap();
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
            "realtime_lease_held{lease=\"tidy inboxes\"} 1",
            "realtime_http_requests_total{route=\"/health/live\",status=\"2xx\"} 1",
            "realtime_http_request_seconds_count{route=\"/health/live\"} 1",
            "realtime_http_request_seconds_bucket{le=\"+Inf\",route=\"/health/live\"} 1",
            concat!(
                "realtime_build{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
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

//! What is asked of the metrics that there are.

use std::collections::BTreeMap;

use super::{
    metrics::{Kind, Metric},
    promql,
};

/// What a scrape adds to every series.
const SCRAPED: [&str; 2] = ["job", "instance"];

/// What makes sense of a counter: anything else shows only since when its process runs.
const GROWTH: [&str; 4] = ["rate", "irate", "increase", "resets"];

/// Reads an expression, and returns the metrics in it; says what is wrong with it.
pub(super) fn asked(
    expression: &str,
    metrics: &BTreeMap<String, Metric>,
) -> Result<Vec<String>, String> {
    let wrong = |what: String| Err(format!("{what}: {expression}"));
    let query = match promql::read(expression) {
        Ok(query) => query,
        Err(what) => return wrong(what),
    };
    let mut labels: Vec<&str> = SCRAPED.to_vec();
    for selector in &query.selectors {
        let name = &selector.metric;
        let Some(metric) = metrics.get(name) else {
            return wrong(format!("there is no metric {name}"));
        };
        let function = selector.function.as_deref().unwrap_or_default();
        let grows = GROWTH.contains(&function);
        if grows != (metric.kind == Kind::Counter) {
            return wrong(format!("{name} is a {:?}, in `{function}`", metric.kind));
        }
        let own = metric.labels.iter().map(String::as_str);
        let known: Vec<_> = own.chain(SCRAPED).collect();
        if let Some(label) = selector
            .labels
            .iter()
            .find(|label| !known.contains(&label.as_str()))
        {
            return wrong(format!("{name} has no label {label}"));
        }
        labels.extend(known);
    }
    if let Some(label) = query
        .grouped
        .iter()
        .find(|label| !labels.contains(&label.as_str()))
    {
        return wrong(format!("no series of it has a label {label}"));
    }
    let names = query.selectors.into_iter().map(|selector| selector.metric);
    Ok(names.collect())
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_found() {
    let metrics = super::metrics::exposed();
    let found = |expression: &str| asked(expression, &metrics).err().unwrap_or_default();
    assert_eq!(
        found("sum by (code) (rate(realtime_connections_refused_total{job=\"x\"}[5m])) > 1"),
        ""
    );
    for (expression, complaint) in [
        ("realtime_conections > 0", "no metric realtime_conections"),
        ("rate(realtime_frames[5m])", "no metric realtime_frames"),
        (
            "realtime_frames_total",
            "realtime_frames_total is a Counter",
        ),
        (
            "rate(realtime_connections[5m])",
            "realtime_connections is a Gauge",
        ),
        ("realtime_rooms{code=\"x\"}", "no label code"),
        (
            "sum by (code) (realtime_rooms)",
            "no series of it has a label code",
        ),
        ("sum(realtime_rooms", ") is missing"),
    ] {
        assert!(
            found(expression).contains(complaint),
            "{expression}: {}",
            found(expression)
        );
    }
}

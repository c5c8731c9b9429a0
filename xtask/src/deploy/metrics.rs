//! The metrics that there are, as the table in `realtime/src/server/metrics.rs` has them, which a test there compares with
//! what is written.

use std::collections::BTreeMap;

use crate::guide::read;

/// How a metric is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// Only its growth says something.
    Counter,
}

/// One name of the exposition.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) labels: Vec<String>,
}

/// Every name that Prometheus knows after a scrape: those of the table, as the exposition spells them, and its own.
pub(super) fn exposed() -> BTreeMap<String, Metric> {
    let mut exposed = documented(&read("realtime/src/server/metrics.rs"));
    let labels = Vec::new();
    let kind = Kind::Gauge;
    exposed.insert("up".to_owned(), Metric { kind, labels });
    exposed
}

/// Those of the table alone.
pub(super) fn documented(source: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::new();
    let rows = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"));
    for row in rows {
        let (names, rest) = row.split_once(" | ").expect("a second cell");
        let kind = rest.split(" | ").next().expect("a kind");
        for name in names.split(", ") {
            let name = name.trim_matches('`');
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let labels = labels.trim_end_matches('}').split(',');
            let labels: Vec<_> = labels
                .filter(|label| !label.is_empty())
                .map(str::to_owned)
                .collect();
            let mut add = |name: String, kind, labels: &[String]| {
                let labels = labels.to_vec();
                let known = metrics.insert(name, Metric { kind, labels });
                assert!(known.is_none(), "the table has a name twice: {known:?}");
            };
            match kind {
                "gauge" => add(name.to_owned(), Kind::Gauge, &labels),
                "counter" => add(name.to_owned(), Kind::Counter, &labels),
                "histogram" => {
                    for part in ["count", "sum"] {
                        add(format!("{name}_{part}"), Kind::Counter, &labels);
                    }
                    let with_bound = [labels, vec!["le".to_owned()]].concat();
                    add(format!("{name}_bucket"), Kind::Counter, &with_bound);
                }
                other => panic!("{name} is of an unknown kind: {other}"),
            }
        }
    }
    metrics
}

#[test]
fn the_table_is_read_and_a_histogram_has_three_names() {
    let table = "//! | name | kind | |\n//! |---|---|---|\n//! | `a`, `b` | gauge | open now |\n\
                 //! | `c_total{code}` | counter | by `x{y=~\"1\\|2\"}` |\n//! | `d_seconds{route}` | histogram | |\n";
    let metrics = documented(table);
    let names: Vec<_> = metrics.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "a",
            "b",
            "c_total",
            "d_seconds_bucket",
            "d_seconds_count",
            "d_seconds_sum"
        ]
    );
    assert_eq!(metrics["a"].kind, Kind::Gauge);
    assert_eq!(metrics["c_total"].labels, ["code"]);
    assert_eq!(metrics["d_seconds_bucket"].labels, ["route", "le"]);
    assert!(exposed().len() > 20, "the table of metrics.rs is not found");
}

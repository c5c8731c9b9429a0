//! What is in `deploy/`, held against what is there: the dashboard and the alerts against the metrics, the alerts against
//! the runbook, and every place that sets variables against the README.
//!
//! [`promql`] reads expressions as Prometheus would, without it; where `promtool` is installed it is asked too.

mod alerts;
mod dashboard;
mod documents;
mod expressions;
mod metrics;
mod promql;
mod settings;

use serde::Deserialize as _;
use serde_json::Value;

use crate::guide::read;

/// The documents of a YAML file, with `<<` carried out.
fn yaml(file: &str) -> Vec<Value> {
    let text = read(file);
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    let documents = documents.map(|document| {
        let mut value = serde_yaml_ng::Value::deserialize(document)
            .unwrap_or_else(|error| panic!("{file} is no YAML: {error}"));
        value.apply_merge().expect("`<<` is given a map");
        serde_json::to_value(value).expect("keys are texts")
    });
    documents.collect()
}

/// A text that has to be there.
fn text<'a>(value: &'a Value, what: &str) -> &'a str {
    let found = value.as_str().unwrap_or_default().trim();
    assert!(!found.is_empty(), "{what} is missing");
    found
}

/// A list that has to be there.
fn list<'a>(value: &'a Value, what: &str) -> &'a [Value] {
    let found = value.as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!found.is_empty(), "{what} is missing or empty");
    found
}

//! `deploy/grafana/leptos_realtime.json`: every panel says what it shows, in which unit, of metrics that there are; and every
//! metric is on it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    expressions::asked,
    list,
    metrics::{documented, exposed},
    text,
};
use crate::guide::read;

/// What Grafana puts in place of its own variables, with a value of each.
const VARIABLES: [(&str, &str); 2] = [("$__rate_interval", "5m"), ("$__range", "1h")];

/// The panels, those of folded rows too.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut panels = Vec::new();
    for panel in list(&dashboard["panels"], "the list of panels") {
        if panel["type"] != "row" {
            panels.push(panel);
        }
        panels.extend(panel["panels"].as_array().into_iter().flatten());
    }
    panels
}

#[test]
fn every_panel_says_what_it_shows_of_metrics_that_there_are() {
    let file = read("deploy/grafana/leptos_realtime.json");
    let dashboard: Value = serde_json::from_str(&file).expect("the dashboard is JSON");
    let metrics = exposed();
    let (mut titles, mut ids, mut shown) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in panels(&dashboard) {
        let title = text(&panel["title"], "a panel's title");
        assert!(titles.insert(title), "two panels are called {title}");
        assert!(
            ids.insert(panel["id"].as_u64()),
            "{title} has the id of another"
        );
        text(
            &panel["description"],
            &format!("the description of {title}"),
        );
        text(
            &panel["fieldConfig"]["defaults"]["unit"],
            &format!("the unit of {title}"),
        );
        let source = &panel["datasource"]["uid"];
        assert_eq!(source, "${datasource}", "{title} has a source of its own");
        for target in list(&panel["targets"], &format!("what {title} shows")) {
            let mut expression =
                text(&target["expr"], &format!("an expression of {title}")).to_owned();
            assert!(
                expression.contains("{job=~\"$job\", instance=~\"$instance\""),
                "{title} is not of what was chosen: {expression}"
            );
            for (variable, value) in VARIABLES {
                expression = expression.replace(variable, value);
            }
            match asked(&expression, &metrics) {
                Ok(names) => shown.extend(names),
                Err(why) => panic!("{title}: {why}"),
            }
        }
    }
    for name in documented(&read("realtime/src/server/metrics.rs")).keys() {
        let is_shown = shown.contains(name);
        // Of a histogram its buckets are enough.
        let part = name.ends_with("_sum") || name.ends_with("_count");
        assert!(is_shown || part, "no panel shows {name}");
    }
}

#[test]
fn what_is_chosen_on_the_dashboard_is_there_to_choose() {
    let file = read("deploy/grafana/leptos_realtime.json");
    let dashboard: Value = serde_json::from_str(&file).expect("the dashboard is JSON");
    let variables = list(&dashboard["templating"]["list"], "the list of variables");
    let names: Vec<_> = variables
        .iter()
        .map(|variable| text(&variable["name"], "a name"))
        .collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
}

/// `*Unsent bytes*` in the runbook is a panel; what people read on their pages ends with a full stop.
#[test]
fn the_runbook_names_panels_that_there_are() {
    let file = read("deploy/grafana/leptos_realtime.json");
    let dashboard: Value = serde_json::from_str(&file).expect("the dashboard is JSON");
    let panels = panels(&dashboard);
    let titles: Vec<_> = panels
        .iter()
        .map(|panel| text(&panel["title"], "a title"))
        .collect();
    let runbook = read("deploy/RUNBOOK.md").replace("**", "");
    let named = runbook.split('*').skip(1).step_by(2);
    let named: Vec<_> = named.filter(|name| !name.ends_with('.')).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        assert!(
            titles.contains(&name),
            "the runbook names the panel {name:?}"
        );
    }
}

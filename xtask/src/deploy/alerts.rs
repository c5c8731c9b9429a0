//! `deploy/prometheus/alerts.yml`: every alert says what is wrong and leads to what to do, in `deploy/RUNBOOK.md`.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

use super::{
    documents::anchors, expressions::asked, list, metrics::exposed, promql::is_duration, text, yaml,
};
use crate::{
    guide::{path, read},
    tools,
};

const RULES: &str = "deploy/prometheus/alerts.yml";

#[test]
fn every_alert_is_of_metrics_that_there_are_and_leads_to_the_runbook() {
    let rules = yaml(RULES);
    let metrics = exposed();
    let sections: BTreeSet<_> = anchors(&read("deploy/RUNBOOK.md")).into_iter().collect();
    let mut alerts = BTreeSet::new();
    for group in list(&rules[0]["groups"], "the list of groups") {
        for rule in list(&group["rules"], "a group's list of rules") {
            let name = text(&rule["alert"], "an alert's name");
            let of = |what: &str| format!("{what} of {name}");
            if let Err(why) = asked(text(&rule["expr"], &of("the expression")), &metrics) {
                panic!("{name}: {why}");
            }
            let wait = rule["for"].as_str().unwrap_or("0s");
            assert!(is_duration(wait), "{name} waits for {wait}");
            let severity = text(&rule["labels"]["severity"], &of("the severity"));
            assert!(
                ["critical", "warning"].contains(&severity),
                "{name} is {severity}"
            );
            let notes = &rule["annotations"];
            text(&notes["summary"], &of("the summary"));
            text(&notes["description"], &of("the description"));
            let link = text(&notes["runbook_url"], &of("the runbook's address"));
            let section = link
                .split_once("deploy/RUNBOOK.md#")
                .map(|(_, section)| section);
            assert_eq!(
                section,
                Some(name.to_lowercase().as_str()),
                "{name} leads to {link}"
            );
            assert!(
                sections.contains(&name.to_lowercase()),
                "the runbook has nothing on {name}"
            );
            assert!(alerts.insert(name.to_lowercase()), "{name} is there twice");
        }
    }
    let told = sections
        .iter()
        .filter(|section| section.starts_with("realtime"));
    let told: BTreeSet<_> = told.cloned().collect();
    assert_eq!(
        told, alerts,
        "the runbook tells of alerts that there are not"
    );
}

/// With Prometheus' own tool, where it is installed: whether it reads them, and when they ring.
#[test]
fn prometheus_reads_the_rules_and_they_ring_when_they_should() {
    let Some(promtool) = tools::find(&["promtool"]) else {
        println!("not checked by Prometheus itself: promtool is not installed");
        return;
    };
    let folder = path("deploy/prometheus");
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
    ] {
        let mut command = Command::new(&promtool);
        command
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null());
        let output = command.output().expect("promtool starts");
        assert!(
            output.status.success(),
            "promtool {}: {}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Each alert has a case in which it rings.
#[test]
fn every_alert_is_tried() {
    let tried = read("deploy/prometheus/alerts.test.yml");
    for group in list(&yaml(RULES)[0]["groups"], "the list of groups") {
        for rule in list(&group["rules"], "a group's list of rules") {
            let name = text(&rule["alert"], "an alert's name");
            let cases = tried.matches(&format!("alertname=\"{name}\"")).count();
            assert!(
                cases >= 2,
                "{name} is tried {cases} times: once when it rings, once when not"
            );
        }
    }
}

//! What sets variables for the forum sets ones that there are, and all of them speak of one port and one probe.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{list, yaml};
use crate::guide::{path, read};

/// Where variables are told of: in tables, whose first cells name them.
const TABLES: [&str; 3] = [
    "README.md",
    "docs/OPERATIONS.md",
    "realtime/src/server/limits.rs",
];

/// What platforms say a port by.
const PORT: &str = "PORT";

fn is_capital(word: &str) -> bool {
    let fits =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    !word.is_empty() && word.chars().all(fits)
}

fn documented() -> BTreeSet<String> {
    let mut names = BTreeSet::from([PORT.to_owned()]);
    for file in TABLES.into_iter().filter(|file| path(file).exists()) {
        let table = read(file);
        let rows = table.lines().map(|line| line.trim_start_matches("/// "));
        for row in rows.filter(|row| row.starts_with("| `")) {
            let cell = row.split(" | ").next().expect("a first cell");
            let words = cell.split('`').filter(|word| is_capital(word));
            names.extend(words.map(str::to_owned));
        }
    }
    names
}

fn keys(variables: &Value) -> Vec<String> {
    let map = variables.as_object();
    map.expect("a map of variables").keys().cloned().collect()
}

/// The variables that a file gives to the forum, or tells of.
fn given(file: &str) -> Vec<String> {
    let text_of = read(file);
    if file.ends_with("Dockerfile") {
        let last = text_of
            .rsplit_once("\nFROM ")
            .expect("a last stage")
            .1
            .replace("\\\n", " ");
        let lines = last.lines().filter_map(|line| line.strip_prefix("ENV "));
        let pairs = lines.flat_map(str::split_whitespace);
        return pairs
            .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()))
            .collect();
    }
    if file.ends_with(".md") {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words = text_of.split(|letter| !is_part(letter));
        // A word in capitals is one only with an underscore.
        let variables = words.filter(|word| is_capital(word) && word.contains('_'));
        return variables.map(str::to_owned).collect();
    }
    let mut names = Vec::new();
    for document in yaml(file) {
        for (name, service) in document["services"].as_object().into_iter().flatten() {
            if name.starts_with("forum") {
                names.extend(keys(&service["environment"]));
            }
        }
        if ["ConfigMap", "Secret"].contains(&document["kind"].as_str().unwrap_or_default()) {
            let data = ["data", "stringData"].map(|key| &document[key]);
            names.extend(
                data.into_iter()
                    .filter(|data| !data.is_null())
                    .flat_map(keys),
            );
        }
    }
    names
}

#[test]
fn every_variable_that_is_set_is_documented() {
    let documented = documented();
    assert!(documented.contains("REALTIME_CONNECTIONS_PER_ADDRESS") && documented.len() > 40);
    for file in [
        "Dockerfile",
        "deploy/compose.yaml",
        "deploy/kubernetes/forum.yaml",
        "deploy/README.md",
        "deploy/RUNBOOK.md",
    ] {
        let given = given(file);
        assert!(!given.is_empty(), "{file} sets nothing");
        for name in given {
            let is_railways = file.ends_with(".md") && name.starts_with("RAILWAY_");
            assert!(
                documented.contains(&name) || is_railways,
                "{file} tells of {name}, which is documented nowhere"
            );
        }
    }
}

/// The port on which the image serves, and its probe.
#[test]
fn all_speak_of_one_port_and_of_probes_that_there_are() {
    let dockerfile = read("Dockerfile");
    let port = dockerfile.split(" PORT=").nth(1).expect("a port");
    let port = &port[..port
        .find(|letter: char| !letter.is_ascii_digit())
        .expect("an end")];
    assert!(dockerfile.contains(&format!("\nEXPOSE {port}\n")));
    assert!(dockerfile.contains(&format!("\"http://127.0.0.1:{port}/health/live\"")));
    for server in ["forum-1", "forum-2"] {
        assert!(read("deploy/nginx/forum.conf").contains(&format!("server {server}:{port};")));
        assert!(
            yaml("deploy/compose.yaml")[0]["services"][server].is_object(),
            "{server} is not in the compose file"
        );
    }
    let documents = yaml("deploy/kubernetes/forum.yaml");
    let deployment = documents
        .iter()
        .find(|document| document["kind"] == "Deployment")
        .expect("a deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &list(&pod["containers"], "the list of containers")[0];
    assert_eq!(container["ports"][0]["containerPort"].to_string(), port);
    for (probe, answers) in [
        ("readinessProbe", "/health/ready"),
        ("livenessProbe", "/health/live"),
    ] {
        assert_eq!(container[probe]["httpGet"]["path"], answers, "{probe}");
    }
    // The time of the pause before SIGTERM is part of the time that a pod is given.
    let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        .as_u64()
        .expect("a pause");
    let given = pod["terminationGracePeriodSeconds"]
        .as_u64()
        .expect("a time");
    assert!(
        given >= pause + 15,
        "{given} s are too few for {pause} s and a shutdown"
    );

    let railway: Value = serde_json::from_str(&read("railway.json")).expect("railway.json is JSON");
    assert_eq!(railway["deploy"]["healthcheckPath"], "/health/ready");
    assert!(
        railway["deploy"]["drainingSeconds"].as_u64() >= Some(15),
        "a text is refused there, and 0 is its default"
    );
}

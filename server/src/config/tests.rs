//! The table against the code, and the documentation against the table.

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

use super::*;

/// Environments that lead the reader everywhere.
const WAYS: [&[(&str, &str)]; 3] = [
    &[],
    &[
        ("REDIS_URL", "redis://h"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
        ("TELEGRAM_BOT_TOKEN", "12345:abcdefghijk"),
    ],
    &[
        ("REDISHOST", "h"),
        ("SITE_URL", "https://a.example"),
        ("TELEGRAM_BOT_TOKEN", "12345:abcdefghijk"),
        ("TELEGRAM_UPDATES", "webhook"),
        ("TELEGRAM_WEBHOOK_SECRET", "0123456789abcdef"),
    ],
];

/// Read where they are needed, by us or by Leptos.
const ELSEWHERE: [&str; 4] = ["RUST_LOG", "RAILWAY_REPLICA_ID", "HOSTNAME", "LEPTOS_WATCH"];

fn of(said: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_variables(&Variables::of(said, &[]))
}

/// Everything that is in it.
fn content(config: &Config) -> String {
    format!("{config:?} {}", config.database_url)
}

#[test]
fn the_table_has_every_variable_that_is_read_and_no_other() {
    let asked = RefCell::new(BTreeSet::from(ELSEWHERE.map(str::to_owned)));
    for said in WAYS {
        let config = Config::from_lookup(&|name| {
            asked.borrow_mut().insert(name.to_owned());
            let found = said.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        config.unwrap();
    }
    let listed: BTreeSet<_> = table::all()
        .map(|variable| variable.name.to_owned())
        .collect();
    assert_eq!(listed, asked.into_inner());
    assert_eq!(table::all().count(), listed.len(), "each once");
}

#[test]
fn the_environment_is_read_nowhere_else() {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = ["app/src", "realtime/src", "server/src"]
        .map(|below| root.join(below))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            // In two parts, so that this is not a place itself.
            let places = text.matches(concat!("env", "::var")).count();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            found.extend((places > 0).then_some((name, places)));
        }
    }
    found.sort();
    let known = [
        // `RAILWAY_REPLICA_ID` and `HOSTNAME`.
        ("realtime/src/server/broker/redis/mod.rs", 1),
        ("realtime/src/server/channels/smtp.rs", 1),
        ("realtime/src/server/channels/telegram/config.rs", 1),
        ("realtime/src/server/config.rs", 1),
        ("server/src/config/variables.rs", 1),
    ];
    let known = known.map(|(file, places)| (file.to_owned(), places));
    assert_eq!(
        found, known,
        "read variables through a lookup, and list them in the table"
    );
}

#[test]
fn a_default_of_the_table_is_the_codes() {
    for said in WAYS {
        let usual = content(&of(said).unwrap());
        for variable in table::all() {
            let is_said = said.iter().any(|(name, _)| *name == variable.name);
            let Some(default) = variable.default().filter(|_| !is_said) else {
                continue;
            };
            let with_default = [said, &[(variable.name, default)]].concat();
            assert_eq!(
                content(&of(&with_default).unwrap()),
                usual,
                "{}",
                variable.name
            );
        }
    }
    assert_eq!(
        content(&of(&[]).unwrap()),
        content(&of(&[("PORT", "")]).unwrap())
    );
}

#[test]
fn the_documentation_shows_the_table() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATIONS.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, document) = document.split_once("\n## Configuration\n").unwrap();
    for group in table::GROUPS {
        let heading = format!("### {}\n", group.about);
        let (_, section) = document
            .split_once(&heading)
            .unwrap_or_else(|| panic!("no {heading}"));
        let rows = section.lines().take_while(|line| !line.starts_with('#'));
        let rows: Vec<_> = rows.filter(|line| line.starts_with("| `")).collect();
        let table: Vec<_> = group.variables.iter().map(table::Variable::row).collect();
        assert_eq!(rows, table, "docs/OPERATIONS.md, {}", group.about);
    }
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), table::all().count(), "and no others");
}

#[test]
fn an_error_names_the_variable_what_was_found_and_what_is_expected() {
    for (name, value, fix) in [
        ("LEPTOS_SITE_ADDR", "here", "127.0.0.1:3000"),
        ("PORT", "-1", "a port"),
        ("DEMO_SIGN_IN", "perhaps", "true or false"),
        ("LEPTOS_RELOAD_PORT", "x", "a whole number"),
        ("LEPTOS_RELOAD_WS_PROTOCOL", "http", "ws or wss"),
        ("REALTIME_FLOODS", "few", "a whole number"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4318",
            "http://localhost:4318",
        ),
    ] {
        let error = of(&[(name, value)]).unwrap_err().to_string();
        let begin = format!("{name} is {value:?}: expected ");
        assert!(error.starts_with(&begin) && error.contains(fix), "{error}");
    }
    assert!(log_filter(&Variables::of(&[("RUST_LOG", "loud=very")], &[])).is_err());
    assert!(log_filter(&Variables::of(&[("RUST_LOG", "")], &[])).is_ok());
}

#[test]
fn a_name_alone_is_enough_in_development_only_unless_it_is_said() {
    let of = |said: Option<&str>, production| demo(said.map(str::to_owned), production).ok();
    assert_eq!(of(None, true), Some(false));
    assert_eq!(of(None, false), Some(cfg!(debug_assertions)));
    assert_eq!(of(Some("true"), true), Some(true));
    assert_eq!(of(Some("false"), false), Some(false));
    assert_eq!(of(Some("perhaps"), false), None);
}

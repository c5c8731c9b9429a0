//! `--check-config`: what is set, where, and whether it can be used. Nothing is changed and nothing secret is shown.

use std::{fmt, path::Path, time::Duration};

use app::backend;

use super::{Config, Variables, log_filter, table, unknown, variables::Source};
use crate::{causes::with_causes, descriptors, logs::Traces, site};

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of a value is shown.
const WIDTH: usize = 60;

/// What came of one check.
enum Outcome {
    Good(String),
    /// The forum starts, but somebody should look at it.
    Doubtful(String),
    Bad(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(said) => write!(f, "ok    {said}"),
            Self::Doubtful(said) => write!(f, "warn  {said}"),
            Self::Bad(said) => write!(f, "FAIL  {said}"),
        }
    }
}

/// Prints every variable and what came of each check. Returns whether the forum would start.
pub async fn check(variables: &Variables) -> bool {
    print!("{}", settings(variables));
    println!("\nChecks");
    let mut good = true;
    for outcome in outcomes(variables).await {
        println!("  {outcome}");
        good &= !matches!(outcome, Outcome::Bad(_));
    }
    good
}

/// Each variable, its value and where that is from.
fn settings(variables: &Variables) -> String {
    let width = table::all().map(|variable| variable.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for group in table::GROUPS {
        text.push_str(&format!("{}\n", group.about));
        for variable in group.variables {
            let source = variables.source(variable.name);
            let value = match variables.get(variable.name) {
                Some(value) if variable.is_shown(&value) => value.escape_debug().to_string(),
                Some(_) => "(not shown)".to_owned(),
                None => match variable.default() {
                    Some(value) => value.to_owned(),
                    None => format!("({})", variable.otherwise().replace('`', "")),
                },
            };
            let value = match value.char_indices().nth(WIDTH) {
                Some((end, _)) => format!("{}…", &value[..end]),
                None => value,
            };
            let name = variable.name;
            text.push_str(&format!("  {name:width$}  {source:11}  {value}\n"));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

async fn outcomes(variables: &Variables) -> Vec<Outcome> {
    let mut outcomes: Vec<_> = unknown::unknown(variables.names())
        .map(|name| Outcome::Doubtful(unknown::sentence(name)))
        .collect();
    if let Err(error) = log_filter(variables) {
        outcomes.push(Outcome::Bad(with_causes(&error)));
    }
    let config = match Config::from_variables(variables) {
        Ok(config) => config,
        Err(error) => {
            outcomes.push(Outcome::Bad(with_causes(&error)));
            return outcomes;
        }
    };
    outcomes.push(Outcome::Good("every variable can be read".to_owned()));
    outcomes.push(site(&config));
    outcomes.push(database(&config).await);
    outcomes.extend(traces(&config).await);
    outcomes.push(redis(&config).await);
    // A file is one machine's.
    let shareable = !config.database_url.starts_with("sqlite:");
    outcomes.push(match config.realtime.check_instances(shareable) {
        Ok(()) => Outcome::Good(format!("it may start {}", place(&config))),
        Err(error) => Outcome::Bad(with_causes(&error)),
    });
    outcomes.extend(descriptors::raise().map(|limit| match limit.is_enough() {
        true => Outcome::Good(limit.to_string()),
        false => Outcome::Doubtful(limit.to_string()),
    }));
    if variables.source("DEMO_SIGN_IN") == Source::Default && config.sign_in.demo {
        let said = "anybody may sign in by a name alone: DEMO_SIGN_IN=false ends that";
        outcomes.push(Outcome::Doubtful(said.to_owned()));
    }
    outcomes
}

/// Whether spans can be sent; not whether anybody takes them.
async fn traces(config: &Config) -> Option<Outcome> {
    let (endpoint, service) = config.traces.as_ref()?;
    Some(match Traces::to(endpoint, service) {
        Ok(traces) => {
            traces.end().await;
            Outcome::Good(format!("spans go to {endpoint}"))
        }
        Err(error) => Outcome::Bad(with_causes(&*error)),
    })
}

fn place(config: &Config) -> &'static str {
    match (config.realtime.production, config.realtime.single_instance) {
        (false, _) => "in development",
        (true, true) => "in production, as the only instance",
        (true, false) => "in production, as one of several instances",
    }
}

fn site(config: &Config) -> Outcome {
    if site::embedded().is_some() {
        return Outcome::Good("the site is in this executable".to_owned());
    }
    let (root, leptos) = (&config.leptos.site_root, &config.leptos);
    let script = format!("{}/{}.js", leptos.site_pkg_dir, leptos.output_name);
    match Path::new(&**root).join(script).exists() {
        true => Outcome::Good(format!("the site is in {root:?}")),
        false => Outcome::Doubtful(format!(
            "there is no site in {root:?}, so pages are without styles and scripts: `cargo xtask build` makes an executable with \
             the site in it, or let LEPTOS_SITE_ROOT name its folder"
        )),
    }
}

async fn database(config: &Config) -> Outcome {
    match tokio::time::timeout(PATIENCE, backend::reach(&config.database_url)).await {
        Ok(Ok(place)) => Outcome::Good(format!("the database: {place}")),
        Ok(Err(error)) => Outcome::Bad(with_causes(&error)),
        Err(_) => Outcome::Bad(format!(
            "the database that DATABASE_URL names does not answer within {} s",
            PATIENCE.as_secs()
        )),
    }
}

async fn redis(config: &Config) -> Outcome {
    let Some(redis) = &config.realtime.redis else {
        return Outcome::Good("no Redis is named: this is one instance only".to_owned());
    };
    match tokio::time::timeout(PATIENCE, redis.check()).await {
        Ok(Ok(())) => Outcome::Good(redis.to_string()),
        Ok(Err(error)) => Outcome::Bad(with_causes(&error)),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            Outcome::Bad(format!("{redis} does not answer within {seconds} s"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each of them is secret.
    const SECRETS: [(&str, &str); 7] = [
        ("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/forum"),
        ("REALTIME_OPERATOR_TOKEN", "hunter2-0123456789"),
        ("REDIS_URL", "redis://ada:hunter2@127.0.0.1:1"),
        ("REDISPASSWORD", "hunter2"),
        ("REDIS_SENTINEL_PASSWORD", "hunter2"),
        ("TELEGRAM_BOT_TOKEN", "12345:hunter2-0123456789"),
        ("TELEGRAM_WEBHOOK_SECRET", "hunter2-0123456789"),
    ];

    #[test]
    fn each_variable_is_shown_with_its_source() {
        let variables = Variables::of(&[("REALTIME_FLOODS", "7")], &[("SITE_URL", "http://a")]);
        let text = settings(&variables);
        let line = |name: &str| {
            let line = text.lines().find(|line| line.trim().starts_with(name));
            let words: Vec<_> = line.unwrap().split_whitespace().collect();
            words.join(" ")
        };
        assert_eq!(line("REALTIME_FLOODS"), "REALTIME_FLOODS environment 7");
        assert_eq!(line("SITE_URL"), "SITE_URL .env http://a");
        assert_eq!(line("RUST_LOG"), "RUST_LOG default info,sqlx=warn");
        assert_eq!(
            line("DATABASE_URL"),
            "DATABASE_URL default sqlite:data/forum.db"
        );
        assert_eq!(
            line("REDIS_URL"),
            "REDIS_URL default (none: one instance only)"
        );
        let lines = table::all().count() + 2 * table::GROUPS.len() - 1;
        assert_eq!(text.lines().count(), lines);
    }

    #[tokio::test]
    async fn nothing_secret_is_shown_wherever_it_is_set_and_whatever_is_wrong() {
        let webhook = [
            ("TELEGRAM_UPDATES", "webhook"),
            ("SITE_URL", "https://a.example"),
        ];
        let all: Vec<_> = SECRETS.into_iter().chain(webhook).collect();
        for variables in [Variables::of(&all, &[]), Variables::of(&[], &all)] {
            let mut text = settings(&variables);
            assert_eq!(text.matches("(not shown)").count(), SECRETS.len());
            for outcome in outcomes(&variables).await {
                text.push_str(&outcome.to_string());
            }
            let config = Config::from_variables(&variables).unwrap();
            text.push_str(&format!("{config:?}"));
            assert!(text.contains("127.0.0.1:1"), "it says where: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        // One after another with something in front that makes it unreadable.
        for (name, value) in SECRETS {
            let broken = format!("\u{1} {value}");
            let variables = Variables::of(&[(name, &broken)], &[]);
            let outcomes = outcomes(&variables).await;
            let text: String = outcomes.iter().map(Outcome::to_string).collect();
            assert!(!text.contains("hunter2"), "{name}: {text}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_used_fails() {
        let bad = async |name: &str, value: &str| {
            let variables =
                Variables::of(&[("DATABASE_URL", "sqlite::memory:"), (name, value)], &[]);
            let outcomes = outcomes(&variables).await;
            let bad = outcomes
                .iter()
                .filter(|outcome| matches!(outcome, Outcome::Bad(_)));
            bad.map(Outcome::to_string).collect::<String>()
        };
        assert_eq!(bad("REALTIME_FLODS", "7").await, "");
        for (name, value, said) in [
            ("REALTIME_FLOODS", "few", "REALTIME_FLOODS is \"few\""),
            ("RUST_LOG", "forum=loud", "RUST_LOG is \"forum=loud\""),
            ("PORT", "http", "PORT is \"http\""),
            ("REDIS_URL", "redis://127.0.0.1:1", "Redis at 127.0.0.1:1"),
            ("APP_ENV", "production", "REDIS_URL"),
        ] {
            let found = bad(name, value).await;
            assert!(found.contains(said), "{name}: {found}");
        }
    }
}

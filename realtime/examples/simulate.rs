//! Random lives of a cluster, by seed: `simulate --first S --seeds N`, and with `--redis` over a stand-in for Redis.
//!
//! With `RUST_LOG` it says what the nodes do. A failing seed is one line, `seed S failed: …`, and makes the exit code 1. The last line is JSON: what was run and
//! what happened in it. See [`leptos_realtime::testing::simulation`].

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Instant,
};

#[cfg(feature = "simulated-redis")]
use leptos_realtime::testing::simulation::simulate_redis;
use leptos_realtime::testing::simulation::{self, Simulated, Untrue, simulate};
use serde_json::json;

#[cfg(feature = "simulated-redis")]
async fn one(seed: u64, over_redis: bool) -> Result<Simulated, Untrue> {
    match over_redis {
        true => simulate_redis(seed).await,
        false => simulate(seed).await,
    }
}

#[cfg(not(feature = "simulated-redis"))]
async fn one(seed: u64, over_redis: bool) -> Result<Simulated, Untrue> {
    assert!(!over_redis, "--redis needs the feature simulated-redis");
    simulate(seed).await
}

/// Lives one life on a clock of its own. A panic is a failure like any other.
fn live(seed: u64, over_redis: bool) -> Result<Simulated, String> {
    let lived = catch_unwind(AssertUnwindSafe(|| {
        simulation::runtime(seed)
            .map_err(|error| format!("seed {seed} failed: {error}"))?
            .block_on(one(seed, over_redis))
            .map_err(|untrue| untrue.to_string())
    }));
    lived.unwrap_or_else(|_| Err(format!("seed {seed} failed: it panicked, see above")))
}

fn main() -> ExitCode {
    let Arguments {
        first,
        seeds,
        over_redis,
    } = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}; usage: simulate [--first S] [--seeds N] [--redis]");
            return ExitCode::FAILURE;
        }
    };
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .with_timer(Virtual)
            .init();
    }
    let start = Instant::now();
    let (mut failed, mut total) = (0, Simulated::default());
    for seed in first..first.saturating_add(seeds) {
        match live(seed, over_redis) {
            Ok(done) => {
                total.published += done.published;
                total.delivered += done.delivered;
                total.resets += done.resets;
                total.reconnects += done.reconnects;
            }
            Err(why) => {
                failed += 1;
                println!("{why}");
            }
        }
    }
    let figures = json!({
        "scenario": if over_redis { "sim-redis" } else { "sim" }, "first": first, "seeds": seeds, "failed": failed,
        "published": total.published, "events": total.delivered, "resets": total.resets, "reconnects": total.reconnects,
        "seconds": start.elapsed().as_secs_f64(),
    });
    println!("{figures}");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The time of a life since the first line was written.
struct Virtual;

impl tracing_subscriber::fmt::time::FormatTime for Virtual {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        static BEGAN: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
        let began = BEGAN.get_or_init(tokio::time::Instant::now);
        write!(w, "{:9.3}", began.elapsed().as_secs_f64())
    }
}

struct Arguments {
    first: u64,
    seeds: u64,
    over_redis: bool,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        first: 1,
        seeds: 100,
        over_redis: false,
    };
    while let Some(name) = given.next() {
        if name == "--redis" {
            arguments.over_redis = true;
            continue;
        }
        let value = given
            .next()
            .and_then(|value| value.parse().ok())
            .ok_or(format!("{name} needs a whole number"))?;
        match name.as_str() {
            "--first" => arguments.first = value,
            "--seeds" => arguments.seeds = value,
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(arguments)
}

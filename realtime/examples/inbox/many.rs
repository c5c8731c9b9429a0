//! Many people are told something at once.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use leptos_realtime::{Notice, RealtimeConfig};
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing_subscriber::{
    filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::{
    Result,
    common::{
        host::Host,
        inbox::{Told, device::Device, host, person},
    },
    rounded,
};

/// How long publishing everything may take.
const PATIENCE: Duration = Duration::from_secs(300);

static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// Counts what sqlx tells of each statement.
struct Counter;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Counter {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            STATEMENTS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// From now on statements are counted. To be called once.
pub fn count_statements() {
    let sqlx =
        tracing_subscriber::filter::Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
    tracing_subscriber::registry()
        .with(tracing_subscriber::Layer::with_filter(Counter, sqlx))
        .init();
}

/// Tells so many people something, and waits until all of it was published.
pub async fn tell<H: Host>(people: i64, wrong: &mut Vec<String>) -> Result<Value> {
    let database = H::new().await;
    let builder = host(RealtimeConfig::default()).database(database.database().await);
    let realtime = builder.start().await?;
    let told = |number| Told {
        row: 1,
        number,
        kind: 0,
        subject: Some(7),
    };
    let (warm_up, news) = (told(1), told(2));
    let by = person("Bob");
    realtime
        .notify(0..100, Notice::new(&warm_up).by(&by))
        .await?;
    published(&database).await?;

    forget_peak()?;
    let (before, statements) = (memory("VmRSS:")?, STATEMENTS.load(Ordering::Relaxed));
    let start = Instant::now();
    let count = realtime
        .notify(0..people, Notice::new(&news).by(&by).key("news"))
        .await?;
    let (told_in, told_with) = (
        start.elapsed(),
        STATEMENTS.load(Ordering::Relaxed) - statements,
    );
    published(&database).await?;
    let (published_in, peak) = (start.elapsed(), memory("VmHWM:")?);
    let all_with = STATEMENTS.load(Ordering::Relaxed) - statements;

    let again = realtime
        .notify(0..people, Notice::new(&news).key("news"))
        .await?;
    let rows = database
        .number("select count(*) from realtime_notification")
        .await;
    let once = "select count(*) from realtime_outbox where room like 'inbox:%'";
    let rooms = database.number(once).await;
    let page = Device::load(&realtime, "7").await?.page;
    let seen = (page.unread, page.change, page.notifications[0].count);
    for (what, found, expected) in [
        ("told", count as i64, people),
        ("told again", again as i64, 0),
        ("notifications", rows, people.max(100)),
        ("events", rooms, people + 100),
    ] {
        if found != expected {
            wrong.push(format!("{what}: {found}, not {expected}"));
        }
    }
    if seen != (1, 2, 2) {
        wrong.push(format!("who was told twice has {seen:?}"));
    }
    realtime.shutdown().await;
    Ok(json!({
        "people": people,
        "told_seconds": rounded(told_in.as_secs_f64()),
        "published_seconds": rounded(published_in.as_secs_f64()),
        "statements": told_with,
        "statements_until_published": all_with,
        "memory_before_kb": before,
        "memory_growth_kb": peak.saturating_sub(before),
    }))
}

/// Waits until the outbox is empty.
async fn published<H: Host>(database: &H) -> Result<()> {
    let unpublished = "select count(*) from realtime_outbox where published is null";
    let deadline = Instant::now() + PATIENCE;
    while database.number(unpublished).await > 0 {
        if Instant::now() > deadline {
            return Err("the outbox is never empty".into());
        }
        // A statement of our own, and few of them.
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A figure of this process' memory, in kilobytes.
fn memory(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    Ok(number
        .ok_or(format!("the process tells no {name}"))?
        .parse()?)
}

/// The greatest memory counts from here on.
fn forget_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

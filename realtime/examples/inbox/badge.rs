//! What is read on one device, until another one at another instance shows it.

use std::time::{Duration, Instant};

use leptos_realtime::{
    Mark, Realtime, RealtimeConfig, RedisConfig, core::inbox::Marked, testing::TestClient,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Result,
    common::{
        host::{Host, PostgresHost},
        inbox::{Told, auth, device::Device, host, id},
    },
    rounded,
    servers::RedisServer,
};

/// How long a badge may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads so many notifications, one after the other: at one instance by turns, while the other's page is watched.
pub async fn read_here_shown_there(rounds: usize, wrong: &mut Vec<String>) -> Result<Value> {
    let redis = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let database = PostgresHost::new().await;
    let nodes = [
        instance(&redis, &database).await?,
        instance(&redis, &database).await?,
    ];
    let mut pages = Vec::new();
    for node in &nodes {
        let view = Device::load(node, "Ada").await?;
        let mut client = TestClient::connect(node, auth("Ada"));
        client.join(
            leptos_realtime::protocol::InboxRoom(id("Ada")),
            view.position,
        );
        pages.push((Device::of(view), client));
    }
    let (mut told, mut read) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (here, there) = (round % 2, (round + 1) % 2);
        let news = Told {
            row: round as u64,
            number: round as u64,
            kind: 0,
            subject: None,
        };
        let start = Instant::now();
        nodes[here].notify([id("Ada")], &news).await?;
        shows(&mut pages[there], &nodes[there], 1).await?;
        told.push(start.elapsed());
        shows(&mut pages[here], &nodes[here], 1).await?;

        let newest = pages[here].0.inbox.list()[0].id;
        let start = Instant::now();
        let question = pages[here]
            .0
            .mark(Marked::These(vec![newest], Mark::Read), 1);
        let answer = question.ask(&nodes[here], "Ada").await?;
        shows(&mut pages[there], &nodes[there], 0).await?;
        read.push(start.elapsed());
        pages[here].0.answered(answer);
        shows(&mut pages[here], &nodes[here], 0).await?;
    }
    for (device, _) in &pages {
        let changes = device.inbox.change();
        if changes != 2 * rounds as u64 {
            wrong.push(format!("{changes} changes, not {}", 2 * rounds));
        }
    }
    for node in &nodes {
        node.shutdown().await;
    }
    Ok(json!({
        "rounds": rounds,
        "read_p50_ms": percentile(&mut read, 50),
        "read_p99_ms": percentile(&mut read, 99),
        "told_p50_ms": percentile(&mut told, 50),
        "told_p99_ms": percentile(&mut told, 99),
    }))
}

async fn instance(redis: &RedisServer, database: &PostgresHost) -> Result<Realtime> {
    let mut config = RealtimeConfig::default();
    config.redis = Some(RedisConfig::from_url(&redis.url())?);
    let builder = host(config).database(database.database().await);
    Ok(builder.start().await?)
}

/// Lets a page run until its badge shows so many.
async fn shows(page: &mut (Device, TestClient), node: &Realtime, unread: u32) -> Result<()> {
    let (device, client) = page;
    let shown = async {
        loop {
            device.hear(client);
            while let Some(question) = device.ask() {
                device.answered(question.ask(node, "Ada").await?);
            }
            if device.inbox.unread() == unread {
                return Ok::<_, Box<dyn std::error::Error>>(());
            }
            let heard = client.events(device.room()).len();
            let room = device.room();
            client
                .until("something is told", |client| {
                    client.events(room.clone()).len() > heard
                })
                .await;
        }
    };
    timeout(PATIENCE, shown)
        .await
        .map_err(|_| "a badge is never shown")?
}

/// The time below which so many of a hundred are, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = times.len().saturating_sub(1) * percent / 100;
    let time = times.get(index).copied().unwrap_or_default();
    rounded(time.as_secs_f64() * 1_000.0)
}

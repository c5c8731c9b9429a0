//! Runs a and b: some clients do not read for a while, or none; what the others notice, and what it costs the server.

use std::{ops::Range, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::{BYTES, PER_SECOND, Result, client::Client, crowd::Crowd, rounded, server::Server};

/// From the connection of the slow clients to the first event, at least. The server pings each client 25 seconds after
/// it connected, and so 16 seconds after it stopped reading: into a buffer that is full.
const LEAD: Duration = Duration::from_secs(4);

/// From the first event to the stall.
const BEFORE: Duration = Duration::from_secs(5);

/// How long the slow clients do not read.
const STALL: Duration = Duration::from_secs(20);

/// How much of that, at its end, the server is watched.
const LAST: Duration = Duration::from_secs(2);

/// How long events are published.
const SECONDS: u32 = 40;

/// The most that may wait for a client: the default of `RealtimeConfig::max_unsent_bytes`, and one frame more.
const MOST_UNSENT: usize = 1024 * 1024 + 64 * 1024;

#[derive(Debug, Serialize)]
pub struct Figures {
    /// How many clients did not read for a while.
    slow: usize,
    events: u32,
    /// How long events were on their way to the others: in the whole run, and while some did not read.
    p50_ms: f64,
    p99_ms: f64,
    stall_p50_ms: f64,
    stall_p99_ms: f64,
    /// The server's memory just before the stall, and at its end.
    rss_before_kb: u64,
    rss_stalled_kb: u64,
    /// By the crate's own count: what waited for clients at the end of the stall.
    unsent_bytes: usize,
    /// How many times the slow clients were shown the room anew, and the others.
    resyncs: u32,
    resyncs_of_others: u32,
    resets: u32,
    skipped: u32,
}

/// Run b beside run a: the medians of their rounds.
#[derive(Debug, Serialize)]
pub struct Compared {
    stall_p50_ratio: f64,
    stall_p99_ratio: f64,
    /// What the server held for each slow client: by how much more its memory grew, and by the crate's own count.
    rss_kb_per_slow: f64,
    unsent_bytes_per_slow: f64,
}

impl Compared {
    pub fn of(control: &[Figures], stalled: &[Figures]) -> Option<Self> {
        let slow = stalled.first().filter(|_| !control.is_empty())?.slow as f64;
        let ratio = |of: fn(&Figures) -> f64| rounded(median(stalled, of) / median(control, of));
        let each = |of: fn(&Figures) -> f64| {
            let more = median(stalled, of) - median(control, of);
            rounded(more / slow)
        };
        Some(Self {
            stall_p50_ratio: ratio(|run| run.stall_p50_ms),
            stall_p99_ratio: ratio(|run| run.stall_p99_ms),
            rss_kb_per_slow: each(|run| run.rss_stalled_kb as f64 - run.rss_before_kb as f64),
            unsent_bytes_per_slow: each(|run| run.unsent_bytes as f64),
        })
    }
}

fn median(rounds: &[Figures], of: fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// How many of so many clients are slow: one in a hundred.
pub fn share(clients: usize) -> usize {
    (clients / 100).max(1)
}

pub async fn run(clients: usize, slow: usize, broken: &mut Vec<String>) -> Result<Figures> {
    let run = if slow > 0 { "b" } else { "a" };
    eprintln!("run {run}: {clients} clients, {slow} of them slow");
    let server = Server::start(&[])?;
    let first_slow = clients - share(clients);
    let crowd =
        Crowd::connect(clients, |number| number >= first_slow, |_| server.address()).await?;
    // Both runs look at the same clients, so that they can be compared.
    let (others, last) = crowd.clients.split_at(first_slow);
    let stalling = &last[..slow];
    let opened = last.iter().map(|client| client.state().opened_at).max();
    sleep_until(opened.unwrap_or_else(Instant::now) + LEAD).await;
    let shown_before: Vec<u32> = stalling.iter().map(shown).collect();
    let shown_to_others: u32 = others.iter().map(shown).sum();
    let events = SECONDS * PER_SECOND;
    let timeline = async {
        sleep(BEFORE).await;
        let rss_before = server.rss_kb()?;
        stalling.iter().for_each(|client| client.freeze(true));
        sleep(STALL / 2).await;
        server.announce(1).await?;
        sleep(STALL / 2 - LAST).await;
        let unsent = server.least_unsent(LAST).await?;
        let rss = server.rss_kb()?;
        stalling.iter().for_each(|client| client.freeze(false));
        Ok((rss_before, rss, unsent))
    };
    let published = server.publish(events, PER_SECOND, BYTES);
    let ((), (rss_before_kb, rss_stalled_kb, unsent_bytes)) =
        tokio::try_join!(published, timeline)?;
    server.announce(2).await?;
    let mut wrong = crowd.settled(&server, events, &[1, 2]).await?;
    let mut resyncs = 0;
    for (client, before) in stalling.iter().zip(shown_before) {
        let again = shown(client) - before;
        resyncs += again;
        if again == 0 {
            wrong.push("a slow client was not shown the room anew".to_owned());
        }
    }
    let reconnected = crowd.reconnected();
    if !reconnected.is_empty() {
        wrong.push(format!("clients {reconnected:?} lost their connections"));
    }
    if unsent_bytes > slow.max(1) * MOST_UNSENT {
        wrong.push(format!("{unsent_bytes} bytes waited for clients"));
    }
    broken.extend(wrong.into_iter().map(|line| format!("run {run}: {line}")));
    let event_at = |time: Duration| time.as_secs() as u32 * PER_SECOND;
    let whole = latencies(others, 0..events);
    let during = latencies(others, event_at(BEFORE)..event_at(BEFORE + STALL));
    let clients = &crowd.clients;
    Ok(Figures {
        slow,
        events,
        p50_ms: percentile(&whole, 50),
        p99_ms: percentile(&whole, 99),
        stall_p50_ms: percentile(&during, 50),
        stall_p99_ms: percentile(&during, 99),
        rss_before_kb,
        rss_stalled_kb,
        unsent_bytes,
        resyncs,
        resyncs_of_others: others.iter().map(shown).sum::<u32>() - shown_to_others,
        resets: clients
            .iter()
            .map(|client| client.state().heard.resets)
            .sum(),
        skipped: clients
            .iter()
            .map(|client| client.state().heard.skipped)
            .sum(),
    })
}

/// How many times a client was shown the whole room.
fn shown(client: &Client) -> u32 {
    client.state().shown
}

/// How long these events were on their way to these clients, in microseconds, the shortest first.
fn latencies(clients: &[Client], events: Range<u32>) -> Vec<u64> {
    let mut latencies = Vec::new();
    for client in clients {
        latencies.extend(client.state().heard.latencies(events.clone()));
    }
    latencies.sort_unstable();
    latencies
}

fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let index = sorted.len().saturating_sub(1) * percent / 100;
    let micros = sorted.get(index).copied().unwrap_or_default();
    rounded(micros as f64 / 1_000.0)
}

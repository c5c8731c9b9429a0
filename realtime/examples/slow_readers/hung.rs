//! Run c: a client that does not read for so long that it is cut, and then comes back.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::{BYTES, PER_SECOND, Result, crowd::Crowd, rounded, server::Server};

/// From the first event to the stall.
const BEFORE: Duration = Duration::from_secs(3);

/// How long the client does not read: twice the default of `RealtimeConfig::stall_timeout`.
const STALL: Duration = Duration::from_secs(60);

/// How long the server is watched once the client is gone.
const WATCHED: Duration = Duration::from_secs(2);

/// The most that may wait for clients then: next to nothing.
const MOST_UNSENT: usize = 64 * 1024;

/// How long events are published.
const SECONDS: u32 = 75;

/// The client: among the first who came, whom all others are shown by name.
const HUNG: usize = 0;

#[derive(Debug, Serialize)]
pub struct Figures {
    /// How long after it stopped reading it was cut, and was gone for everybody else.
    cut_after_s: f64,
    gone_after_s: f64,
    /// The server's memory before the stall, when the client was cut, and when it was gone. The allocator keeps for the
    /// next client what this one gives back.
    rss_before_kb: u64,
    rss_cut_kb: u64,
    rss_gone_kb: u64,
    /// By the crate's own count: what waited for clients when it was cut, and when it was gone.
    unsent_bytes_cut: usize,
    unsent_bytes_gone: usize,
    /// What it was not told in the end, and how many times it was told so.
    resets: u32,
    skipped: u32,
}

pub async fn run(clients: usize, broken: &mut Vec<String>) -> Result<Figures> {
    eprintln!("run c: {clients} clients, one of them hangs");
    // Nothing but the stall is to be a reason: such a client does not answer pings either.
    let server = Server::start(&[("REALTIME_PING_TIMEOUT_MS", "600000")])?;
    let crowd = Crowd::connect(clients, |number| number == HUNG, |_| server.address()).await?;
    let hung = &crowd.clients[HUNG];
    let events = SECONDS * PER_SECOND;
    let timeline = async {
        sleep(BEFORE).await;
        let (rss_before_kb, handles) = (server.rss_kb()?, server.handles()?);
        hung.freeze(true);
        let start = Instant::now();
        let (mut unsent_bytes_cut, mut rss_cut_kb) = (0, rss_before_kb);
        loop {
            let stats = server.stats().await?;
            if stats.connections < clients {
                break;
            }
            unsent_bytes_cut = stats.unsent_bytes;
            rss_cut_kb = server.rss_kb()?;
            if start.elapsed() > STALL {
                return Err("a client that hangs is not cut".into());
            }
            sleep(Duration::from_millis(100)).await;
        }
        let cut_after_s = rounded(start.elapsed().as_secs_f64());
        crowd.until_left(HUNG).await?;
        let gone_after_s = rounded(start.elapsed().as_secs_f64());
        server.announce(1).await?;
        let unsent_bytes_gone = server.least_unsent(WATCHED).await?;
        let rss_gone_kb = server.rss_kb()?;
        if server.handles()? >= handles {
            return Err("the socket of a client that was cut is still open".into());
        }
        sleep_until(start + STALL).await;
        hung.freeze(false);
        Ok(Figures {
            cut_after_s,
            gone_after_s,
            rss_before_kb,
            rss_cut_kb,
            rss_gone_kb,
            unsent_bytes_cut,
            unsent_bytes_gone,
            resets: 0,
            skipped: 0,
        })
    };
    let published = server.publish(events, PER_SECOND, BYTES);
    let ((), mut figures) = tokio::try_join!(published, timeline)?;
    server.announce(2).await?;
    let mut wrong = crowd.settled(&server, events, &[1, 2]).await?;
    let reconnected = crowd.reconnected();
    if reconnected != [HUNG] {
        wrong.push(format!(
            "clients {reconnected:?} lost their connections, not only {HUNG}"
        ));
    }
    if figures.unsent_bytes_gone > MOST_UNSENT {
        let unsent = figures.unsent_bytes_gone;
        wrong.push(format!("{unsent} bytes wait for a client that is gone"));
    }
    broken.extend(wrong.into_iter().map(|line| format!("run c: {line}")));
    figures.resets = hung.state().heard.resets;
    figures.skipped = hung.state().heard.skipped;
    Ok(figures)
}

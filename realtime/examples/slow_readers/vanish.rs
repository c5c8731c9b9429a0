//! Run d: a client whose network is gone, without a word, and comes back.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::{BYTES, PER_SECOND, Result, crowd::Crowd, relay::Relay, rounded, server::Server};

/// From the first event to the loss.
const BEFORE: Duration = Duration::from_secs(3);

/// How long the network is gone.
const AWAY: Duration = Duration::from_secs(20);

/// How long events are published.
const SECONDS: u32 = 30;

/// The client: among the first who came, whom all others are shown by name.
const LOST: usize = 0;

#[derive(Debug, Serialize)]
pub struct Figures {
    /// How long after its network was gone it was cut, and was gone for everybody else.
    cut_after_s: f64,
    gone_after_s: f64,
    /// How many times it connected.
    opened: u32,
    resets: u32,
    skipped: u32,
}

pub async fn run(clients: usize, broken: &mut Vec<String>) -> Result<Figures> {
    eprintln!("run d: {clients} clients, one of them loses its network");
    // Short enough to be gone soon; and nothing but silence is to be a reason.
    let server = Server::start(&[
        ("REALTIME_PING_INTERVAL_MS", "3000"),
        ("REALTIME_PING_TIMEOUT_MS", "5000"),
        ("REALTIME_STALL_TIMEOUT_MS", "3600000"),
    ])?;
    let relay = Relay::start(server.address()).await?;
    let address = |number| match number {
        LOST => relay.address(),
        _ => server.address(),
    };
    let crowd = Crowd::connect(clients, |_| false, address).await?;
    let events = SECONDS * PER_SECOND;
    let timeline = async {
        sleep(BEFORE).await;
        relay.lose(true);
        let start = Instant::now();
        crowd.until_connected(&server, clients - 1).await?;
        let cut_after_s = rounded(start.elapsed().as_secs_f64());
        crowd.until_left(LOST).await?;
        let gone_after_s = rounded(start.elapsed().as_secs_f64());
        server.announce(1).await?;
        sleep_until(start + AWAY).await;
        relay.lose(false);
        Ok((cut_after_s, gone_after_s))
    };
    let published = server.publish(events, PER_SECOND, BYTES);
    let ((), (cut_after_s, gone_after_s)) = tokio::try_join!(published, timeline)?;
    server.announce(2).await?;
    let mut wrong = crowd.settled(&server, events, &[1, 2]).await?;
    let reconnected = crowd.reconnected();
    if reconnected != [LOST] {
        wrong.push(format!(
            "clients {reconnected:?} lost their connections, not only {LOST}"
        ));
    }
    broken.extend(wrong.into_iter().map(|line| format!("run d: {line}")));
    let lost = crowd.clients[LOST].state();
    Ok(Figures {
        cut_after_s,
        gone_after_s,
        opened: lost.opened,
        resets: lost.heard.resets,
        skipped: lost.heard.skipped,
    })
}

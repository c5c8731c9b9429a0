//! The task that keeps the links to Redis: makes them, notices when they are gone, and makes them again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::MutexGuard;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    beat, format,
    node::{Links, Node},
    rooms::Subscribed,
    transport::{Link, LinkError, Purpose, Push, Sink},
};
use crate::{
    core::backoff::Backoff,
    server::{
        broker::{BrokerError, LinkState},
        random::random,
        tasks::TaskTracker,
    },
};

/// How long is waited before the next try.
const BACKOFF: Backoff = Backoff {
    base_ms: 100,
    cap_ms: 3_000,
};

/// At least so long.
const SHORTEST: Duration = Duration::from_millis(50);

/// How many channels are subscribed to before the next confirmation is waited for.
const CHANNELS_AT_ONCE: usize = 500;

pub(super) async fn run(node: Arc<Node>, tasks: TaskTracker, stop: CancellationToken) {
    let mut attempt = 0;
    let mut is_told = false;
    let mut is_policy_known = false;
    let mut lost: Option<Instant> = None;
    loop {
        let began = Instant::now();
        let up = tokio::select! {
            () = stop.cancelled() => return,
            up = come_up(&node, &tasks) => up,
        };
        match up {
            Ok(links) => {
                tracing::info!("Redis is reached: instances are in step");
                is_told = false;
                if !std::mem::replace(&mut is_policy_known, true) {
                    warn_of_eviction(&links).await;
                }
                let reached = Instant::now();
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = stay(&node, &links, &tasks) => {}
                }
                lost = Some(Instant::now());
                node.set_links(None);
                node.link.send_modify(|state| state.up = false);
                tracing::warn!(
                    "Redis is lost: this instance goes on for its own people until it is back"
                );
                // While a part of a Cluster is away, each new link breaks as soon as that part is asked for something.
                if reached.elapsed() >= node.settings.beat {
                    attempt = 0;
                    continue;
                }
            }
            Err(error) => {
                if !is_told {
                    is_told = true;
                    tracing::warn!(%error, "Redis cannot be reached: this instance is on its own until it can");
                }
            }
        }
        let wait = Duration::from_millis(BACKOFF.delay_ms(attempt, random()));
        attempt += 1;
        // Before the others take this node for dead every moment counts.
        let is_urgent = lost.is_some_and(|lost| lost.elapsed() < node.settings.beat * 4);
        let wait = match is_urgent {
            true => wait.min(node.settings.beat / 4),
            false => wait,
        };
        // A server that does not answer has been waited for already.
        let left = wait.saturating_sub(began.elapsed()).max(SHORTEST);
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(left) => {}
        }
    }
}

/// A Redis that throws away what it likes throws away who is where.
async fn warn_of_eviction(links: &Links) {
    let policy = links.commands.eviction_policy().await;
    if let Some(policy) = policy.filter(|policy| policy != "noeviction") {
        tracing::warn!(
            policy,
            "Redis may throw away rooms when its memory is full: set its maxmemory-policy to noeviction"
        );
    }
}

fn unavailable(error: LinkError) -> BrokerError {
    BrokerError::Unavailable(error.text)
}

/// Makes the links, listens to everything again, and says that the node lives.
async fn come_up(node: &Arc<Node>, tasks: &TaskTracker) -> Result<Links, BrokerError> {
    // One connection for commands does for as many tries to listen as it takes: each pair has its own number.
    let serial = Arc::new(AtomicU64::new(node.next_serial()));
    let lost: Sink = {
        let (node, serial) = (Arc::downgrade(node), serial.clone());
        Arc::new(move |push| {
            if let (Push::Lost, Some(node)) = (push, node.upgrade()) {
                node.broken(serial.load(Ordering::Acquire), "the connection was lost");
            }
        })
    };
    let commands = node.transport.open(Purpose::Commands, lost).await;
    let commands = commands.map_err(unavailable)?;
    let (links, subscribed) = tokio::select! {
        biased;
        listening = listen(node, &commands, &serial) => listening,
        error = keep_alive(node, &commands, &serial, tasks) => return Err(error),
    };
    beat::beat(node, &links, tasks).await?;
    if *node.trouble.borrow() >= links.serial {
        return Err(BrokerError::Unavailable(
            "the connection was lost at once".to_owned(),
        ));
    }
    node.set_links(Some(links.clone()));
    drop(subscribed);
    node.link.send_modify(|state: &mut LinkState| {
        state.up = true;
        state.returns += 1;
    });
    if node.link.borrow().returns > 1 {
        node.hurry();
    }
    Ok(links)
}

/// Listens to everything, as soon as that is possible.
async fn listen<'a>(
    node: &'a Arc<Node>,
    commands: &Arc<dyn Link>,
    serial: &AtomicU64,
) -> (Links, MutexGuard<'a, Subscribed>) {
    let mut attempt: u32 = 0;
    loop {
        match try_to_listen(node, commands, serial.load(Ordering::Acquire)).await {
            Ok(listening) => return listening,
            Err(error) if attempt == 0 => {
                tracing::warn!(%error, "Redis is there, but cannot be listened to: this instance is on its own until it can");
            }
            Err(error) => tracing::debug!(%error, "Redis cannot be listened to yet"),
        }
        serial.store(node.next_serial(), Ordering::Release);
        let wait = Duration::from_millis(BACKOFF.delay_ms(attempt, random()));
        sleep(wait.max(SHORTEST)).await;
        attempt = attempt.saturating_add(1);
    }
}

async fn try_to_listen<'a>(
    node: &'a Arc<Node>,
    commands: &Arc<dyn Link>,
    serial: u64,
) -> Result<(Links, MutexGuard<'a, Subscribed>), BrokerError> {
    let sink: Sink = {
        let node = Arc::downgrade(node);
        Arc::new(move |push| {
            let Some(node) = node.upgrade() else { return };
            match push {
                Push::Message { channel, payload } => deliver(&node, channel, payload),
                Push::Lost => node.broken(serial, "the connection was lost"),
            }
        })
    };
    let listener = node.transport.open(Purpose::Messages, sink).await;
    let links = Links {
        serial,
        commands: commands.clone(),
        listener: listener.map_err(unavailable)?,
    };
    // From before anything is subscribed to, so that no room is subscribed to in vain meanwhile.
    let subscribed = node.subscribed.lock().await;
    let channels: Vec<String> = subscribed
        .iter()
        .map(|room| node.keys.channel(room))
        .collect();
    for channels in channels.chunks(CHANNELS_AT_ONCE) {
        node.answer(&links, links.listener.subscribe(channels))
            .await?;
    }
    Ok((links, subscribed))
}

/// Says that the node lives while it cannot listen: others would take its people for gone. Returns why it cannot any
/// more.
async fn keep_alive(
    node: &Arc<Node>,
    commands: &Arc<dyn Link>,
    serial: &AtomicU64,
    tasks: &TaskTracker,
) -> BrokerError {
    let mut tick = interval(node.settings.beat);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // Nobody misses whom nobody has heard of.
        if !node.life().registered {
            continue;
        }
        let speaking = Links {
            serial: serial.load(Ordering::Acquire),
            commands: commands.clone(),
            // A beat listens to nothing.
            listener: commands.clone(),
        };
        if let Err(error) = beat::beat(node, &speaking, tasks).await {
            return error;
        }
    }
}

fn deliver(node: &Node, channel: &str, payload: &[u8]) {
    let Some(room) = node.keys.room_of(channel) else {
        return;
    };
    match format::message(payload) {
        Some(message) => node.inbox.deliver(&room, message),
        // The room is compared in a while: what matters is found then.
        None => tracing::debug!(%room, "a message that this version cannot read"),
    }
}

/// Says that the node lives until the links break.
async fn stay(node: &Arc<Node>, links: &Links, tasks: &TaskTracker) {
    let mut trouble = node.trouble.subscribe();
    let mut tick = interval(node.settings.beat);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.reset();
    loop {
        tokio::select! {
            biased;
            broken = trouble.wait_for(|last| *last >= links.serial) => {
                let _ = broken;
                return;
            }
            _ = tick.tick() => {}
            () = node.beat_now.notified() => {}
            // Others wait to hear that everything has been told.
            () = node.inbox.until_retold() => if node.life().record.pass > 0 {
                continue;
            },
        }
        if let Err(error) = beat::beat(node, links, tasks).await {
            node.broken(links.serial, &error.to_string());
            return;
        }
    }
}

/// Waits until the node is in step, or for so long.
pub(super) async fn first(node: &Node, most: Duration) -> bool {
    let mut link = node.link.subscribe();
    timeout(most, link.wait_for(|state| state.up)).await.is_ok()
}

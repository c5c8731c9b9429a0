//! The worker: claims what is due, and has it delivered.
//!
//! It waits for nothing but the next of what is under way, so that an address that does not answer, or a database that
//! is away, holds up nobody who does not need it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, pending},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Channel, ChannelLimits, Wording, pace::Pace};
use crate::server::{
    clock::unix_millis,
    hub::Hub,
    random::random,
    store::{ChannelStore, Delivery, InboxStore, StoreError},
};

/// How much is under way at once.
const UNDER_WAY: usize = 32;

/// How soon is looked again after something was delivered: the next of the same person may be due.
const AGAIN: Duration = Duration::from_millis(50);

/// The longest pause after a failure of the database.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How long what is under way may take at the end. What is not done then is done again, by another instance or the next
/// start, once its claim has ended.
const LAST: Duration = Duration::from_secs(4);

/// How often what is over with is deleted, and how soon again while there is more.
const SWEEPS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1));

/// How long something waits for a channel that no instance has any more.
const FORGOTTEN: u64 = 7 * 24 * 3_600_000;

/// A channel, and how fast it is used.
pub(crate) struct Line {
    pub(super) channel: Arc<dyn Channel>,
    pub(super) limits: ChannelLimits,
    pub(super) pace: Pace,
}

impl Line {
    pub(crate) fn new(channel: Arc<dyn Channel>) -> Self {
        let limits = channel.limits();
        Self {
            channel,
            limits,
            pace: Pace::new(limits.per_second),
        }
    }
}

/// See the [module](self).
pub(crate) struct Worker {
    pub(crate) store: Arc<ChannelStore>,
    pub(crate) inboxes: Arc<InboxStore>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) lines: HashMap<&'static str, Line>,
    pub(crate) wordings: Vec<Wording>,
    /// The site's address, without a slash at the end.
    pub(crate) site: Option<String>,
    pub(crate) poll: Duration,
    pub(crate) retention: Duration,
    pub(crate) stop: CancellationToken,
}

/// What has come to an end.
enum Step {
    Claimed(Result<Vec<Delivery>, StoreError>),
    Delivered(i64),
    Swept(Result<bool, StoreError>),
}

impl Worker {
    /// Works until the module ends.
    pub(crate) async fn run(self) {
        let channels: Vec<&str> = self.lines.keys().copied().collect();
        let name = format!("{:016x}", random::<u64>());
        let mut claims = 0_u64;
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        // Beside the claims in the database: a clock that goes back must not make us take our own again.
        let mut under_way: HashSet<i64> = HashSet::new();
        let (mut looked, mut asked) = (Instant::now(), 0);
        // None: it is being done.
        let (mut next_look, mut next_sweep) = (Some(looked), Some(looked));
        let mut pause = self.poll;
        loop {
            let step = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(step) = steps.next(), if !steps.is_empty() => step,
                () = at(next_look), if under_way.len() < UNDER_WAY => {
                    claims += 1;
                    (looked, next_look) = (Instant::now(), None);
                    asked = UNDER_WAY - under_way.len();
                    let (store, channels) = (&self.store, &channels);
                    let claim = format!("{name}-{claims}");
                    let claimed = async move {
                        store.claim(&claim, channels, asked, unix_millis()).await
                    };
                    steps.push(claimed.map(Step::Claimed).boxed());
                    continue;
                }
                () = at(next_sweep) => {
                    next_sweep = None;
                    steps.push(self.sweep().map(Step::Swept).boxed());
                    continue;
                }
            };
            let now = Instant::now();
            match step {
                Step::Claimed(Ok(claimed)) => {
                    pause = self.poll;
                    let more = claimed.len() >= asked;
                    next_look = Some(if more { now } else { looked + self.poll });
                    for delivery in claimed {
                        let id = delivery.id;
                        if under_way.insert(id) {
                            let delivered = self.deliver(delivery);
                            steps.push(delivered.map(move |()| Step::Delivered(id)).boxed());
                        }
                    }
                }
                Step::Claimed(Err(error)) => {
                    tracing::warn!(%error, source = ?std::error::Error::source(&error), "deliveries wait for the database");
                    next_look = Some(now + pause);
                    pause = (pause * 2).clamp(Duration::from_millis(1), MAX_PAUSE);
                }
                Step::Delivered(id) => {
                    under_way.remove(&id);
                    next_look = next_look.map(|next| next.min((looked + AGAIN).max(now)));
                }
                Step::Swept(swept) => {
                    let more = swept.unwrap_or_else(|error| {
                        tracing::warn!(%error, "old deliveries could not be deleted");
                        false
                    });
                    next_sweep = Some(now + if more { SWEEPS.1 } else { SWEEPS.0 });
                }
            }
        }
        let rest = async { while steps.next().await.is_some() {} };
        let _ = timeout(LAST, rest).await;
    }

    async fn sweep(&self) -> Result<bool, StoreError> {
        let now = unix_millis();
        let retention = u64::try_from(self.retention.as_millis()).unwrap_or(u64::MAX);
        let done = now.saturating_sub(retention);
        let waiting = now.saturating_sub(FORGOTTEN);
        self.store.sweep(done, waiting, now).await
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

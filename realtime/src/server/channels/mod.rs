//! Channels: what reaches people who have no page open, such as Telegram or e-mail.
//!
//! ```text
//! notify ── realtime_notification + realtime_delivery: one transaction
//!                                        │ claim: of one person the first that waits, by one instance
//!                     worker ── read, or here? ── wording ── pace ── claim again ── Channel::send ── mark
//! ```
//!
//! A delivery is claimed, sent, and marked; nobody else has it meanwhile, also on no other instance. Whatever dies
//! between, it is sent again once its claim has ended: so somebody gets a message twice where the process ends, or the
//! answer is lost, after the other side has taken the message and before that is written down. That is the time of one
//! answer and one commit.
//!
//! A [`Channel`] sends. Where it sends to, an address, is linked to a person by the host
//! ([`Realtime::link_channel`](crate::Realtime::link_channel)), or by the person with a code that they bring to the
//! channel's other side ([`Realtime::link_code`](crate::Realtime::link_code), [`Links::redeem`]).

mod deliver;
mod link;
mod links;
mod message;
mod pace;
pub(crate) mod requests;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "telegram")]
mod telegram;
mod worker;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::Router;
pub use link::ChannelError;
pub use links::{LinkOutcome, Links};
pub use message::ChannelMessage;
pub(super) use message::{Wording, wording};
#[cfg(feature = "smtp")]
pub use smtp::{Smtp, SmtpConfig};
#[cfg(feature = "telegram")]
pub use telegram::{Telegram, TelegramConfig, TelegramTexts, TelegramUpdates};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use worker::{Line, Worker};

use super::{
    config::RealtimeConfig,
    hub::Hub,
    store::{ChannelStore, Database, InboxStore, Leases},
    tasks::TaskTracker,
};
use crate::core::backoff::Backoff;

/// A way to reach people who have no page open.
///
/// ```
/// use leptos_realtime::{Channel, ChannelMessage, SendError};
///
/// /// Prints what it is to send.
/// struct Printer;
///
/// #[async_trait::async_trait]
/// impl Channel for Printer {
///     fn name(&self) -> &'static str {
///         "printer"
///     }
///
///     async fn send(&self, address: &str, message: &ChannelMessage) -> Result<(), SendError> {
///         println!("for {address}: {}", message.title);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// Its name, for good: 1 to 32 lower-case letters, digits and `-`. Addresses are kept by it.
    fn name(&self) -> &'static str;

    /// Sends a message to an address. `Ok` means that the other side has taken it.
    ///
    /// It may be called again with what it has sent before, after a crash: see the [module](self).
    ///
    /// # Errors
    /// When it was not sent; what is done then the error says.
    async fn send(&self, address: &str, message: &ChannelMessage) -> Result<(), SendError>;

    /// How fast it may be used.
    fn limits(&self) -> ChannelLimits {
        ChannelLimits::default()
    }

    /// Where a person goes with a code to link themselves. None: they cannot, and the host links them.
    ///
    /// # Errors
    /// When that cannot be found out right now.
    async fn link_url(&self, code: &str) -> Result<Option<String>, SendError> {
        let _ = code;
        Ok(None)
    }

    /// Routes of its own, under `{path}/{name}` of the module's: such as for what the other side tells.
    fn routes(&self, links: Links) -> Option<Router> {
        let _ = links;
        None
    }

    /// What it does beside sending, on each instance, until the module ends: such as asking the other side what is new.
    /// It is dropped then, wherever it waits.
    async fn run(&self, links: Links) {
        let _ = links;
    }
}

/// How long it may take, at the end, to leave a lease to others.
const RELEASE: Duration = Duration::from_secs(1);

/// How fast a channel may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// How many messages a second, over all instances; none: no limit.
    pub per_second: Option<NonZeroU32>,
    /// How long an address is left alone after a message, also by other instances. At most a minute.
    pub per_address: Duration,
    /// How long sending may take, at most 15 seconds.
    pub timeout: Duration,
    /// How long to wait before a message is tried again.
    pub backoff: Backoff,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            per_second: None,
            per_address: Duration::ZERO,
            timeout: Duration::from_secs(10),
            backoff: Backoff {
                base_ms: 2_000,
                cap_ms: 3_600_000,
            },
        }
    }
}

/// Why a message was not sent, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may be sent later: after this time, where the other side says so. After twenty tries it is given up.
    #[error("not now: {why}")]
    Later {
        /// How long the other side wants to be left alone by it.
        after: Option<Duration>,
        /// What happened, for the log.
        why: String,
    },
    /// Nothing can be sent to this address any more: it is unlinked, and the person is told why.
    #[error("the address is gone: {0}")]
    Gone(String),
    /// This message can never be sent.
    #[error("refused: {0}")]
    Refused(String),
}

impl SendError {
    /// That it may be sent later, whenever that is.
    #[must_use]
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later {
            after: None,
            why: why.into(),
        }
    }
}

/// The channels of a running module.
pub(super) struct Channels {
    all: Vec<Arc<dyn Channel>>,
    store: Arc<ChannelStore>,
    leases: Arc<Leases>,
    site: Option<String>,
    path: String,
}

impl Channels {
    /// Starts the worker, and what each channel does besides. All of it ends with the token.
    #[allow(clippy::too_many_arguments, reason = "what the builder has, once")]
    pub(super) fn start(
        all: Vec<Arc<dyn Channel>>,
        wordings: Vec<Wording>,
        database: &Database,
        inboxes: Arc<InboxStore>,
        hub: Arc<Hub>,
        config: &RealtimeConfig,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let store = Arc::new(database.channels());
        let site = config.site_url.clone();
        if site.is_none() {
            tracing::info!("without SITE_URL messages to channels have no links");
        }
        let lines: HashMap<_, _> = all
            .iter()
            .map(|channel| (channel.name(), Line::new(channel.clone())))
            .collect();
        let counters = hub.counters().clone();
        let worker = Worker {
            store: store.clone(),
            inboxes,
            hub,
            lines,
            wordings,
            site: site.clone(),
            poll: config.outbox_poll,
            retention: config.outbox_retention,
            stop: stop.clone(),
        };
        tasks.spawn(worker.run());
        let channels = Self {
            all,
            store,
            leases: Arc::new(database.leases().counted_by(&counters)),
            site,
            path: config.path.clone(),
        };
        for channel in &channels.all {
            let (channel, links) = (channel.clone(), channels.links(&**channel));
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(channel.run(links.clone())).await;
                // Otherwise others would wait until it has ended.
                if let Ok(Err(error)) = timeout(RELEASE, links.release()).await {
                    tracing::debug!(%error, "a lease ends by itself");
                }
            });
        }
        channels
    }

    fn links(&self, channel: &dyn Channel) -> Links {
        let (store, leases) = (self.store.clone(), self.leases.clone());
        let site = self.site.as_deref();
        Links::new(channel.name(), store, leases, site, &self.path)
    }

    /// With the routes of each channel.
    pub(super) fn routes<S: Clone + Send + Sync + 'static>(
        &self,
        path: &str,
        mut router: Router<S>,
    ) -> Router<S> {
        for channel in &self.all {
            if let Some(own) = channel.routes(self.links(&**channel)) {
                router = router.nest_service(&format!("{path}/{}", channel.name()), own);
            }
        }
        router
    }
}

/// Whether a channel can have this name: it stands in addresses and paths.
pub(super) fn is_name(name: &str) -> bool {
    /// What else lives under the module's path.
    const TAKEN: [&str; 5] = ["api", "health", "metrics", "ready", "style"];
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(letter) && !TAKEN.contains(&name)
}

//! From a host's callbacks to a running module.

use std::{future::Future, num::NonZero, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    auth::{Access, AuthError, Authenticate, Authorize, AutoJoin, Callbacks, Handshake, SignIn},
    broker::{Inbox, MemoryBroker},
    config::RealtimeConfig,
    gateway::Gateway,
    handle::{Inner, Realtime},
    hub::Hub,
};
use crate::protocol::{RoomId, User};

/// Why the module did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A callback without which nothing would be safe is missing.
    #[error("Realtime::builder(…) needs .{0}(…) before .start()")]
    Missing(&'static str),
}

/// Made by [`Realtime::builder`]: the host's callbacks, then [`start`](Self::start).
#[must_use = "nothing runs before .start()"]
pub struct RealtimeBuilder {
    config: RealtimeConfig,
    meeting: Option<MemoryBroker>,
    authenticate: Option<Arc<Authenticate>>,
    authorize: Option<Arc<Authorize>>,
    auto_join: Arc<AutoJoin>,
}

impl RealtimeBuilder {
    pub(super) fn new(config: RealtimeConfig) -> Self {
        let auto_join: Arc<AutoJoin> = Arc::new(|_| Box::pin(std::future::ready(Vec::new())));
        Self {
            config,
            meeting: None,
            authenticate: None,
            authorize: None,
            auto_join,
        }
    }

    /// Who connects or asks for a page: a [`User`] or a [`SignIn`], `None` for a guest, or an error that refuses the
    /// connection.
    pub fn authenticate<F, Fut, S>(mut self, f: F) -> Self
    where
        F: Fn(Handshake) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<S>, AuthError>> + Send + 'static,
        S: Into<SignIn>,
    {
        self.authenticate = Some(Arc::new(move |handshake| {
            let signed_in = f(handshake);
            Box::pin(async move { Ok(signed_in.await?.map(Into::into)) })
        }));
        self
    }

    /// Which of these rooms the person (nobody: a guest) may access: the allowed ones are returned. Asked for a batch
    /// at a time, at each join.
    pub fn authorize<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Option<User>, Vec<RoomId>, Access) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<RoomId>, AuthError>> + Send + 'static,
    {
        self.authorize = Some(Arc::new(move |who, rooms, access| {
            Box::pin(f(who, rooms, access))
        }));
        self
    }

    /// The rooms in which a person is while connected, wherever they are on the site: such as their communities.
    pub fn auto_join<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Option<User>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<RoomId>> + Send + 'static,
    {
        self.auto_join = Arc::new(move |who| Box::pin(f(who)));
        self
    }

    /// Meets other nodes of this process at their broker: for tests of several instances.
    #[cfg(feature = "testing")]
    pub(crate) fn meeting(mut self, broker: MemoryBroker) -> Self {
        self.meeting = Some(broker);
        self
    }

    /// Starts the module's tasks in the current tokio runtime.
    ///
    /// # Errors
    /// When a callback that has no safe default is missing.
    pub async fn start(self) -> Result<Realtime, StartError> {
        let callbacks = Callbacks {
            authenticate: self
                .authenticate
                .ok_or(StartError::Missing("authenticate"))?,
            authorize: self.authorize.ok_or(StartError::Missing("authorize"))?,
            auto_join: self.auto_join,
        };
        let config = self.config;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let shards = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (inbox, receivers) = Inbox::new(shards, config.max_pending_messages);
        let memory = match self.meeting {
            Some(meeting) => meeting.join(inbox.clone()),
            None => MemoryBroker::new(config.retention, inbox.clone()),
        };
        let broker = Arc::new(memory.clone());
        let hub = Hub::start(broker, inbox, receivers, &config, &tasks, &stop);
        let gateway = Gateway::start(
            config.clone(),
            callbacks.clone(),
            hub.clone(),
            tasks.clone(),
            stop.clone(),
        );
        Ok(Realtime(Arc::new(Inner {
            config,
            callbacks,
            hub,
            gateway,
            memory,
            tasks,
            stop,
        })))
    }
}

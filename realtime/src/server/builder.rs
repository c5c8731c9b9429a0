//! From a host's callbacks to a running module.

use std::{future::Future, num::NonZero, sync::Arc};

use tokio_util::sync::CancellationToken;

#[cfg(feature = "redis")]
use super::broker::redis::{RedisBroker, RedisConfig};
use super::{
    auth::{
        Access, AuthError, Authenticate, Authorize, AutoJoin, Callbacks, Handshake, Invalidated,
        SignIn, Whereabouts,
    },
    broker::{Broker, Inbox, MemoryBroker},
    config::RealtimeConfig,
    gateway::Gateway,
    guard,
    handle::{Inner, Realtime},
    health::Health,
    hub::Hub,
    store::{MemoryStore, Store},
    tasks::TaskTracker,
    unpublished::Unpublished,
};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::{
    channels::{Channel, Channels, Wording, is_name, wording},
    notify::tidy,
    outbox::{Means, Outbox},
    random::random,
    relay::{Original, Relay, RelayError, Relayed, no_relay},
    store::Database,
};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::protocol::NotificationData;
use crate::protocol::{RoomId, User};

/// What stands between the module and its broker in a test.
#[cfg(feature = "testing")]
type AroundBroker = Box<dyn FnOnce(Arc<dyn Broker>) -> Arc<dyn Broker> + Send>;

/// Why the module did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A callback without which nothing would be safe is missing.
    #[error("Realtime::builder(…) needs .{0}(…) before .start()")]
    Missing(&'static str),
    /// In production, instances would be islands.
    #[error("this does not start in production (APP_ENV, or Railway): {0}")]
    Production(&'static str),
    /// A channel's name cannot be used, or two have the same.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("a channel cannot be named {0:?}: it takes 1 to 32 of a-z, 0-9 and -, each name once")]
    ChannelName(&'static str),
    /// The configuration of Redis contradicts itself.
    #[cfg(feature = "redis")]
    #[error("Redis cannot be used as configured: {0}")]
    Redis(String),
    /// The module's tables cannot be made or changed.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("the realtime tables cannot be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// Why the module did not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[from] std::io::Error),
}

/// Made by [`Realtime::builder`]: the host's callbacks, then [`start`](Self::start).
#[must_use = "nothing runs before .start()"]
pub struct RealtimeBuilder {
    config: RealtimeConfig,
    meeting: Option<MemoryBroker>,
    /// The people's records of the nodes it meets, unless it is given a database.
    #[cfg(feature = "testing")]
    store: Option<Arc<dyn Store>>,
    #[cfg(feature = "testing")]
    around_broker: Option<AroundBroker>,
    #[cfg(feature = "testing")]
    link: Option<crate::testing::Link>,
    #[cfg(feature = "simulated-redis")]
    path: Option<crate::testing::redis::Path>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    database: Option<Database>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    relay: Arc<Relay>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    channels: Vec<Arc<dyn Channel>>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    wordings: Vec<Wording>,
    authenticate: Option<Arc<Authenticate>>,
    authorize: Option<Arc<Authorize>>,
    auto_join: Arc<AutoJoin>,
    whereabouts: Arc<Whereabouts>,
    invalidated: Arc<Invalidated>,
}

/// Joins the other instances at Redis. Without an answer the instance starts all the same, on its own until there is
/// one.
#[cfg(feature = "redis")]
async fn meet_at_redis(
    redis: &RedisConfig,
    config: &RealtimeConfig,
    inbox: Inbox,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Arc<dyn Broker>, StartError> {
    let broker = RedisBroker::connect(redis, config.retention, inbox, tasks, stop)?;
    broker.first(redis.connect_timeout + redis.timeout).await;
    Ok(Arc::new(broker))
}

/// Joins the other instances at a stand-in for Redis, as [`meet_at_redis`] does at a real one.
#[cfg(feature = "simulated-redis")]
async fn meet_over(
    path: crate::testing::redis::Path,
    config: &RealtimeConfig,
    inbox: Inbox,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<dyn Broker> {
    let redis = RedisConfig::from_url("redis://simulated").expect("a good URL");
    let settings = super::broker::redis::Settings {
        beat: redis.beat_interval,
        timeout: redis.timeout,
        prefix: redis.prefix,
        name: "simulated".to_owned(),
        retention: config.retention,
    };
    let broker = RedisBroker::start(settings, Arc::new(path), inbox, tasks, stop);
    broker.first(redis.connect_timeout + redis.timeout).await;
    Arc::new(broker)
}

/// Whether channels have what they need.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn check_channels(
    channels: &[Arc<dyn Channel>],
    wordings: &[Wording],
    database: bool,
) -> Result<(), StartError> {
    let mut names = std::collections::HashSet::new();
    for channel in channels {
        let name = channel.name();
        if !is_name(name) || !names.insert(name) {
            return Err(StartError::ChannelName(name));
        }
    }
    match channels {
        [] => Ok(()),
        _ if !database => Err(StartError::Missing("database")),
        _ if wordings.is_empty() => Err(StartError::Missing("notifications::<…>")),
        _ => Ok(()),
    }
}

impl RealtimeBuilder {
    pub(super) fn new(config: RealtimeConfig) -> Self {
        let auto_join: Arc<AutoJoin> = Arc::new(|_| Box::pin(std::future::ready(Vec::new())));
        Self {
            config,
            meeting: None,
            #[cfg(feature = "testing")]
            store: None,
            #[cfg(feature = "testing")]
            around_broker: None,
            #[cfg(feature = "testing")]
            link: None,
            #[cfg(feature = "simulated-redis")]
            path: None,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            database: None,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            relay: no_relay(),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            channels: Vec::new(),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            wordings: Vec::new(),
            authenticate: None,
            authorize: None,
            auto_join,
            whereabouts: Arc::new(|_, _| Box::pin(std::future::ready(Vec::new()))),
            invalidated: Arc::new(|_| {}),
        }
    }

    /// Who connects or asks for a page: a [`User`] or a [`SignIn`], `None` for a guest, or an error that refuses the
    /// connection. Asked again, by what was presented then, whenever an open connection is checked: it answers the same
    /// for as long as the sign-in is good.
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

    /// Keeps what lasts in the host's database: people's records, and events that are published in the host's own
    /// transactions ([`Realtime::publish_in`]). The module makes its own tables there, at start.
    ///
    /// Without it people's records last as long as the process, and an instance that cannot hear the others does not
    /// learn who is revoked or hides: several instances need one database.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn database(mut self, database: impl Into<Database>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// The same in a SQLite file of the module's own, which is made where there is none: for hosts without a database, or
    /// with one that sqlx does not speak to. A host that has a pool gives it to [`database`](Self::database).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(self, file: impl AsRef<std::path::Path>) -> Self {
        self.database(Database::sqlite_file(file.as_ref()))
    }

    /// Where an event that is published in a transaction ([`Realtime::publish_in`]) goes besides its own room: to rooms
    /// and people of partner communities. Nowhere, by default. Asked once the event has been published, and again where
    /// it fails; never asked of what was relayed itself.
    ///
    /// ```no_run
    /// # use leptos_realtime::{Realtime, Relayed, server::RealtimeBuilder, rooms};
    /// rooms! { Board(i64) => String }
    ///
    /// fn partners(builder: RealtimeBuilder) -> RealtimeBuilder {
    ///     builder.relay(|original| async move {
    ///         Ok(match original.read::<Board>() {
    ///             Some((Board(7), post)) => vec![Relayed::event(Board(8), &post, "harbour")?],
    ///             _ => Vec::new(),
    ///         })
    ///     })
    /// }
    /// ```
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn relay<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Original) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Relayed>, RelayError>> + Send + 'static,
    {
        self.relay = Arc::new(move |original| Box::pin(f(original)));
        self
    }

    /// Sends people's notifications to a channel too: to those who have linked it, and have not seen them after
    /// [`RealtimeConfig::channel_delay`]. It needs a [`database`](Self::database) and [`notifications`](Self::notifications).
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn channel(mut self, channel: impl Channel) -> Self {
        self.channels.push(Arc::new(channel));
        self
    }

    /// Which type words notifications for channels. With several types the first that can read a notification, and
    /// names its kind, words it; what none can is not sent.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn notifications<D: NotificationData>(mut self) -> Self {
        self.wordings.push(wording::<D>());
        self
    }

    /// Reaches the meeting point through a link, for tests.
    #[cfg(feature = "testing")]
    pub(crate) fn linked(mut self, link: crate::testing::Link) -> Self {
        self.link = Some(link);
        self
    }

    /// Meets other nodes at a stand-in for Redis, for simulations.
    #[cfg(feature = "simulated-redis")]
    pub(crate) fn reaching(mut self, path: crate::testing::redis::Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Sees and disturbs what the broker does, for tests.
    #[cfg(feature = "testing")]
    pub(crate) fn around_broker(mut self, around: AroundBroker) -> Self {
        self.around_broker = Some(around);
        self
    }

    /// In which other rooms people may see that somebody is in this one: such as, in the community, that they look at
    /// one of its boards. Nowhere, by default. Asked at each join; whoever sees the other rooms is told, so a room that
    /// not all of them may see must not be named there.
    pub fn whereabouts<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Option<User>, RoomId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<RoomId>> + Send + 'static,
    {
        self.whereabouts = Arc::new(move |who, room| Box::pin(f(who, room)));
        self
    }

    /// Called on every instance when a host has said that something in its database has changed
    /// ([`Realtime::invalidate`]), with the host's name for it, so that what was kept of it is forgotten. Without a name:
    /// something may have been said that is lost, so everything is to be forgotten.
    pub fn on_invalidate(mut self, f: impl Fn(Option<&str>) + Send + Sync + 'static) -> Self {
        self.invalidated = Arc::new(f);
        self
    }

    /// Meets the other nodes of this process at their broker, and shares what they know of people: for tests of several
    /// instances.
    #[cfg(feature = "testing")]
    pub(crate) fn meeting(mut self, node: &Realtime) -> Self {
        self.meeting = Some(node.memory());
        node.0.store.share();
        self.store = Some(node.0.store.clone());
        self
    }

    /// Starts the module, puts it into the host's app, and serves both until Ctrl-C or SIGTERM: in place of
    /// `axum::serve`. A host that needs the handle besides takes the three apart: [`start`](Self::start),
    /// [`Realtime::embed`], [`Realtime::serve`].
    ///
    /// ```no_run
    /// # use axum::Router;
    /// # use leptos_realtime::{Realtime, RealtimeConfig, User};
    /// # async fn run(app: Router, listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
    /// Realtime::builder(RealtimeConfig::from_env()?)
    ///     .authenticate(|visitor| async move { Ok(visitor.cookie("name").and_then(User::named)) })
    ///     .authorize(|_who, rooms, _access| async move { Ok(rooms) })
    ///     .serve(listener, app)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`start`](Self::start), and when the listener fails.
    ///
    /// # Panics
    /// As [`Realtime::embed`].
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        app: axum::Router,
    ) -> Result<(), ServeError> {
        let realtime = self.start().await?;
        Ok(realtime.serve(listener, realtime.embed(app)).await?)
    }

    /// Starts the module's tasks in the current tokio runtime.
    ///
    /// # Errors
    /// When a callback that has no safe default is missing; in production, when several instances would not be one
    /// system ([`RealtimeConfig::production`]); when the database cannot be migrated.
    pub async fn start(self) -> Result<Realtime, StartError> {
        let callbacks = Callbacks {
            authenticate: self
                .authenticate
                .ok_or(StartError::Missing("authenticate"))?,
            authorize: self.authorize.ok_or(StartError::Missing("authorize"))?,
            auto_join: self.auto_join,
            whereabouts: self.whereabouts,
            invalidated: self.invalidated,
        };
        let config = self.config;
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        let shareable = self.database.as_ref().is_none_or(Database::is_shareable);
        #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
        let shareable = true;
        guard::check(&config, shareable)?;
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        check_channels(&self.channels, &self.wordings, self.database.is_some())?;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        #[cfg(feature = "testing")]
        let store = self.store.unwrap_or(store);
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        let (store, database) = match self.database {
            None => (store, None),
            Some(database) => {
                let opened = database.open().await?;
                (opened.clone() as Arc<dyn Store>, Some((database, opened)))
            }
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        #[cfg(feature = "simulated-redis")]
        let tasks = match &self.path {
            Some(path) => TaskTracker::behind(path.gate()),
            None => tasks,
        };
        let shards = std::thread::available_parallelism().map_or(1, NonZero::get);
        // In simulations it must not matter on which machine they run.
        #[cfg(feature = "testing")]
        let shards = if self.link.is_some() { 2 } else { shards };
        let (inbox, receivers) = Inbox::new(shards, config.max_pending_messages);
        #[cfg(feature = "testing")]
        let inbox = match &self.link {
            Some(link) => inbox.behind(link.clone()),
            None => inbox,
        };
        let memory = match self.meeting {
            Some(meeting) => meeting.join(inbox.clone()),
            None => MemoryBroker::new(config.retention, inbox.clone()),
        };
        let broker: Arc<dyn Broker> = Arc::new(memory.clone());
        #[cfg(feature = "redis")]
        let broker = match &config.redis {
            Some(redis) => meet_at_redis(redis, &config, inbox.clone(), &tasks, &stop).await?,
            None => broker,
        };
        #[cfg(feature = "simulated-redis")]
        let broker = match self.path {
            Some(path) => meet_over(path, &config, inbox.clone(), &tasks, &stop).await,
            None => broker,
        };
        #[cfg(feature = "testing")]
        let broker = match self.link {
            Some(link) => Arc::new(crate::testing::Linked {
                link,
                inner: broker,
            }),
            None => broker,
        };
        #[cfg(feature = "testing")]
        let broker = match self.around_broker {
            Some(around) => around(broker),
            None => broker,
        };
        let hub = Hub::start(
            broker,
            store.clone(),
            inbox,
            receivers,
            &config,
            &tasks,
            &stop,
        );
        let unpublished = Arc::new(Unpublished::default());
        tasks.spawn(unpublished.clone().run(hub.clone(), stop.clone()));
        let gateway = Gateway::start(
            config.clone(),
            callbacks.clone(),
            hub.clone(),
            store.clone(),
            tasks.clone(),
            stop.clone(),
        );
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        let (outbox, inboxes, channels) = match database {
            None => (None, None, None),
            Some((database, store)) => {
                let writer = format!("{:016x}", random::<u64>());
                let mut inboxes = database.inbox(writer);
                if !self.channels.is_empty() {
                    let delay = config.channel_delay.as_millis();
                    inboxes = inboxes.delivering(u64::try_from(delay).unwrap_or(u64::MAX));
                }
                let inboxes = Arc::new(inboxes);
                let means = Means {
                    store,
                    inboxes: inboxes.clone(),
                    relay: self.relay,
                    hub: hub.clone(),
                };
                let outbox = Arc::new(Outbox::start(&database, means, &config, &tasks, &stop));
                let told = outbox.clone();
                let tidy = tidy(
                    inboxes.clone(),
                    database.leases().counted_by(hub.counters()),
                    config.notification_retention,
                    move |written| told.written(written),
                );
                tasks.spawn(stop.clone().run_until_cancelled_owned(tidy));
                let channels = (!self.channels.is_empty()).then(|| {
                    Channels::start(
                        self.channels,
                        self.wordings,
                        &database,
                        inboxes.clone(),
                        hub.clone(),
                        &config,
                        &tasks,
                        &stop,
                    )
                });
                (Some(outbox), Some(inboxes), channels)
            }
        };
        Ok(Realtime(Arc::new(Inner {
            config,
            callbacks,
            hub,
            unpublished,
            gateway,
            memory,
            store,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            outbox,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            inboxes,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            channels,
            health: Health::default(),
            #[cfg(feature = "metrics")]
            requests: super::http::Requests::default(),
            #[cfg(feature = "metrics")]
            started: super::clock::unix_millis(),
            began: std::time::Instant::now(),
            tasks,
            stop,
        })))
    }
}

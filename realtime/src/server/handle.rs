//! The handle of a host.

use std::{sync::Arc, time::Instant};

use axum::{Extension, Router, http::header, response::IntoResponse, routing::get};
use leptos::prelude::provide_context;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    auth::{Access, Callbacks, Denied, Handshake},
    broker::{BrokerError, MemoryBroker, NodeInfo},
    builder::RealtimeBuilder,
    config::RealtimeConfig,
    gateway::{self, Gateway},
    health::{self, Health},
    hub::Hub,
    random::random,
    store::{Store, StoreError},
    tasks::TaskTracker,
    unpublished::{Published, Unpublished},
};
use crate::{
    components::STYLES,
    core::message::{NewEvent, RoomSignal},
    protocol::{
        Announcements, Draft, ErrorCode, EventId, FirstView, Member, Online, ProtocolError, Room,
        RoomId, UnixMillis, UserId, reserved::is_reserved,
    },
};

/// A running module. Cheap to clone; all clones are the same module.
///
/// ```no_run
/// use axum::Router;
/// use leptos_realtime::{Realtime, RealtimeConfig, User};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let realtime = Realtime::builder(RealtimeConfig::from_env()?)
///     .authenticate(|handshake| async move { Ok(handshake.token().map(|name| User::new(1, name))) })
///     .authorize(|_who, rooms, _access| async move { Ok(rooms) })
///     .start()
///     .await?;
/// let app: Router = Router::new().merge(realtime.routes());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// realtime.serve(listener, app).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Realtime(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: RealtimeConfig,
    pub(super) callbacks: Callbacks,
    pub(super) hub: Arc<Hub>,
    pub(super) unpublished: Arc<Unpublished>,
    pub(super) store: Arc<dyn Store>,
    pub(super) gateway: Gateway,
    #[cfg_attr(
        not(feature = "testing"),
        allow(dead_code, reason = "where tests let nodes meet")
    )]
    pub(super) memory: MemoryBroker,
    /// Nothing where the host gave no database.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) outbox: Option<Arc<super::outbox::Outbox>>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) inboxes: Option<Arc<super::store::InboxStore>>,
    /// Nothing where the host gave no channel.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) channels: Option<super::channels::Channels>,
    pub(super) health: Health,
    #[cfg(feature = "metrics")]
    pub(super) requests: super::http::Requests,
    /// When it was.
    #[cfg(feature = "metrics")]
    pub(super) started: UnixMillis,
    pub(super) began: Instant,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event's type cannot be written as JSON.
    #[error("the event cannot be written as JSON")]
    Serialize(#[from] serde_json::Error),
    /// The event is greater than `RealtimeConfig::max_event_bytes`.
    #[error(
        "the event has {0} bytes, more than the {1} that are allowed: send an id, and let clients load the rest"
    )]
    TooLarge(usize, usize),
    /// The community that an event is relayed from has a name that is empty or too long, or has control characters.
    #[error("a community's name has 1 to 64 bytes without control characters, not {0}")]
    Origin(usize),
    /// A room of the module's own, in which hosts do not publish.
    #[error("{0} is the module's own: hosts do not publish in it")]
    Reserved(RoomId),
    /// The meeting point is away.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The event could not be written into the outbox.
    #[error("the event cannot be written into the outbox")]
    Database(#[from] StoreError),
    /// `publish_in` without a database.
    #[error("publish_in needs RealtimeBuilder::database(…)")]
    NoDatabase,
    /// `publish_in` in a transaction of another kind of database.
    #[error(
        "publish_in needs a transaction of the database that was given to RealtimeBuilder::database(…)"
    )]
    OtherDatabase,
}

impl Realtime {
    /// Begins a module with this configuration.
    pub fn builder(config: RealtimeConfig) -> RealtimeBuilder {
        RealtimeBuilder::new(config)
    }

    /// Whether a request comes from one of the site's own pages, or from what is no browser: by `Origin`, which has to
    /// be the request's `Host` or one of `RealtimeConfig::allowed_origins`, where it is there. A browser adds its cookies
    /// to what pages of other sites send as well.
    #[must_use]
    pub fn is_own_page(&self, headers: &http::HeaderMap) -> bool {
        self.0.gateway.is_own_page(headers)
    }

    /// From where a request comes, as the module counts it for its own limits: an IPv6 address stands for its /64 network.
    /// Nothing where that is not known, or `RealtimeConfig::trusted_proxies` does not fit the proxies in front. For a host
    /// that limits what one address may ask of itself, such as tries to sign in.
    #[must_use]
    pub fn client_address(&self, parts: &http::request::Parts) -> Option<std::net::IpAddr> {
        super::limits::client_address(parts, self.0.config.trusted_proxies)
    }

    /// The module's routes, to be merged into the host's router: the socket endpoint, the components' styles,
    /// [health](super::health), and what channels have of their own.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let path = &self.0.config.path;
        let router = Router::new()
            .route(&format!("{path}/socket.io/"), get(gateway::socket))
            .with_state(self.0.gateway.clone())
            .route(&format!("{path}/style.css"), get(styles))
            .nest(&self.0.config.health_path, health::routes(self.clone()));
        #[cfg(feature = "metrics")]
        let router = router.merge(super::metrics::routes(self.clone()));
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        let router = match &self.0.channels {
            Some(channels) => channels.routes(path, router),
            None => router,
        };
        router
    }

    /// The host's whole app with the module in it: its [`routes`](Self::routes), and this handle in every request, where
    /// server functions and pages find it ([`expect_realtime`](super::expect_realtime)). Then the host needs neither
    /// `leptos_routes_with_context` nor a fallback with a context.
    ///
    /// A host that wants the routes inside a layer of its own merges them there, and passes
    /// [`context`](Self::context) to its pages.
    ///
    /// # Panics
    /// Where the app has the module's routes already.
    pub fn embed(&self, app: Router) -> Router {
        let app = app.layer(Extension(self.clone())).merge(self.routes());
        #[cfg(feature = "metrics")]
        let app = self.measure(app);
        app
    }

    /// What the host passes to `leptos_routes_with_context`: makes this handle available to server functions, as
    /// [`expect_realtime`](super::expect_realtime).
    pub fn context(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let realtime = self.clone();
        move || provide_context(realtime.clone())
    }

    /// Publishes an event to everyone in a room, on every instance. Returns its place in the room's order, or that it
    /// will get one later: see [`Published::Later`].
    ///
    /// The event may be a [`Draft`] with an id, which makes a repeat harmless, or with a subject.
    ///
    /// # Errors
    /// When the event cannot be written as JSON or is too large, the room is the module's own (of the kind
    /// `control` or `inbox`), or the meeting point of instances is away and 10,000 events, or 16 MiB of them, wait for it already.
    pub async fn publish<'a, R: Room>(
        &self,
        room: R,
        event: impl Into<Draft<'a, R::Event>>,
    ) -> Result<Published, PublishError> {
        let room = hosts(room)?;
        let event = self.write(&event.into())?;
        let Inner {
            hub, unpublished, ..
        } = &*self.0;
        Ok(unpublished.publish(hub, &room, event).await?)
    }

    /// Tells something to everyone who is connected, on every instance, whatever rooms they are in. Clients hear it
    /// with [`use_announcements`](crate::use_announcements); who was away for a moment hears it when they are back.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn announce<'a, E: Serialize + 'a>(
        &self,
        event: impl Into<Draft<'a, E>>,
    ) -> Result<Published, PublishError> {
        let event = self.write(&event.into())?;
        let Inner {
            hub, unpublished, ..
        } = &*self.0;
        let room = Announcements::id();
        Ok(unpublished.publish(hub, &room, event).await?)
    }

    /// Signals to everyone in a room who can take it right now: neither ordered nor kept.
    ///
    /// # Errors
    /// When the signal cannot be written as JSON, is larger than `RealtimeConfig::max_signal_bytes`, the room is the
    /// module's own, or the meeting point of instances is away.
    pub async fn signal<R: Room>(&self, room: R, signal: &R::Signal) -> Result<(), PublishError> {
        let room = hosts(room)?;
        let data = serde_json::value::to_raw_value(signal)?;
        let (size, limit) = (data.get().len(), self.0.config.max_signal_bytes);
        if size > limit {
            return Err(PublishError::TooLarge(size, limit));
        }
        let data = data.into();
        let signal = RoomSignal::Data { from: None, data };
        let told = self.0.hub.broker().signal(&room, signal).await;
        Ok(told?)
    }

    /// An event as it travels, with an id of its own.
    pub(super) fn write<E: Serialize>(
        &self,
        draft: &Draft<'_, E>,
    ) -> Result<NewEvent, PublishError> {
        let data = serde_json::value::to_raw_value(draft.event)?;
        let (size, limit) = (data.get().len(), self.0.config.max_event_bytes);
        if size > limit {
            return Err(PublishError::TooLarge(size, limit));
        }
        let random = || {
            EventId::try_from(format!("{:032x}", random::<u128>())).expect("32 hexadecimal digits")
        };
        let id = draft.id.clone().unwrap_or_else(random);
        // In the span of the request that did it: so the two are known together.
        tracing::debug!(%id, bytes = size, "an event is published");
        Ok(NewEvent {
            id,
            subject: draft.subject.clone(),
            origin: None,
            data,
        })
    }

    /// Who is in a room and where its order stands, for whoever presents this handshake.
    ///
    /// To be called *before* the page's data is read: then everything that the data lacks comes after the position,
    /// and reaches the page as an event. [`first_view`](super::first_view) is the same inside a server function.
    ///
    /// # Errors
    /// When the viewer may not see the room, or that cannot be found out right now.
    pub async fn first_view<R: Room>(
        &self,
        handshake: Handshake,
        room: R,
    ) -> Result<FirstView, Denied> {
        let room = room.room_id();
        self.may_view(handshake, &room).await?;
        let view = self.0.hub.first_view(&room).await;
        view.map_err(|error| not_told(&room, &error))
    }

    /// Everyone in a room whom others may see, on all instances, in the order in which they came: for the host itself,
    /// which asks nobody for leave. People who hide are not among them, nor are guests.
    ///
    /// # Errors
    /// When this instance does not serve the room yet, and the meeting point of instances is away.
    pub async fn presence<R: Room>(&self, room: R) -> Result<Vec<Member>, BrokerError> {
        let (members, _) = self.0.hub.page(&room.room_id(), None, usize::MAX).await?;
        Ok(members)
    }

    /// How many people are in a room, as [`presence`](Self::presence) would list them; without listing them.
    ///
    /// # Errors
    /// As [`presence`](Self::presence).
    pub async fn count<R: Room>(&self, room: R) -> Result<usize, BrokerError> {
        let (_, count) = self.0.hub.page(&room.room_id(), None, 0).await?;
        Ok(count)
    }

    /// Whether anybody is in a room, on any instance: guests and people who hide too, whom [`presence`](Self::presence)
    /// does not list. For a host that tells a room something only while there is somebody to hear it.
    ///
    /// Who asks again and again keeps the room served here, and is answered from memory.
    ///
    /// # Errors
    /// As [`presence`](Self::presence).
    pub async fn is_occupied<R: Room>(&self, room: R) -> Result<bool, BrokerError> {
        self.0.hub.is_occupied(&room.room_id()).await
    }

    /// Whether a person is online for others, on any instance. People who hide are offline, also for the host.
    ///
    /// # Errors
    /// As [`presence`](Self::presence).
    pub async fn online(&self, user: impl Into<UserId>) -> Result<bool, BrokerError> {
        Ok(!self.presence(Online(user.into())).await?.is_empty())
    }

    /// A room's people after a place in the order in which they came, at most so many, and how many there are.
    pub(super) async fn presence_page(
        &self,
        handshake: Handshake,
        room: RoomId,
        after: Option<&(UnixMillis, UserId)>,
        most: usize,
    ) -> Result<(Vec<Member>, usize), Denied> {
        self.may_view(handshake, &room).await?;
        let page = self.0.hub.page(&room, after, most).await;
        page.map_err(|error| not_told(&room, &error))
    }

    async fn may_view(&self, handshake: Handshake, room: &RoomId) -> Result<(), Denied> {
        let known = self.0.gateway.know(handshake).await.map_err(Denied)?;
        let callbacks = &self.0.callbacks;
        let allowed = callbacks.require(known.user, room, Access::View).await;
        allowed.map_err(Denied)
    }

    /// The instances that are known to live, this one first; none but this where there is no Redis.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeInfo> {
        self.0.hub.broker().nodes()
    }

    /// Whether it has ended.
    #[cfg(feature = "testing")]
    pub(crate) fn has_ended(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    /// Whether both are the same module.
    #[cfg(feature = "testing")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    #[cfg(feature = "testing")]
    pub(crate) fn memory(&self) -> MemoryBroker {
        self.0.memory.clone()
    }
}

/// A room in which hosts may publish.
pub(super) fn hosts<R: Room>(room: R) -> Result<RoomId, PublishError> {
    let room = room.room_id();
    match is_reserved(&room) {
        true => Err(PublishError::Reserved(room)),
        false => Ok(room),
    }
}

fn not_told(room: &RoomId, error: &BrokerError) -> Denied {
    tracing::warn!(%room, %error, "could not tell who is here");
    let sentence = "who is here cannot be told right now";
    Denied(ProtocolError::new(ErrorCode::Unavailable, sentence))
}

async fn styles() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::CACHE_CONTROL, "public, max-age=3600"),
        ],
        STYLES,
    )
}

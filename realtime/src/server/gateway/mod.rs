//! The gateway: from an HTTP request to an accepted socket, and from its commands to the hub and the broker.
//!
//! [`endpoint`] does the HTTP part and hands the upgraded stream over, wrapped in a [`wire`]; socketioxide speaks
//! Socket.IO on it. The handshake is authenticated here, [`connection`]s are registered in [`sessions`],
//! [`commands`] carries out what clients ask for, [`rights`] what the host decides of them, and [`people`] keeps what
//! outlives them. A janitor task cuts dead connections and ends sessions whose grace is over.

mod callbacks;
mod commands;
mod connection;
mod endpoint;
mod intake;
mod people;
mod rights;
mod sessions;
mod teller;
mod unsent;
mod wire;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use connection::{Connection, Identity};
pub(crate) use endpoint::socket;
use http::{Request, request::Parts};
use intake::Pending;
use people::LastSeen;
use rights::Known;
use sessions::Sessions;
use socketioxide::{
    SocketIo, TransportType,
    extract::{SocketRef, TryData},
    handler::ConnectHandler,
    service::SocketIoService,
};
use teller::Teller;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wire::{Wire, WireControl};

use super::{
    auth::{Callbacks, Handshake},
    clock::Monotonic,
    config::RealtimeConfig,
    hub::{Hub, Viewer, ViewerId},
    limits::{Counted, Limiter, Place},
    store::Store,
};
use crate::{
    core::replica::TYPING_REPEAT_MS,
    protocol::{
        Announcements, Auth, CloseAction, ErrorCode, PROTOCOL_VERSION, ProtocolError, SessionId,
        UserId, Welcome,
    },
};

/// How often dead connections and ended graces are looked for.
const JANITOR_TICK: Duration = Duration::from_millis(250);

/// How often the limits of people who are gone are forgotten.
const MAINTAIN_EVERY: Duration = Duration::from_secs(5);

/// How long a client may take from the open socket to its Socket.IO connect packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the host's `authenticate` may take on top of it.
const AUTHENTICATE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last frames may take to reach the client before its stream is cut.
const LINGER: Duration = Duration::from_secs(2);

/// The messages that may wait in socketioxide's buffer before frames of rooms are held back.
const SEND_BUFFER: usize = 128;

/// The places in it beyond those, for what must not wait: answers, the goodbye, and the ping, which ends the connection
/// where it finds no place.
const SPARE_BUFFER: usize = 64;

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

pub(super) struct Inner {
    config: RealtimeConfig,
    callbacks: Callbacks,
    hub: Arc<Hub>,
    service: SocketIoService<()>,
    sessions: Sessions,
    store: Arc<dyn Store>,
    limiter: Limiter,
    per_person: Counted<UserId>,
    per_address: Counted<IpAddr>,
    teller: Teller,
    last_seen: Mutex<LastSeen>,
    /// Held while somebody hides or shows themselves.
    hiding: tokio::sync::Mutex<()>,
    /// Counted up whenever rights change.
    rights: AtomicU64,
    connections: Mutex<HashMap<ViewerId, Arc<Connection>>>,
    /// Streams that carry no connection yet, or no longer, and when they are cut.
    loose: Mutex<Vec<(Instant, Arc<WireControl>)>>,
    next_connection: AtomicU64,
    clock: Monotonic,
    draining: AtomicBool,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Gateway {
    pub(crate) fn start(
        config: RealtimeConfig,
        callbacks: Callbacks,
        hub: Arc<Hub>,
        store: Arc<dyn Store>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (service, io) = SocketIo::builder()
            .transports([TransportType::Websocket])
            .ping_interval(config.ping_interval)
            .ping_timeout(config.ping_timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .max_buffer_size(SEND_BUFFER + SPARE_BUFFER)
            .max_payload(config.max_message_bytes as u64)
            // Twice the limit gets through to be answered with an error; more ends the connection.
            .ws_max_message_size(config.max_message_bytes * 2)
            .ws_max_frame_size(config.max_message_bytes * 2)
            .build_with_inner_svc(());
        let sessions = Sessions::new(config.leave_grace);
        let clock = Monotonic::start();
        let limiter = Limiter::new(config.limits.clone(), clock);
        let per_person = Counted::new(config.limits.connections_per_person);
        let per_address = Counted::new(config.limits.connections_per_address);
        let gateway = Self(Arc::new(Inner {
            config,
            callbacks,
            hub,
            service,
            sessions,
            store,
            limiter,
            per_person,
            per_address,
            teller: Teller::new(),
            last_seen: Mutex::default(),
            hiding: tokio::sync::Mutex::default(),
            rights: AtomicU64::new(0),
            connections: Mutex::default(),
            loose: Mutex::default(),
            next_connection: AtomicU64::new(0),
            clock,
            draining: AtomicBool::new(false),
            tasks: tasks.clone(),
            stop: stop.clone(),
        }));
        gateway.accept_sockets(&io);
        tasks.spawn(gateway.clone().keep_last_seen(stop.clone()));
        for worker in 0..teller::WORKERS {
            tasks.spawn(gateway.clone().tell(worker, stop.clone()));
        }
        tasks.spawn(janitor(gateway.clone(), stop));
        gateway
    }

    /// Installs the handshake and what follows it.
    fn accept_sockets(&self, io: &SocketIo) {
        // Weak, because the callbacks live in the service that the gateway owns.
        let (authenticating, accepting) = (Arc::downgrade(&self.0), Arc::downgrade(&self.0));
        let authenticate = move |socket: SocketRef, TryData(auth): TryData<Option<Auth>>| {
            let gateway = authenticating.upgrade().map(Gateway);
            async move {
                let gateway = gateway.ok_or_else(going_away)?;
                let auth = auth.map_err(|error| {
                    ProtocolError::new(
                        ErrorCode::BadRequest,
                        format!("the auth payload cannot be read: {error}"),
                    )
                })?;
                let identity = gateway
                    .identify(socket.req_parts(), auth.unwrap_or_default())
                    .await?;
                let commands = intake::Commands::early(&gateway);
                socket.on_fallback(commands.clone());
                socket.extensions.insert(commands);
                socket.extensions.insert(identity);
                Ok::<(), ProtocolError>(())
            }
        };
        let accept = move |socket: SocketRef| {
            let gateway = accepting.upgrade().map(Gateway);
            if let Some(gateway) = gateway {
                gateway.accept(socket);
            }
            std::future::ready(())
        };
        io.ns("/", accept.with(authenticate));
    }

    /// Runs the gateway over any stream on which the WebSocket handshake is done.
    pub(crate) fn serve_stream<S>(
        &self,
        stream: S,
        mut parts: Parts,
        place: Option<Place<IpAddr>>,
    ) -> Result<(), ProtocolError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let control = WireControl::new(self.0.clock);
        parts.extensions.insert(control.clone());
        self.cut_unless_used(&control, CONNECT_TIMEOUT + AUTHENTICATE_TIMEOUT);
        let request = Request::from_parts(parts, ());
        let wire = Wire::new(stream, control, place);
        hyper::service::Service::call(&self.0.service, (wire, request))
            .into_inner()
            .map_err(|error| {
                ProtocolError::new(
                    ErrorCode::BadRequest,
                    format!("not a Socket.IO request: {error}"),
                )
            })
    }

    /// Establishes who connects.
    async fn identify(&self, parts: &Parts, auth: Auth) -> Result<Identity, ProtocolError> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(going_away());
        }
        if auth.protocol != PROTOCOL_VERSION {
            let sentence = format!(
                "this server speaks protocol {PROTOCOL_VERSION}, not {}: reload",
                auth.protocol
            );
            return Err(ProtocolError::new(ErrorCode::UnsupportedProtocol, sentence));
        }
        let rights = self.rights();
        let handshake = Handshake::new(Arc::new(parts.clone()), auth.token);
        let Known {
            user,
            issued,
            expires,
            invisible,
        } = self.know(handshake).await?;
        let session = auth.session.unwrap_or_else(|| {
            SessionId::try_from(format!("a{:032x}", rand::random::<u128>()))
                .expect("33 hexadecimal digits")
        });
        let place = match &user {
            None => None,
            // It takes the place of the connection that it takes over from.
            Some(user) if self.0.sessions.is_known(&user.id, &session) => None,
            Some(user) => Some(Arc::new(self.one_more_of(&user.id)?)),
        };
        Ok(Identity {
            user,
            session,
            // Far above what a client reaches by counting, and small enough to be shifted.
            incarnation: auth.incarnation.min(1 << 38),
            device: auth.device,
            device_kind: auth.device_kind,
            issued,
            expires,
            invisible,
            _place: place,
            rights,
        })
    }

    /// A place among a person's connections.
    fn one_more_of(&self, user: &UserId) -> Result<Place<UserId>, ProtocolError> {
        self.0.per_person.enter(user.clone()).ok_or_else(|| {
            let most = self.0.config.limits.connections_per_person;
            let sentence = format!("you are connected {most} times already: close some pages");
            ProtocolError::new(ErrorCode::LimitExceeded, sentence)
        })
    }

    fn accept(&self, socket: SocketRef) {
        let identity: Option<Identity> = socket.extensions.remove();
        let commands: Option<intake::Commands> = socket.extensions.remove();
        let wire = socket
            .req_parts()
            .extensions
            .get::<Arc<WireControl>>()
            .cloned();
        let (Some(identity), Some(commands), Some(wire)) = (identity, commands, wire) else {
            tracing::error!("a socket came without its handshake");
            let _ = socket.disconnect();
            return;
        };
        let id = ViewerId(self.0.next_connection.fetch_add(1, Ordering::Relaxed));
        let connection = Arc::new(Connection::new(
            id,
            identity,
            wire,
            socket.clone(),
            self.0.limiter.connection(),
            self.0.config.max_unsent_bytes,
        ));
        let closing = (Arc::downgrade(&self.0), Arc::downgrade(&connection));
        socket.on_disconnect(move || {
            if let (Some(gateway), Some(connection)) = (closing.0.upgrade(), closing.1.upgrade()) {
                Gateway(gateway).closed(&connection);
            }
            std::future::ready(())
        });
        connection.wire.set_in_use(true);
        self.connections().insert(id, connection.clone());
        if let Some(older) = self.0.sessions.attach(&connection) {
            older.close(
                CloseAction::Stop,
                ErrorCode::Replaced,
                "a newer connection of this session took over",
            );
            if older.id == id {
                commands.shut();
                return;
            }
        }
        let _ = connection.emit("welcome", &self.welcome(&connection));
        tracing::debug!(connection = id.0, user = ?connection.key().user, "connected");
        self.begin(&connection);
        commands.open(&connection);
        if !socket.connected() {
            // It ended before it was listed, and `closed` did not find it.
            self.closed(&connection);
        }
    }

    fn welcome(&self, connection: &Connection) -> Welcome {
        let config = &self.0.config;
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let left = |at: Instant| at.saturating_duration_since(Instant::now()).as_millis() as u64;
        Welcome {
            protocol: PROTOCOL_VERSION,
            session: connection.identity.session.clone(),
            user: connection.identity.user.clone(),
            typing_repeat_ms: TYPING_REPEAT_MS as u32,
            heartbeat_ms: millis(config.heartbeat_interval),
            idle_ms: millis(config.away_after_idle),
            hidden_ms: millis(config.away_after_hidden),
            expires_in_ms: connection.expires().map(left),
            invisible: self.0.sessions.is_invisible(connection.key()),
        }
    }

    /// Lets the connection hear what is said to everyone.
    async fn hear_announcements(&self, connection: &Arc<Connection>) {
        let viewer: Arc<dyn Viewer> = connection.clone();
        let room = Announcements::id();
        if let Err(error) = self.0.hub.overhear(room.clone(), &viewer).await {
            tracing::warn!(%error, "a client does not hear announcements");
        }
        if !self.connections().contains_key(&connection.id) {
            self.0.hub.leave(&room, connection.id);
        }
    }

    /// The connection is gone, for whatever reason.
    fn closed(&self, connection: &Arc<Connection>) {
        if self.connections().remove(&connection.id).is_none() {
            return;
        }
        self.leave_shown(connection);
        self.0.hub.leave(&Announcements::id(), connection.id);
        // Whoever says goodbye and hangs up has said goodbye.
        connection.intake().waiting.retain(Pending::is_bye);
        self.0.sessions.detach(connection);
        // A client may ignore that it was disconnected, and keep its stream.
        connection.wire.set_in_use(false);
        self.cut_unless_used(&connection.wire, LINGER);
        tracing::debug!(connection = connection.id.0, "disconnected");
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<ViewerId, Arc<Connection>>> {
        self.0
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn last_seen(&self) -> MutexGuard<'_, LastSeen> {
        self.0
            .last_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every client to come back, elsewhere or later, and accepts no more.
    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        for connection in self.0.sessions.connections() {
            connection.close(
                CloseAction::Retry,
                ErrorCode::GoingAway,
                "the server restarts: connect again",
            );
        }
    }

    fn cut_unless_used(&self, wire: &Arc<WireControl>, after: Duration) {
        self.loose().push((Instant::now() + after, wire.clone()));
    }

    fn loose(&self) -> MutexGuard<'_, Vec<(Instant, Arc<WireControl>)>> {
        self.0.loose.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections and sessions there are.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.connections().len(), self.0.sessions.len())
    }

    /// How many bytes wait for clients to read.
    pub(crate) fn unsent_bytes(&self) -> usize {
        let connections = self.connections();
        let unsent = connections.values().map(|c| c.wire.unsent().bytes());
        unsent.sum()
    }

    /// Whether no stream is open any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections().is_empty() && self.loose().iter().all(|(_, wire)| wire.is_over())
    }

    /// Cuts whatever is still open.
    pub(crate) fn cut_all(&self) {
        let connections: Vec<_> = self.connections().values().cloned().collect();
        for connection in connections {
            connection.wire.cut();
        }
        for (_, wire) in self.loose().drain(..) {
            wire.cut();
        }
    }
}

pub(super) fn going_away() -> ProtocolError {
    ProtocolError::new(ErrorCode::GoingAway, "the server restarts: connect again")
}

/// Cuts connections from which nothing comes or that do not read, and ends sessions whose grace is over.
async fn janitor(gateway: Gateway, stop: CancellationToken) {
    let inner = &gateway.0;
    let silence = inner.config.ping_interval + inner.config.ping_timeout;
    let mut tick = interval(JANITOR_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut maintained = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let now = Instant::now();
        let connections: Vec<_> = gateway.connections().values().cloned().collect();
        for connection in connections {
            if let Some(reason) = connection.wire.verdict(silence, inner.config.stall_timeout) {
                tracing::info!(connection = connection.id.0, reason, "cut a connection");
                connection.wire.cut();
                // Presence must not wait until the transport has noticed.
                gateway.closed(&connection);
            }
            gateway.expire(&connection, now);
        }
        gateway.loose().retain(|(due, wire)| {
            let over = *due <= now;
            if over && !wire.is_in_use() {
                wire.cut();
            }
            !over && !wire.is_over()
        });
        inner.teller.mark(inner.sessions.take_due(now));
        if now.duration_since(maintained) >= MAINTAIN_EVERY {
            maintained = now;
            inner.limiter.maintain();
        }
    }
}

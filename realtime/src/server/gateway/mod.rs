//! The gateway: from an HTTP request to an accepted socket, and from its commands to the hub and the broker.
//!
//! [`endpoint`] does the HTTP part and hands the upgraded stream over, wrapped in a [`wire`]; socketioxide speaks
//! Socket.IO on it. The handshake is authenticated here, [`connection`]s are registered in [`sessions`], and
//! [`commands`] carries out what clients ask for. A janitor task cuts dead connections and ends sessions whose grace
//! is over.

mod commands;
mod connection;
mod endpoint;
mod intake;
mod sessions;
mod wire;

use std::{
    collections::HashMap,
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
use sessions::{Leave, Sessions};
use socketioxide::{
    SocketIo, TransportType,
    extract::{SocketRef, TryData},
    handler::ConnectHandler,
    service::SocketIoService,
};
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
    hub::{Hub, ViewerId},
};
use crate::{
    core::replica::TYPING_REPEAT_MS,
    protocol::{Auth, CloseAction, ErrorCode, PROTOCOL_VERSION, ProtocolError, SessionId, Welcome},
};

/// How often dead connections and ended graces are looked for.
const JANITOR_TICK: Duration = Duration::from_millis(250);

/// How long a client may take from the open socket to its Socket.IO connect packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the host's `authenticate` may take on top of it.
const AUTHENTICATE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last frames may take to reach the client before its stream is cut.
const LINGER: Duration = Duration::from_secs(2);

/// The client's frames that wait to be written, in socketioxide's buffer.
const SEND_BUFFER: usize = 128;

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

pub(super) struct Inner {
    config: RealtimeConfig,
    callbacks: Callbacks,
    hub: Arc<Hub>,
    service: SocketIoService<()>,
    sessions: Sessions,
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
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (service, io) = SocketIo::builder()
            .transports([TransportType::Websocket])
            .ping_interval(config.ping_interval)
            .ping_timeout(config.ping_timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .max_buffer_size(SEND_BUFFER)
            .max_payload(config.max_message_bytes as u64)
            // Twice the limit gets through to be answered with an error; more ends the connection.
            .ws_max_message_size(config.max_message_bytes * 2)
            .ws_max_frame_size(config.max_message_bytes * 2)
            .build_with_inner_svc(());
        let sessions = Sessions::new(config.leave_grace);
        let gateway = Self(Arc::new(Inner {
            config,
            callbacks,
            hub,
            service,
            sessions,
            connections: Mutex::default(),
            loose: Mutex::default(),
            next_connection: AtomicU64::new(0),
            clock: Monotonic::start(),
            draining: AtomicBool::new(false),
            tasks: tasks.clone(),
            stop: stop.clone(),
        }));
        gateway.accept_sockets(&io);
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
                socket.extensions.insert(identity);
                Ok::<(), ProtocolError>(())
            }
        };
        let accept = move |socket: SocketRef| {
            let gateway = accepting.upgrade().map(Gateway);
            // Before the first await, or commands that are under way already would be lost.
            if let Some(gateway) = gateway {
                gateway.accept(socket);
            }
            std::future::ready(())
        };
        io.ns("/", accept.with(authenticate));
    }

    /// Runs the gateway over any stream on which the WebSocket handshake is done.
    pub(crate) fn serve_stream<S>(&self, stream: S, mut parts: Parts) -> Result<(), ProtocolError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let control = WireControl::new(self.0.clock);
        parts.extensions.insert(control.clone());
        self.cut_unless_used(&control, CONNECT_TIMEOUT + AUTHENTICATE_TIMEOUT);
        let request = Request::from_parts(parts, ());
        hyper::service::Service::call(&self.0.service, (Wire::new(stream, control), request))
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
        let handshake = Handshake::new(Arc::new(parts.clone()), auth.token);
        let user = (self.0.callbacks.authenticate)(handshake)
            .await
            .map_err(|error| ProtocolError::from(&error))?
            .map(|signed_in| signed_in.user);
        let session = auth.session.unwrap_or_else(|| {
            SessionId::try_from(format!("a{:032x}", rand::random::<u128>()))
                .expect("33 hexadecimal digits")
        });
        Ok(Identity {
            user,
            session,
            // Far above what a client reaches by counting, and small enough to be shifted.
            incarnation: auth.incarnation.min(1 << 40),
            device: auth.device,
            device_kind: auth.device_kind,
        })
    }

    fn accept(&self, socket: SocketRef) {
        let identity: Option<Identity> = socket.extensions.remove();
        let wire = socket
            .req_parts()
            .extensions
            .get::<Arc<WireControl>>()
            .cloned();
        let (Some(identity), Some(wire)) = (identity, wire) else {
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
            self.0.config.max_unsent_bytes,
        ));
        socket.on_fallback(intake::Commands {
            gateway: self.clone(),
            connection: Arc::downgrade(&connection),
        });
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
                return;
            }
        }
        let welcome = Welcome {
            protocol: PROTOCOL_VERSION,
            session: connection.identity.session.clone(),
            user: connection.identity.user.clone(),
            typing_repeat_ms: TYPING_REPEAT_MS as u32,
        };
        let _ = connection.emit("welcome", &welcome);
        tracing::debug!(connection = id.0, user = ?welcome.user.map(|user| user.id), "connected");
        self.begin(&connection);
        if !socket.connected() {
            // It ended before it was listed, and `closed` did not find it.
            self.closed(&connection);
        }
    }

    /// The connection is gone, for whatever reason.
    fn closed(&self, connection: &Arc<Connection>) {
        if self.connections().remove(&connection.id).is_none() {
            return;
        }
        for room in std::mem::take(&mut *connection.rooms()).joined.into_keys() {
            self.0.hub.leave(&room, connection.id);
        }
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

    async fn leave(&self, leave: Leave) {
        if let Err(error) = self
            .0
            .hub
            .broker()
            .exit(&leave.room, &leave.key, leave.incarnation)
            .await
        {
            tracing::warn!(room = %leave.room, %error, "could not take a session out of a room");
        }
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
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let connections: Vec<_> = gateway.connections().values().cloned().collect();
        for connection in connections {
            if let Some(reason) = connection.wire.verdict(silence, inner.config.stall_timeout) {
                tracing::info!(connection = connection.id.0, reason, "cut a connection");
                connection.wire.cut();
                // Presence must not wait until the transport has noticed.
                gateway.closed(&connection);
            }
        }
        let now = Instant::now();
        gateway.loose().retain(|(due, wire)| {
            let over = *due <= now;
            if over && !wire.is_in_use() {
                wire.cut();
            }
            !over && !wire.is_over()
        });
        for leave in inner.sessions.take_due(now) {
            gateway.leave(leave).await;
        }
    }
}

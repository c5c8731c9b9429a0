//! The gateway: from an HTTP request to an accepted socket, and from its commands to the hub and the broker.
//!
//! [`endpoint`] does the HTTP part and hands the upgraded stream over, wrapped in a [`wire`]; socketioxide speaks
//! Socket.IO on it. The [`handshake`] finds out who it is and makes a [`connection`], which speaks for one of the
//! [`sessions`]. Its commands pass the [`intake`], in order, and [`commands`] carries them out; [`rights`] is what the
//! host decides of them; [`control`] is what it does to people and rooms on all nodes, and [`recheck`] looks again at
//! whom something may have changed for. The [`teller`] tells rooms of sessions, [`people`] keeps what outlives them, and the
//! [`janitor`] ends what is over. When the node is to end, [`drain`] sends everybody elsewhere.

mod callbacks;
mod changes;
mod commands;
mod connection;
mod control;
mod degraded;
mod drain;
mod endpoint;
mod handshake;
mod intake;
mod janitor;
mod people;
mod recheck;
mod rights;
mod sessions;
mod teller;
mod unsent;
mod wire;

use std::{
    array,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use changes::{Changes, GROUPS};
use connection::Connection;
pub(crate) use endpoint::socket;
use http::{Request, request::Parts};
use intake::Pending;
use people::LastSeen;
use recheck::Rechecks;
use sessions::Sessions;
use socketioxide::{SocketIo, TransportType, service::SocketIoService};
use teller::Teller;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use wire::{Wire, WireControl};

use super::{
    auth::Callbacks,
    clock::Monotonic,
    config::RealtimeConfig,
    control::Control,
    hashed::HashMap,
    hub::{Hub, ViewerId},
    limits::{Counted, Limiter, Place},
    store::Store,
    tasks::TaskTracker,
};
use crate::protocol::{Announcements, ErrorCode, ProtocolError, UserId};

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
    /// Each held while somebody of a group of people hides or shows themselves.
    hiding: [tokio::sync::Mutex<()>; GROUPS],
    changes: Changes,
    control: Control,
    rechecks: Rechecks,
    connections: Mutex<HashMap<ViewerId, Arc<Connection>>>,
    /// Streams that carry no connection yet, or no longer, and when they are cut.
    loose: Mutex<Vec<(Instant, Arc<WireControl>)>>,
    next_connection: AtomicU64,
    clock: Monotonic,
    /// Since this node is to end: from when on its sessions are seen to leave that are not back elsewhere.
    ending: OnceLock<Instant>,
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
            hiding: array::from_fn(|_| tokio::sync::Mutex::default()),
            changes: Changes::default(),
            control: Control::new(),
            rechecks: Rechecks::default(),
            connections: Mutex::default(),
            loose: Mutex::default(),
            next_connection: AtomicU64::new(0),
            clock,
            ending: OnceLock::new(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        }));
        gateway.accept_sockets(&io);
        tasks.spawn(gateway.clone().keep_last_seen(stop.clone()));
        tasks.spawn(gateway.clone().tell_degraded(stop.clone()));
        tasks.spawn(gateway.clone().retell(stop.clone()));
        for worker in 0..teller::WORKERS {
            tasks.spawn(gateway.clone().tell(worker, stop.clone()));
        }
        let following = ViewerId(gateway.0.next_connection.fetch_add(1, Ordering::Relaxed));
        tasks.spawn(gateway.clone().follow_control(following, stop.clone()));
        tasks.spawn(gateway.clone().watch_control(stop.clone()));
        tasks.spawn(gateway.clone().keep_rechecking(stop.clone()));
        tasks.spawn(gateway.clone().tell_control(stop.clone()));
        tasks.spawn(janitor::run(gateway.clone(), stop));
        gateway
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

    /// The connection is gone, for whatever reason.
    fn closed(&self, connection: &Arc<Connection>) {
        if self.connections().remove(&connection.id).is_none() {
            return;
        }
        self.0.hub.counters().disconnected.one();
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

    fn cut_unless_used(&self, wire: &Arc<WireControl>, after: Duration) {
        self.loose().push((Instant::now() + after, wire.clone()));
    }

    fn loose(&self) -> MutexGuard<'_, Vec<(Instant, Arc<WireControl>)>> {
        self.0.loose.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changes other nodes have not been told of, and how often there were too many.
    pub(crate) fn untold(&self) -> (usize, u64) {
        self.0.control.queue.count()
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

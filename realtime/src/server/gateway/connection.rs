//! One accepted socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::extract::{AckSender, SocketRef};
use tokio::time::Instant;

use super::{SEND_BUFFER, intake::Intake, wire::WireControl};
use crate::{
    core::message::{Entry, EntryKey, RunId},
    protocol::{
        BuildId, CloseAction, DeviceId, DeviceKind, ErrorCode, Goodbye, ProtocolError, RoomId,
        SessionId, Status, UnixMillis, User, UserId,
    },
    server::{
        auth::Handshake,
        counters::Counters,
        hashed::{HashMap, HashSet},
        hub::{NotSent, Viewer, ViewerId},
        limits::{ConnectionLimits, Place},
    },
};

/// Who is at the other end, as established in the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) user: Option<User>,
    pub(crate) session: SessionId,
    pub(crate) incarnation: u64,
    pub(crate) device: Option<DeviceId>,
    pub(crate) device_kind: DeviceKind,
    /// When the sign-in expires.
    pub(crate) expires: Option<Instant>,
    /// Whether the person hides.
    pub(crate) invisible: bool,
    /// Whether somebody is at the device.
    pub(crate) active: bool,
    /// What its page was made from, as it says.
    pub(crate) build: Option<BuildId>,
    /// When the sign-in was issued.
    pub(crate) issued: Option<UnixMillis>,
    /// The token that was presented, if it was one.
    pub(crate) token: Option<Arc<str>>,
    /// One of the connections that the person may have.
    pub(crate) _place: Option<Arc<Place<UserId>>>,
    /// How often anything had changed when this was found out.
    pub(crate) rights: u64,
}

/// The rooms of a connection.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Those that it asked for, and is shown.
    pub(super) joined: HashMap<RoomId, JoinedRoom>,
    /// Those in which the host put the person: they are seen there as long as the connection lives.
    pub(super) pinned: HashSet<RoomId>,
}

/// What a connection may do in a room it has joined.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JoinedRoom {
    /// Whether signals were allowed, once it was asked.
    pub(super) may_signal: Option<bool>,
}

/// How much of the bytes that may wait for a client may do so when something is sent that may be left out.
const SPARE_SHARE: usize = 16;

/// See the [module](self).
pub(crate) struct Connection {
    pub(crate) id: ViewerId,
    pub(super) identity: Identity,
    key: EntryKey,
    /// When the sign-in was issued, and when it expires.
    sign_in: Mutex<(Option<UnixMillis>, Option<Instant>)>,
    /// What was presented last: the host is asked again by it.
    token: Mutex<Option<Arc<str>>>,
    pub(super) limits: ConnectionLimits,
    /// Held while the rights of its rooms are checked.
    pub(super) checking: tokio::sync::Mutex<()>,
    /// Whether it was told that this instance is cut off from the others.
    pub(super) told_degraded: AtomicBool,
    pub(super) wire: Arc<WireControl>,
    intake: Mutex<Intake>,
    rooms: Mutex<Rooms>,
    socket: SocketRef,
    max_unsent_bytes: usize,
    counters: Arc<Counters>,
}

impl Viewer for Connection {
    fn id(&self) -> ViewerId {
        self.id
    }

    fn key(&self) -> &EntryKey {
        &self.key
    }

    fn send(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        if self.is_full() {
            return Err(NotSent);
        }
        self.emit_written(name, payload)
    }

    fn send_spare(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        let waiting = self.wire.unsent().bytes() > self.max_unsent_bytes / SPARE_SHARE;
        if waiting || self.wire.is_stalled() {
            return Err(NotSent);
        }
        self.send(name, payload)
    }

    fn has_room(&self) -> bool {
        !self.wire.is_stalled() && !self.is_full()
    }
}

impl Connection {
    pub(super) fn new(
        id: ViewerId,
        mut identity: Identity,
        wire: Arc<WireControl>,
        socket: SocketRef,
        limits: ConnectionLimits,
        max_unsent_bytes: usize,
        counters: Arc<Counters>,
    ) -> Self {
        let user = identity.user.as_ref().map(|user| user.id.clone());
        Self {
            id,
            key: EntryKey {
                user,
                session: identity.session.clone(),
            },
            sign_in: Mutex::new((identity.issued, identity.expires)),
            token: Mutex::new(identity.token.take()),
            identity,
            limits,
            checking: tokio::sync::Mutex::default(),
            told_degraded: AtomicBool::new(false),
            wire,
            intake: Mutex::default(),
            rooms: Mutex::default(),
            socket,
            max_unsent_bytes,
            counters,
        }
    }

    pub(super) fn emit<T: Serialize + ?Sized>(
        &self,
        name: &str,
        payload: &T,
    ) -> Result<(), NotSent> {
        let payload = to_raw_value(payload).map_err(|_| NotSent)?;
        self.emit_written(name, &payload)
    }

    fn emit_written(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        // `42["name",payload]`
        let length = name.len() + payload.get().len() + 7;
        let emit = || self.socket.emit(name, payload).map_err(|_| NotSent);
        self.wire.queue(length, emit)
    }

    /// Answers the command with this number.
    pub(super) fn acknowledge(
        &self,
        ack: AckSender,
        id: i64,
        answer: &RawValue,
    ) -> Result<(), NotSent> {
        // `43id[answer]`
        let length = id.to_string().len() + answer.get().len() + 4;
        let send = || ack.send(answer).map_err(|_| NotSent);
        self.wire.queue(length, send)
    }

    /// Whether as much waits for the client as may. One frame of any size fits where nothing waits.
    fn is_full(&self) -> bool {
        let unsent = self.wire.unsent();
        unsent.messages() >= SEND_BUFFER || unsent.bytes() >= self.max_unsent_bytes
    }

    /// Whether anything can still be sent.
    pub(super) fn is_open(&self) -> bool {
        self.socket.connected() && !self.wire.is_cut()
    }

    /// Tells the client why, then ends the connection.
    pub(super) fn close(&self, action: CloseAction, code: ErrorCode, sentence: &str) {
        self.close_with(action, ProtocolError::new(code, sentence));
    }

    /// As [`close`](Self::close), with an error made already.
    pub(super) fn close_with(&self, action: CloseAction, error: ProtocolError) {
        if !self.socket.connected() {
            // It was told before, and the last frames may be on their way still.
            return;
        }
        self.counters.ended.one(error.code.as_str());
        let goodbye = Goodbye { action, error };
        let said = self.emit("goodbye", &goodbye).is_ok();
        // Refused where the buffer is full: then nobody listens, and only cutting helps.
        if !said || self.socket.clone().disconnect().is_err() {
            self.wire.cut();
        }
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection's session, as rooms know it.
    pub(super) fn key(&self) -> &EntryKey {
        &self.key
    }

    fn sign_in(&self) -> MutexGuard<'_, (Option<UnixMillis>, Option<Instant>)> {
        self.sign_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the sign-in was issued: the latest, where it was refreshed.
    pub(super) fn issued(&self) -> Option<UnixMillis> {
        self.sign_in().0
    }

    /// When the sign-in expires.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.sign_in().1
    }

    pub(super) fn set_sign_in(&self, issued: Option<UnixMillis>, expires: Option<Instant>) {
        *self.sign_in() = (issued, expires);
    }

    /// The token that was presented last.
    pub(super) fn token(&self) -> Option<Arc<str>> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.clone()
    }

    pub(super) fn set_token(&self, token: Arc<str>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// The request that opened the socket, with a token.
    pub(super) fn handshake(&self, token: Option<&str>) -> Handshake {
        let parts = Arc::new(self.socket.req_parts().clone());
        let handshake = Handshake::new(parts, token.map(str::to_owned));
        handshake.of_build(self.identity.build.clone())
    }

    /// What every room may know of the session.
    pub(super) fn profile(&self) -> Entry {
        Entry {
            session: self.identity.session.clone(),
            user: self.identity.user.clone(),
            incarnation: 0,
            run: RunId::default(),
            device: self.identity.device.clone(),
            device_kind: self.identity.device_kind,
            status: Status::Online,
            since: 0,
            at: Vec::new(),
        }
    }
}

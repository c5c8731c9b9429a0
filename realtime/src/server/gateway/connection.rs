//! One accepted socket.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::extract::{AckSender, SocketRef};

use super::wire::WireControl;
use crate::{
    core::replica::{Entry, EntryKey},
    protocol::{
        ClientCommand, CloseAction, DeviceId, DeviceKind, ErrorCode, Goodbye, ProtocolError,
        RoomId, SessionId, Status, User,
    },
    server::clock::unix_millis,
};

/// Names a connection within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(super) u64);

/// Who is at the other end, as established in the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) user: Option<User>,
    pub(crate) session: SessionId,
    pub(crate) incarnation: u64,
    pub(crate) device: Option<DeviceId>,
    pub(crate) device_kind: DeviceKind,
}

/// A command and its acknowledgement, waiting for its turn.
pub(super) struct Pending {
    pub(super) command: Result<ClientCommand, ProtocolError>,
    pub(super) ack: AckSender,
}

/// The commands of a connection are carried out one after the other, in the order in which they came, by a task that
/// lives only while there are any.
#[derive(Default)]
pub(super) struct Intake {
    pub(super) waiting: VecDeque<Pending>,
    pub(super) running: bool,
}

/// What a connection may do in a room it has joined.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JoinedRoom {
    /// Whether the host put the person there: such a room is not left while the connection lives.
    pub(super) pinned: bool,
    /// Whether signals were allowed, once it was asked.
    pub(super) may_signal: Option<bool>,
}

/// See the [module](self).
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(super) identity: Identity,
    pub(super) wire: Arc<WireControl>,
    pub(super) intake: Mutex<Intake>,
    pub(super) rooms: Mutex<HashMap<RoomId, JoinedRoom>>,
    socket: SocketRef,
}

/// The client's buffer is full, or the client is gone.
#[derive(Debug)]
pub(crate) struct NotSent;

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        identity: Identity,
        wire: Arc<WireControl>,
        socket: SocketRef,
    ) -> Self {
        Self {
            id,
            identity,
            wire,
            intake: Mutex::default(),
            rooms: Mutex::default(),
            socket,
        }
    }

    /// Puts a frame, written already, into the client's buffer.
    pub(crate) fn send(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        self.emit(name, payload)
    }

    pub(super) fn emit<T: Serialize + ?Sized>(
        &self,
        name: &str,
        payload: &T,
    ) -> Result<(), NotSent> {
        self.socket.emit(name, payload).map_err(|_| NotSent)
    }

    /// Tells the client why, then ends the connection.
    pub(super) fn close(&self, action: CloseAction, code: ErrorCode, sentence: &str) {
        let goodbye = Goodbye {
            action,
            error: ProtocolError::new(code, sentence),
        };
        let said = self.emit("goodbye", &goodbye).is_ok();
        // Refused where the buffer is full: then nobody listens, and only cutting helps.
        if !said || self.socket.clone().disconnect().is_err() {
            self.wire.cut();
        }
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, JoinedRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection's session, as rooms know it.
    pub(super) fn key(&self) -> EntryKey {
        EntryKey {
            user: self.identity.user.as_ref().map(|user| user.id.clone()),
            session: self.identity.session.clone(),
        }
    }

    /// The connection's presence in a room, from now on.
    pub(super) fn entry(&self, incarnation: u64) -> Entry {
        Entry {
            session: self.identity.session.clone(),
            user: self.identity.user.clone(),
            incarnation,
            device: self.identity.device.clone(),
            device_kind: self.identity.device_kind,
            status: Status::Online,
            since: unix_millis(),
        }
    }
}

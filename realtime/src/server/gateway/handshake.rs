//! From an open socket to an accepted connection: who it is, whether there is room, and its welcome.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::request::Parts;
use socketioxide::{
    SocketIo,
    extract::{SocketRef, TryData},
    handler::ConnectHandler,
};
use tokio::time::Instant;

use super::{
    Gateway,
    connection::{Connection, Identity},
    going_away, intake,
    rights::Known,
    wire::WireControl,
};
use crate::{
    core::replica::TYPING_REPEAT_MS,
    protocol::{
        Announcements, Auth, BuildId, CloseAction, ErrorCode, MIN_PROTOCOL_VERSION,
        PROTOCOL_VERSION, ProtocolError, SessionId, UserId, Welcome,
    },
    server::{
        auth::Handshake,
        hub::{Viewer, ViewerId},
        limits::Place,
    },
};

impl Gateway {
    /// Installs the handshake and what follows it.
    pub(super) fn accept_sockets(&self, io: &SocketIo) {
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
                    .await
                    .inspect_err(|error| {
                        gateway.0.hub.counters().refused.one(error.code.as_str());
                    })?;
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

    /// Establishes who connects.
    async fn identify(&self, parts: &Parts, auth: Auth) -> Result<Identity, ProtocolError> {
        if self.is_draining() {
            return Err(going_away());
        }
        check_protocol(auth.protocol)?;
        let rights = self.0.changes.any();
        let token: Option<Arc<str>> = auth.token.as_deref().map(Into::into);
        let handshake = Handshake::new(Arc::new(parts.clone()), auth.token);
        let handshake = handshake.of_build(auth.build.clone());
        let Known {
            user,
            issued,
            expires,
            invisible,
        } = self.know(handshake).await?;
        let session = auth.session.unwrap_or_else(|| {
            SessionId::try_from(format!("a{:032x}", crate::server::random::random::<u128>()))
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
            active: auth.active,
            build: auth.build,
            issued,
            token,
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
            self.0.hub.counters().clone(),
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
        self.0.hub.counters().connected.one();
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
        let build = connection.identity.build.as_ref().map(BuildId::as_str);
        tracing::debug!(connection = id.0, user = ?connection.key().user, build, "connected");
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
        let degraded = !self.0.hub.is_linked();
        connection.told_degraded.store(degraded, Ordering::Relaxed);
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
            degraded,
            build: config.build.clone(),
        }
    }

    /// Lets the connection hear what is said to everyone.
    pub(super) async fn hear_announcements(&self, connection: &Arc<Connection>) {
        let viewer: Arc<dyn Viewer> = connection.clone();
        let room = Announcements::id();
        if let Err(error) = self.0.hub.overhear(room.clone(), &viewer).await {
            tracing::warn!(%error, "a client does not hear announcements");
        }
        if !self.connections().contains_key(&connection.id) {
            self.0.hub.leave(&room, connection.id);
        }
    }
}

/// Whether clients of this version are served. The sentence is the same for the same versions: a page remembers by it
/// that loading it again has not helped.
fn check_protocol(theirs: u32) -> Result<(), ProtocolError> {
    if (MIN_PROTOCOL_VERSION..=PROTOCOL_VERSION).contains(&theirs) {
        return Ok(());
    }
    let ours = match MIN_PROTOCOL_VERSION == PROTOCOL_VERSION {
        true => PROTOCOL_VERSION.to_string(),
        false => format!("{MIN_PROTOCOL_VERSION} to {PROTOCOL_VERSION}"),
    };
    let sentence = format!("this server speaks protocol {ours}, not {theirs}: reload");
    Err(ProtocolError::new(ErrorCode::UnsupportedProtocol, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_the_range_are_served_and_no_other() {
        for served in MIN_PROTOCOL_VERSION..=PROTOCOL_VERSION {
            assert_eq!(check_protocol(served), Ok(()));
        }
        for other in [MIN_PROTOCOL_VERSION - 1, PROTOCOL_VERSION + 1, u32::MAX] {
            let error = check_protocol(other).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnsupportedProtocol);
            let asked = format!("not {other}: reload");
            assert!(error.message.ends_with(&asked), "{error}");
        }
    }
}

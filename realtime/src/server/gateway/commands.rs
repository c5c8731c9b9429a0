//! What each command does.

use std::{sync::Arc, time::Duration};

use serde_json::value::RawValue;

use super::{Gateway, callbacks::in_time, connection::Connection, intake::patiently};
use crate::{
    core::message::RoomSignal,
    protocol::{
        ClientCommand, ErrorCode, JoinRoom, ProtocolError, Refused, RoomId, Seen, UserId,
        reserved::{is_open, is_watched_only},
    },
    server::{
        auth::{Access, forbidden},
        broker::BrokerError,
        hashed::HashSet,
        hub::Viewer,
        limits::Kind,
    },
};

/// How long to wait before a full room is asked for again.
const FULL: Duration = Duration::from_secs(10);

/// What it costs to be away or back, and to be shown a room anew, in joins.
const TOGGLE_COST: u32 = 5;
const MEND_COST: u32 = 10;

impl Gateway {
    pub(super) async fn carry_out(
        &self,
        connection: &Arc<Connection>,
        command: ClientCommand,
    ) -> Result<(), ProtocolError> {
        match command {
            ClientCommand::Join(rooms) => self.join(connection, rooms).await,
            ClientCommand::Leave(rooms) => {
                for room in rooms {
                    self.leave_room(connection, &room);
                }
                Ok(())
            }
            ClientCommand::Typing { room, on } => self.typing(connection, room, on).await,
            ClientCommand::Signal { room, data } => self.signal(connection, room, data).await,
            ClientCommand::Heartbeat { active, rooms } => self.heartbeat(connection, active, rooms),
            ClientCommand::Status { invisible } => self.status(connection, invisible).await,
            ClientCommand::Refresh { token } => self.refresh(connection, token).await,
            ClientCommand::Bye => {
                self.end(connection);
                Ok(())
            }
        }
    }

    /// Ends the connection's session: it leaves its rooms at once.
    pub(super) fn end(&self, connection: &Arc<Connection>) {
        self.leave_shown(connection);
        self.0.teller.mark(self.0.sessions.end(connection));
    }

    /// The connection is shown no room any more.
    pub(super) fn leave_shown(&self, connection: &Connection) {
        let rooms = std::mem::take(&mut *connection.rooms());
        for room in rooms.joined.into_keys() {
            self.0.hub.leave(&room, connection.id);
        }
    }

    async fn join(
        &self,
        connection: &Arc<Connection>,
        mut rooms: Vec<JoinRoom>,
    ) -> Result<(), ProtocolError> {
        // Each view costs the room's whole log at worst: a room asked for twice in one breath is shown once.
        let mut named: HashSet<RoomId> = HashSet::default();
        rooms.retain(|join| named.insert(join.room.clone()));
        let watched = rooms.iter().map(|join| join.watch.len()).max();
        if watched > Some(JoinRoom::MAX_WATCHED) {
            let sentence = format!("at most {} people are watched", JoinRoom::MAX_WATCHED);
            return Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence));
        }
        self.within_limits(connection, Kind::Join, rooms.len() as u32)?;
        let person = connection.key().user.as_ref();
        let rights = self.0.changes.of(person);
        let asked = rooms.iter().map(|join| join.room.clone()).collect();
        let allowed = self.allowed(connection, asked).await?;
        for join in &rooms {
            let joined = if allowed.contains(&join.room) {
                self.show(connection, join).await
            } else {
                self.leave_room(connection, &join.room);
                Err(forbidden(&join.room))
            };
            if let Err(error) = joined {
                self.refuse(connection, &join.room, error).await;
            }
        }
        if self.0.changes.of(person) != rights {
            // What was allowed a moment ago may not be any more.
            self.recheck(connection).await?;
        }
        Ok(())
    }

    /// Tells the client that it is not in a room.
    pub(super) async fn refuse(
        &self,
        connection: &Arc<Connection>,
        room: &RoomId,
        error: ProtocolError,
    ) {
        self.0.hub.counters().join_refused.one();
        let room = room.clone();
        let refused = Refused { room, error };
        patiently(connection, || connection.emit("refused", &refused).is_ok()).await;
    }

    /// Which of these rooms the connection's person may see.
    pub(super) async fn allowed(
        &self,
        connection: &Connection,
        mut rooms: Vec<RoomId>,
    ) -> Result<HashSet<RoomId>, ProtocolError> {
        let who = connection.identity.user.clone();
        let user = who.as_ref().map(|user| &user.id);
        let own = rooms.extract_if(.., |room| is_open(room, user).is_some());
        let mut allowed: HashSet<RoomId> = own
            .filter(|room| is_open(room, user) == Some(true))
            .collect();
        if !rooms.is_empty() {
            let asked: HashSet<RoomId> = rooms.iter().cloned().collect();
            let asking = (self.0.callbacks.authorize)(who, rooms, Access::View);
            let open = in_time(asking).await?;
            let open = open.map_err(|error| ProtocolError::from(&error))?;
            allowed.extend(open.into_iter().filter(|room| asked.contains(room)));
        }
        Ok(allowed)
    }

    /// Shows the room to the connection, and the session to the room.
    async fn show(
        &self,
        connection: &Arc<Connection>,
        join: &JoinRoom,
    ) -> Result<(), ProtocolError> {
        let room = &join.room;
        let limit = self.0.config.max_rooms_per_connection;
        let (known, count) = {
            let rooms = connection.rooms();
            (rooms.joined.contains_key(room), rooms.joined.len())
        };
        if !known && count >= limit {
            let sentence = format!("a connection has at most {limit} rooms: leave some first");
            return Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence));
        }
        let is_full = self.0.hub.sessions(room) >= self.0.config.limits.sessions_per_room;
        if !known && is_full && !self.0.sessions.is_in(connection.key(), room) {
            let full = ProtocolError::new(ErrorCode::LimitExceeded, format!("{room} is full"));
            return Err(full.with_retry_after(FULL));
        }
        let viewer: Arc<dyn Viewer> = connection.clone();
        self.0.hub.join(join, &viewer).await.map_err(unavailable)?;
        connection.rooms().joined.entry(room.clone()).or_default();
        if !self.connections().contains_key(&connection.id) {
            // Closed meanwhile: what `closed` cleared must not come back.
            connection.rooms().joined.remove(room);
            self.0.hub.leave(room, connection.id);
            return Ok(());
        }
        if !is_watched_only(room) {
            self.enter(connection, room);
        }
        // Where the client's buffer was full, the view follows when it has room again, and then the answer.
        patiently(connection, || self.0.hub.is_shown(room, connection.id)).await;
        if !is_watched_only(room) {
            let who = connection.identity.user.clone();
            let told_in = in_time((self.0.callbacks.whereabouts)(who, room.clone())).await?;
            let marks = self.0.sessions.locate(connection, room, told_in);
            self.0.teller.mark(marks);
        }
        Ok(())
    }

    /// Shows the session to the room, unless it is seen there already.
    pub(super) fn enter(&self, connection: &Connection, room: &RoomId) {
        self.0.teller.mark(self.0.sessions.enter(connection, room));
    }

    pub(super) fn leave_room(&self, connection: &Connection, room: &RoomId) {
        let (joined, pinned) = {
            let mut rooms = connection.rooms();
            (
                rooms.joined.remove(room).is_some(),
                rooms.pinned.contains(room),
            )
        };
        if joined {
            self.0.hub.leave(room, connection.id);
        }
        if !pinned {
            self.0.teller.mark(self.0.sessions.leave(connection, room));
        }
    }

    /// Who may signal in a room, typing included: a person with a name, in a room they have joined, if the host allows
    /// it.
    async fn may_signal(
        &self,
        connection: &Arc<Connection>,
        room: &RoomId,
    ) -> Result<UserId, ProtocolError> {
        self.within_limits(connection, Kind::Signal, 1)?;
        if is_watched_only(room) {
            // Nobody is seen there, so nobody is heard there either.
            return Err(forbidden(room));
        }
        let joined = connection.rooms().joined.get(room).copied();
        let Some(joined) = joined else {
            return Err(ProtocolError::new(
                ErrorCode::NotJoined,
                format!("join {room} first"),
            ));
        };
        let Some(user) = &connection.identity.user else {
            return Err(ProtocolError::new(
                ErrorCode::Unauthorized,
                "guests have no name to show: sign in first",
            ));
        };
        let allowed = match joined.may_signal {
            Some(allowed) => allowed,
            None => {
                let who = connection.identity.user.clone();
                let asking = self.0.callbacks.require(who, room, Access::Signal);
                let allowed = match in_time(asking).await? {
                    Ok(()) => true,
                    Err(error) if error.code == ErrorCode::Forbidden => false,
                    Err(error) => return Err(error),
                };
                if let Some(joined) = connection.rooms().joined.get_mut(room) {
                    joined.may_signal = Some(allowed);
                }
                allowed
            }
        };
        match allowed {
            true => Ok(user.id.clone()),
            false => Err(forbidden(room)),
        }
    }

    async fn typing(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        on: bool,
    ) -> Result<(), ProtocolError> {
        let user = self.may_signal(connection, &room).await?;
        let typing = RoomSignal::Typing { user, on };
        let told = self.0.hub.broker().signal(&room, typing).await;
        told.map_err(unavailable)
    }

    async fn signal(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        data: Box<RawValue>,
    ) -> Result<(), ProtocolError> {
        let (size, limit) = (data.get().len(), self.0.config.max_signal_bytes);
        if size > limit {
            let sentence = format!("a signal has at most {limit} bytes, this one has {size}");
            return Err(ProtocolError::new(ErrorCode::TooLarge, sentence));
        }
        self.may_signal(connection, &room).await?;
        if self.0.sessions.is_invisible(connection.key()) {
            let sentence = "others would see that you are here: show yourself first";
            return Err(ProtocolError::new(ErrorCode::Forbidden, sentence));
        }
        let signal = RoomSignal::Data {
            from: Some(connection.key().clone()),
            data: data.into(),
        };
        let told = self.0.hub.broker().signal(&room, signal).await;
        told.map_err(unavailable)
    }

    fn heartbeat(
        &self,
        connection: &Arc<Connection>,
        active: bool,
        rooms: Vec<Seen>,
    ) -> Result<(), ProtocolError> {
        let marks = self.0.sessions.set_active(connection, active);
        if !marks.is_empty() {
            self.0.teller.mark(marks);
            // Every room is told.
            self.within_limits(connection, Kind::Join, TOGGLE_COST)?;
        }
        let mut named: HashSet<RoomId> = HashSet::default();
        for seen in rooms {
            if !named.insert(seen.room.clone()) {
                continue;
            }
            let (frame, digest) = (seen.frame, seen.digest);
            let diverged = self.0.hub.compare(&seen.room, connection.id, frame, digest);
            if diverged {
                // It was shown the room anew, which costs as much as a join.
                self.within_limits(connection, Kind::Join, MEND_COST)?;
            }
        }
        Ok(())
    }
}

pub(super) fn unavailable(error: BrokerError) -> ProtocolError {
    tracing::warn!(%error, "a command failed");
    ProtocolError::new(
        ErrorCode::Unavailable,
        "this cannot be done right now: try again",
    )
}

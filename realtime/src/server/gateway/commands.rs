//! What each command does.

use std::{collections::HashSet, sync::Arc};

use super::{Gateway, connection::Connection, intake::patiently};
use crate::{
    protocol::{ClientCommand, ErrorCode, JoinRoom, ProtocolError, Refused, RoomId},
    server::{
        auth::{Access, forbidden},
        broker::BrokerError,
        hub::Viewer,
    },
};

impl Gateway {
    /// Enters the person into the host's rooms: they are seen there while connected, whatever their page shows.
    pub(super) async fn auto_join(&self, connection: &Arc<Connection>) {
        let rooms = (self.0.callbacks.auto_join)(connection.identity.user.clone()).await;
        for room in rooms
            .into_iter()
            .take(self.0.config.max_rooms_per_connection)
        {
            connection.rooms().pinned.insert(room.clone());
            if let Err(error) = self.enter(connection, &room).await {
                tracing::warn!(%room, %error, "could not enter a person into a room of theirs");
            }
        }
    }

    pub(super) async fn carry_out(
        &self,
        connection: &Arc<Connection>,
        command: ClientCommand,
    ) -> Result<(), ProtocolError> {
        match command {
            ClientCommand::Join(rooms) => self.join(connection, rooms).await,
            ClientCommand::Leave(rooms) => {
                for room in rooms {
                    self.leave_room(connection, &room).await;
                }
                Ok(())
            }
            ClientCommand::Typing { room, on } => self.typing(connection, room, on).await,
            ClientCommand::Bye => {
                for room in std::mem::take(&mut *connection.rooms()).joined.into_keys() {
                    self.0.hub.leave(&room, connection.id);
                }
                for leave in self.0.sessions.end(connection) {
                    self.leave(leave).await;
                }
                Ok(())
            }
        }
    }

    async fn join(
        &self,
        connection: &Arc<Connection>,
        mut rooms: Vec<JoinRoom>,
    ) -> Result<(), ProtocolError> {
        // Each view costs the room's whole log at worst: a room asked for twice in one breath is shown once.
        let mut named = HashSet::new();
        rooms.retain(|join| named.insert(join.room.clone()));
        let limit = self.0.config.max_rooms_per_connection;
        let total = {
            let known = connection.rooms();
            let new = |join: &&JoinRoom| !known.joined.contains_key(&join.room);
            rooms.iter().filter(new).count() + known.joined.len()
        };
        if total > limit {
            let sentence = format!("a connection has at most {limit} rooms: leave some first");
            return Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence));
        }
        let asked = rooms.iter().map(|join| join.room.clone()).collect();
        let who = connection.identity.user.clone();
        let allowed = (self.0.callbacks.authorize)(who, asked, Access::View)
            .await
            .map_err(|error| ProtocolError::from(&error))?;
        for join in rooms {
            let joined = if allowed.contains(&join.room) {
                self.show(connection, &join).await.map_err(unavailable)
            } else {
                self.leave_room(connection, &join.room).await;
                Err(forbidden(&join.room))
            };
            if let Err(error) = joined {
                let room = join.room;
                let refused = Refused { room, error };
                patiently(connection, || connection.emit("refused", &refused).is_ok()).await;
            }
        }
        Ok(())
    }

    /// Shows the room to the connection, and the session to the room.
    async fn show(&self, connection: &Arc<Connection>, join: &JoinRoom) -> Result<(), BrokerError> {
        let viewer: Arc<dyn Viewer> = connection.clone();
        self.0.hub.join(&join.room, &viewer, join.since).await?;
        connection
            .rooms()
            .joined
            .entry(join.room.clone())
            .or_default();
        if !self.connections().contains_key(&connection.id) {
            // Closed meanwhile: what `closed` cleared must not come back.
            connection.rooms().joined.remove(&join.room);
            self.0.hub.leave(&join.room, connection.id);
            return Ok(());
        }
        if let Err(error) = self.enter(connection, &join.room).await {
            connection.rooms().joined.remove(&join.room);
            self.0.hub.leave(&join.room, connection.id);
            return Err(error);
        }
        // Where the client's buffer was full, the view follows when it has room again, and then the answer.
        patiently(connection, || {
            self.0.hub.is_shown(&join.room, connection.id)
        })
        .await;
        Ok(())
    }

    /// Shows the session to the room, unless it is seen there already.
    async fn enter(&self, connection: &Arc<Connection>, room: &RoomId) -> Result<(), BrokerError> {
        let Some(incarnation) = self.0.sessions.enter(connection, room) else {
            return Ok(());
        };
        let entry = connection.entry(incarnation);
        let entered = self.0.hub.broker().enter(room, entry).await;
        if entered.is_err() {
            self.0.sessions.leave(connection, room);
        }
        entered
    }

    async fn leave_room(&self, connection: &Arc<Connection>, room: &RoomId) {
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
        if !pinned && let Some(leave) = self.0.sessions.leave(connection, room) {
            self.leave(leave).await;
        }
    }

    async fn typing(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        on: bool,
    ) -> Result<(), ProtocolError> {
        let joined = connection.rooms().joined.get(&room).copied();
        let Some(joined) = joined else {
            return Err(ProtocolError::new(
                ErrorCode::NotJoined,
                format!("join {room} before typing in it"),
            ));
        };
        let Some(user) = &connection.identity.user else {
            return Err(ProtocolError::new(
                ErrorCode::Unauthorized,
                "guests have no name to show: sign in to type",
            ));
        };
        let allowed = match joined.may_signal {
            Some(allowed) => allowed,
            None => {
                let who = connection.identity.user.clone();
                let allowed = match self.0.callbacks.require(who, &room, Access::Signal).await {
                    Ok(()) => true,
                    Err(error) if error.code == ErrorCode::Forbidden => false,
                    Err(error) => return Err(error),
                };
                if let Some(joined) = connection.rooms().joined.get_mut(&room) {
                    joined.may_signal = Some(allowed);
                }
                allowed
            }
        };
        if !allowed {
            return Err(forbidden(&room));
        }
        self.0
            .hub
            .broker()
            .typing(&room, &user.id, on)
            .await
            .map_err(unavailable)
    }
}

fn unavailable(error: BrokerError) -> ProtocolError {
    tracing::warn!(%error, "a command failed");
    ProtocolError::new(
        ErrorCode::Unavailable,
        "this cannot be done right now: try again",
    )
}

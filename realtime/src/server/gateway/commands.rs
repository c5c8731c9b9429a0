//! What clients ask for, carried out one after the other per connection.

use std::sync::{Arc, Weak};

use serde::Serialize;
use socketioxide::{
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromMessageParts, MessageHandler, Value},
    socket::Socket,
};

use super::{
    Gateway,
    connection::{Connection, Pending},
};
use crate::{
    protocol::{ClientCommand, ErrorCode, JoinRoom, ProtocolError, Refused, RoomId},
    server::{
        auth::{Access, forbidden},
        broker::BrokerError,
    },
};

/// Takes the events of one socket, in order, on its reader.
pub(super) struct Commands {
    pub(super) gateway: Gateway,
    pub(super) connection: Weak<Connection>,
}

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProtocolError>,
}

impl MessageHandler<LocalAdapter, ()> for Commands {
    fn call(&self, socket: Arc<Socket>, mut value: Value, ack_id: Option<i64>) {
        let Some(connection) = self.connection.upgrade() else {
            return;
        };
        let Ok(ack) = AckSender::from_message_parts(&socket, &mut value, &ack_id);
        let limit = self.gateway.0.config.max_message_bytes;
        let command = match &value {
            Value::Str(text, _) if text.len() > limit => Err(ProtocolError::new(
                ErrorCode::TooLarge,
                format!(
                    "a message has at most {limit} bytes, this one has {}",
                    text.len()
                ),
            )),
            Value::Str(text, None) => ClientCommand::from_json(text),
            _ => Err(ProtocolError::new(
                ErrorCode::BadRequest,
                "commands carry no binary data",
            )),
        };
        self.gateway.take(&connection, Pending { command, ack });
    }
}

impl Gateway {
    /// Puts a command into the connection's queue.
    fn take(&self, connection: &Arc<Connection>, pending: Pending) {
        let limit = self.0.config.max_pending_commands;
        let mut intake = connection.intake();
        if intake.waiting.len() >= limit {
            drop(intake);
            let sentence = format!("more than {limit} commands are waiting: slow down");
            answer(
                connection,
                pending.ack,
                Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence)),
            );
            return;
        }
        intake.waiting.push_back(pending);
        if !std::mem::replace(&mut intake.running, true) {
            drop(intake);
            let (gateway, connection) = (self.clone(), connection.clone());
            self.0
                .tasks
                .spawn(async move { gateway.carry_out_waiting(&connection).await });
        }
    }

    async fn carry_out_waiting(&self, connection: &Arc<Connection>) {
        loop {
            let next = {
                let mut intake = connection.intake();
                let next = intake.waiting.pop_front();
                intake.running = next.is_some();
                next
            };
            let Some(Pending { command, ack }) = next else {
                return;
            };
            let done = match command {
                Ok(command) => {
                    tokio::select! {
                        done = self.carry_out(connection, command) => done,
                        () = self.0.stop.cancelled() => return,
                    }
                }
                Err(error) => Err(error),
            };
            answer(connection, ack, done);
        }
    }

    /// Joins the host's rooms of this person, before whatever the client asks for.
    pub(super) fn auto_join(&self, connection: &Arc<Connection>) {
        let (gateway, connection) = (self.clone(), connection.clone());
        connection.intake().running = true;
        self.0.tasks.spawn(async move {
            let rooms = tokio::select! {
                rooms = (gateway.0.callbacks.auto_join)(connection.identity.user.clone()) => rooms,
                () = gateway.0.stop.cancelled() => return,
            };
            let joins = rooms
                .into_iter()
                .map(|room| JoinRoom { room, since: None })
                .collect::<Vec<_>>();
            // The host named these rooms itself: they need no second question.
            for join in joins
                .into_iter()
                .take(gateway.0.config.max_rooms_per_connection)
            {
                if let Err(error) = gateway.enter(&connection, &join, true).await {
                    tracing::warn!(room = %join.room, %error, "could not join a person's own room");
                }
            }
            gateway.carry_out_waiting(&connection).await;
        });
    }

    async fn carry_out(
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
                for room in std::mem::take(&mut *connection.rooms()).into_keys() {
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
        rooms: Vec<JoinRoom>,
    ) -> Result<(), ProtocolError> {
        let limit = self.0.config.max_rooms_per_connection;
        let new = rooms
            .iter()
            .filter(|join| !connection.rooms().contains_key(&join.room))
            .count();
        if new + connection.rooms().len() > limit {
            let sentence = format!("a connection has at most {limit} rooms: leave some first");
            return Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence));
        }
        let asked = rooms.iter().map(|join| join.room.clone()).collect();
        let who = connection.identity.user.clone();
        let allowed = (self.0.callbacks.authorize)(who, asked, Access::View)
            .await
            .map_err(|e| ProtocolError::from(&e))?;
        for join in rooms {
            let joined =
                if allowed.contains(&join.room) || connection.rooms().contains_key(&join.room) {
                    self.enter(connection, &join, false)
                        .await
                        .map_err(unavailable)
                } else {
                    Err(forbidden(&join.room))
                };
            if let Err(error) = joined {
                let _ = connection.emit(
                    "refused",
                    &Refused {
                        room: join.room,
                        error,
                    },
                );
            }
        }
        Ok(())
    }

    /// Shows the room to the connection, and the session to the room.
    async fn enter(
        &self,
        connection: &Arc<Connection>,
        join: &JoinRoom,
        pinned: bool,
    ) -> Result<(), BrokerError> {
        self.0.hub.join(&join.room, connection, join.since).await?;
        let again = {
            let mut rooms = connection.rooms();
            let again = rooms.contains_key(&join.room);
            rooms.entry(join.room.clone()).or_default().pinned |= pinned;
            again
        };
        if !self.connections().contains_key(&connection.id) {
            // Closed meanwhile: what `closed` cleared must not come back.
            connection.rooms().remove(&join.room);
            self.0.hub.leave(&join.room, connection.id);
            return Ok(());
        }
        // Asked for again, to be shown the room anew: the session is in it already.
        if !again && let Some(incarnation) = self.0.sessions.enter(connection, &join.room) {
            self.0
                .hub
                .broker()
                .enter(&join.room, connection.entry(incarnation))
                .await?;
        }
        Ok(())
    }

    async fn leave_room(&self, connection: &Arc<Connection>, room: &RoomId) {
        let left = {
            let mut rooms = connection.rooms();
            let may_leave = rooms.get(room).is_some_and(|joined| !joined.pinned);
            may_leave && rooms.remove(room).is_some()
        };
        if left {
            self.0.hub.leave(room, connection.id);
            if let Some(leave) = self.0.sessions.leave(connection, room) {
                self.leave(leave).await;
            }
        }
    }

    async fn typing(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        on: bool,
    ) -> Result<(), ProtocolError> {
        let joined = connection.rooms().get(&room).copied();
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
                if let Some(joined) = connection.rooms().get_mut(&room) {
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

/// Acknowledges a command; where no acknowledgement was asked for, a failure is a frame of its own.
fn answer(connection: &Connection, ack: AckSender, done: Result<(), ProtocolError>) {
    let answer = match &done {
        Ok(()) => Answer {
            ok: Some(true),
            error: None,
        },
        Err(error) => Answer {
            ok: None,
            error: Some(error.clone()),
        },
    };
    if let Err(error) = done {
        tracing::debug!(%error, "refused a command");
        let _ = connection.emit("error", &error);
    }
    // The array is the acknowledgement's argument list.
    let _ = ack.send(&answer);
}

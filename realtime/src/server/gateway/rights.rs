//! What a person may do, and that it changes: refreshed sign-ins, rights checked again, and a host that ends things.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Gateway, connection::Connection, intake::patiently};
use crate::{
    core::message::EntryKey,
    protocol::{
        CloseAction, ErrorCode, Online, ProtocolError, Refreshed, Room, RoomId, UnixMillis, User,
        UserId, reserved::is_watched_only,
    },
    server::{
        auth::{Handshake, SignIn, forbidden},
        clock::unix_millis,
        store::PersonRecord,
    },
};

/// Said to whoever's sign-in is over.
const EXPIRED: &str = "this sign-in has expired: sign in again";

/// Who presented a handshake, with what else is known of them.
pub(crate) struct Known {
    pub(crate) user: Option<User>,
    pub(super) issued: Option<UnixMillis>,
    pub(super) expires: Option<Instant>,
    pub(super) invisible: bool,
}

fn is_revoked(issued: Option<UnixMillis>, person: &PersonRecord) -> bool {
    matches!((issued, person.not_before), (Some(issued), Some(not_before)) if issued <= not_before)
}

impl Gateway {
    /// How often rights have changed. Whoever was checked before such a change is checked again.
    pub(super) fn rights(&self) -> u64 {
        self.0.rights.load(std::sync::atomic::Ordering::Acquire)
    }

    fn rights_change(&self) {
        self.0
            .rights
            .fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    }

    /// Asks the host who this is, and checks what the host cannot: that it is not too late, or revoked.
    pub(crate) async fn know(&self, handshake: Handshake) -> Result<Known, ProtocolError> {
        let signed_in = (self.0.callbacks.authenticate)(handshake)
            .await
            .map_err(|error| ProtocolError::from(&error))?;
        let Some(SignIn {
            user,
            issued,
            expires,
        }) = signed_in
        else {
            return Ok(Known {
                user: None,
                issued: None,
                expires: None,
                invisible: false,
            });
        };
        let expired = || ProtocolError::new(ErrorCode::Unauthorized, EXPIRED);
        let now = unix_millis();
        let expires = match expires {
            Some(at) => Some(
                at.checked_sub(now)
                    .filter(|left| *left > 0)
                    .ok_or_else(expired)?,
            ),
            None => None,
        };
        let person = self.person(&user.id).await?;
        if is_revoked(issued, &person) {
            return Err(expired());
        }
        Ok(Known {
            user: Some(user),
            issued,
            // Far sign-ins may exceed the clock's range.
            expires: expires
                .and_then(|left| Instant::now().checked_add(Duration::from_millis(left))),
            invisible: person.invisible,
        })
    }

    /// Goes on with a newer token of the same person.
    pub(super) async fn refresh(
        &self,
        connection: &Arc<Connection>,
        token: String,
    ) -> Result<(), ProtocolError> {
        let parts = Arc::new(connection.request().clone());
        let known = self.know(Handshake::new(parts, Some(token))).await?;
        if known.user.as_ref().map(|user| &user.id) != connection.key().user.as_ref() {
            let sentence = "this token is another person's: connect anew with it";
            return Err(ProtocolError::new(ErrorCode::Unauthorized, sentence));
        }
        connection.set_expires(known.expires);
        self.recheck(connection).await?;
        let left = |at: Instant| at.saturating_duration_since(Instant::now()).as_millis() as u64;
        let refreshed = Refreshed {
            expires_in_ms: known.expires.map(left),
        };
        patiently(connection, || {
            connection.emit("refreshed", &refreshed).is_ok()
        })
        .await;
        Ok(())
    }

    /// Checks the rights of every room the connection is in, and takes it out of those that it may not see any more.
    pub(super) async fn recheck(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        let pinned = self.pinned_rooms(connection).await;
        let (rooms, unpinned) = {
            let mut rooms = connection.rooms();
            let before = std::mem::replace(&mut rooms.pinned, pinned.clone());
            for joined in rooms.joined.values_mut() {
                joined.may_signal = None;
            }
            let joined: Vec<RoomId> = rooms.joined.keys().cloned().collect();
            let stays = |room: &RoomId| pinned.contains(room) || rooms.joined.contains_key(room);
            let unpinned: Vec<_> = before.into_iter().filter(|room| !stays(room)).collect();
            (joined, unpinned)
        };
        for room in unpinned {
            self.leave_room(connection, &room).await;
        }
        for room in pinned {
            self.enter(connection, &room).await?;
        }
        let allowed = self.allowed(connection, rooms.clone()).await?;
        for room in rooms {
            if !allowed.contains(&room) {
                self.leave_room(connection, &room).await;
                self.refuse(connection, &room, forbidden(&room)).await;
            }
        }
        Ok(())
    }

    /// The rooms in which a person is seen wherever they are: the host's, and their own.
    async fn pinned_rooms(&self, connection: &Connection) -> HashSet<RoomId> {
        let user = connection.identity.user.clone();
        let own = user.as_ref().map(|user| Online(user.id.clone()).room_id());
        let rooms = (self.0.callbacks.auto_join)(user).await;
        let hosts = rooms.into_iter().filter(|room| !is_watched_only(room));
        let most = self.0.config.max_rooms_per_connection;
        hosts.take(most).chain(own).collect()
    }

    /// Enters the person into the host's rooms, and into their own: they are seen there while connected, whatever their
    /// page shows.
    pub(super) async fn auto_join(&self, connection: &Arc<Connection>) {
        let rooms = self.pinned_rooms(connection).await;
        connection.rooms().pinned.clone_from(&rooms);
        for room in rooms {
            if let Err(error) = self.enter(connection, &room).await {
                tracing::warn!(%room, %error, "could not enter a person into a room of theirs");
            }
        }
        if self.rights() != connection.identity.rights
            && let Err(error) = self.recheck_sign_in(connection).await
        {
            connection.close(CloseAction::SignIn, error.code, &error.message);
        }
    }

    /// The sign-in was checked while something was revoked: it is checked again.
    async fn recheck_sign_in(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        let Some(user) = &connection.key().user else {
            return Ok(());
        };
        match is_revoked(connection.identity.issued, &self.person(user).await?) {
            true => Err(ProtocolError::new(ErrorCode::Unauthorized, EXPIRED)),
            false => Ok(()),
        }
    }

    /// Checks the rights of all of a person's connections again.
    pub(crate) async fn recheck_person(&self, user: &UserId) {
        self.rights_change();
        for connection in self.0.sessions.connections_of(user) {
            if let Err(error) = self.recheck(&connection).await {
                // What cannot be checked is not shown.
                connection.close(CloseAction::Retry, error.code, &error.message);
            }
        }
    }

    /// Ends all of a person's sessions, at once for everybody.
    pub(crate) async fn end_person(
        &self,
        user: &UserId,
        action: CloseAction,
        error: &ProtocolError,
    ) {
        self.rights_change();
        let connections = self.0.sessions.connections_of(user);
        for connection in &connections {
            for room in std::mem::take(&mut *connection.rooms()).joined.into_keys() {
                self.0.hub.leave(&room, connection.id);
            }
        }
        self.tell_all(self.0.sessions.end_all(user)).await;
        for connection in connections {
            connection.close(action, error.code, &error.message);
        }
    }

    /// Takes everyone out of a room, and forgets what happened in it.
    pub(crate) async fn close_room(&self, room: &RoomId) -> Result<(), ProtocolError> {
        self.rights_change();
        let error = ProtocolError::new(ErrorCode::RoomClosed, format!("{room} was closed"));
        let is_in = |connection: &Arc<Connection>| {
            let rooms = connection.rooms();
            rooms.joined.contains_key(room) || rooms.pinned.contains(room)
        };
        let mut connections: Vec<_> = self.connections().values().cloned().collect();
        connections.retain(is_in);
        for connection in &connections {
            connection.rooms().pinned.remove(room);
            let shown = connection.rooms().joined.contains_key(room);
            self.leave_room(connection, room).await;
            if shown {
                let room = room.clone();
                let error = error.clone();
                let refused = crate::protocol::Refused { room, error };
                if connection.emit("refused", &refused).is_err() {
                    // It does not read: its views end with it.
                    connection.wire.cut();
                }
            }
        }
        let cleared = self.0.hub.broker().clear(room).await;
        cleared.map_err(super::commands::unavailable)
    }

    /// The person hides, or shows themselves again.
    pub(super) async fn status(
        &self,
        connection: &Arc<Connection>,
        invisible: bool,
    ) -> Result<(), ProtocolError> {
        let EntryKey {
            user: Some(user), ..
        } = connection.key()
        else {
            let sentence = "guests have no name to hide";
            return Err(ProtocolError::new(ErrorCode::Unauthorized, sentence));
        };
        self.set_invisible(user, invisible).await
    }

    /// Closes a connection whose sign-in is over.
    pub(super) fn expire(&self, connection: &Arc<Connection>, now: Instant) {
        if connection.expires().is_some_and(|at| at <= now) {
            connection.set_expires(None);
            connection.close(CloseAction::SignIn, ErrorCode::Unauthorized, EXPIRED);
        }
    }
}

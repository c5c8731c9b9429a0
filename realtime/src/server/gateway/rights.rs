//! What a person may do, and that it changes: refreshed sign-ins, rights checked again, and a host that ends things.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

use super::{Gateway, callbacks::in_time, connection::Connection, intake::patiently, teller::Mark};
use crate::{
    core::message::EntryKey,
    protocol::{
        CloseAction, ErrorCode, Online, ProtocolError, Refreshed, Refused, Room, RoomId,
        UnixMillis, User, UserId, reserved::is_watched_only,
    },
    server::{
        auth::{Handshake, SignIn, forbidden},
        clock::unix_millis,
        hashed::HashSet,
        limits::Kind,
        store::PersonRecord,
    },
};

/// How often rights are checked again because they changed during a check.
const MAX_CHECKS: u32 = 5;

/// How long a host that ends something waits until rooms were told. Later they are told all the same.
const TELL_TIMEOUT: Duration = Duration::from_secs(2);

/// What hiding and showing oneself costs, in joins: every room of every device is told.
const STATUS_COST: u32 = 20;

/// Said to whoever's sign-in is over.
const EXPIRED: &str = "this sign-in has expired: sign in again";

/// Said to whoever's sign-in was ended.
pub(super) const ENDED: &str = "your sign-in was ended: sign in again";

/// Who presented a handshake, with what else is known of them.
pub(crate) struct Known {
    pub(crate) user: Option<User>,
    pub(super) issued: Option<UnixMillis>,
    pub(super) expires: Option<Instant>,
    pub(super) invisible: bool,
}

/// Said where they change each time that they are checked.
const UNSETTLED: &str = "rights change all the time: try again";

/// A person who is still signed in.
enum Person {
    Same,
    Renamed,
}

pub(super) fn is_revoked(issued: Option<UnixMillis>, person: &PersonRecord) -> bool {
    matches!((issued, person.not_before), (Some(issued), Some(not_before)) if issued <= not_before)
}

impl Gateway {
    /// Asks the host who this is, and checks what the host cannot: that it is not too late, or revoked.
    pub(crate) async fn know(&self, handshake: Handshake) -> Result<Known, ProtocolError> {
        let signed_in = in_time((self.0.callbacks.authenticate)(handshake))
            .await?
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
        let token: Arc<str> = token.into();
        let person = connection.key().user.as_ref();
        let rights = self.0.changes.of(person);
        let known = self.know(connection.handshake(Some(&token))).await?;
        if known.user.as_ref().map(|user| &user.id) != connection.key().user.as_ref() {
            let sentence = "this token is another person's: connect anew with it";
            return Err(ProtocolError::new(ErrorCode::Unauthorized, sentence));
        }
        connection.set_token(token);
        connection.set_sign_in(known.issued, known.expires);
        if known.user == connection.identity.user && self.0.changes.of(person) == rights {
            self.recheck(connection).await?;
        } else {
            self.recheck_connection(connection).await;
        }
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

    /// Asks the host once more who is connected, by what was presented last, and checks the rights of every room the
    /// connection is in.
    pub(super) async fn recheck_connection(&self, connection: &Arc<Connection>) {
        let checked = match self.know_again(connection).await {
            Ok(Person::Same) => self.recheck(connection).await,
            Ok(Person::Renamed) => {
                // Under the new one they are back before anybody has seen them go.
                let sentence = "your name has changed";
                connection.close(CloseAction::Retry, ErrorCode::Unavailable, sentence);
                return;
            }
            Err(error) if error.code == ErrorCode::Unauthorized => {
                connection.close(CloseAction::SignIn, error.code, &error.message);
                self.end(connection);
                return;
            }
            Err(error) => {
                connection.close(CloseAction::Retry, error.code, &error.message);
                Err(error)
            }
        };
        if let Err(error) = checked {
            tracing::warn!(connection = connection.id.0, %error, "rights could not be checked");
        }
    }

    /// Whether a person is still signed in, as an error where they are not.
    async fn know_again(&self, connection: &Connection) -> Result<Person, ProtocolError> {
        let Some(user) = &connection.identity.user else {
            return Ok(Person::Same);
        };
        for _ in 0..MAX_CHECKS {
            let token = connection.token();
            let known = self.know(connection.handshake(token.as_deref())).await;
            if connection.token() != token {
                // A newer one came meanwhile, and was found good before what happened, perhaps.
                continue;
            }
            let known = known?;
            let Some(now) = known.user.filter(|known| known.id == user.id) else {
                return Err(ProtocolError::new(ErrorCode::Unauthorized, ENDED));
            };
            if now.name != user.name {
                return Ok(Person::Renamed);
            }
            connection.set_sign_in(known.issued, known.expires);
            return Ok(Person::Same);
        }
        Err(ProtocolError::new(ErrorCode::Unavailable, UNSETTLED))
    }

    /// Checks the rights of every room the connection is in, and takes it out of those that it may not see any more.
    /// Where they cannot be checked it is closed: what cannot be checked is not shown.
    pub(super) async fn recheck(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        // One at a time, so that an older answer of the host never wins over a newer one.
        let _one = connection.checking.lock().await;
        let checked = self.check_until_settled(connection).await;
        if let Err(error) = &checked {
            connection.close(CloseAction::Retry, error.code, &error.message);
        }
        checked
    }

    /// Checks again as long as rights change meanwhile.
    async fn check_until_settled(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        for _ in 0..MAX_CHECKS {
            let person = connection.key().user.as_ref();
            let rights = self.0.changes.of(person);
            self.check(connection).await?;
            if self.0.changes.of(person) == rights {
                return Ok(());
            }
        }
        Err(ProtocolError::new(ErrorCode::Unavailable, UNSETTLED))
    }

    async fn check(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        let pinned = self.pinned_rooms(connection).await?;
        let joined: Vec<RoomId> = {
            let mut rooms = connection.rooms();
            for joined in rooms.joined.values_mut() {
                joined.may_signal = None;
            }
            rooms.joined.keys().cloned().collect()
        };
        let allowed = self.allowed(connection, joined.clone()).await?;
        // What is taken away is taken first, and all of it before anything is said.
        let before = std::mem::replace(&mut connection.rooms().pinned, pinned.clone());
        let taken: Vec<RoomId> = joined
            .into_iter()
            .filter(|room| !allowed.contains(room))
            .collect();
        for room in &taken {
            self.leave_room(connection, room);
        }
        for room in before.difference(&pinned) {
            if !connection.rooms().joined.contains_key(room) {
                self.0.teller.mark(self.0.sessions.leave(connection, room));
            }
        }
        for room in &pinned {
            self.enter(connection, room);
        }
        for room in taken {
            let error = forbidden(&room);
            self.take_away(connection, room, error);
        }
        Ok(())
    }

    /// Tells a client that a room is not its any more. Who does not read has to come back.
    fn take_away(&self, connection: &Connection, room: RoomId, error: ProtocolError) {
        if connection
            .emit("refused", &Refused { room, error })
            .is_err()
        {
            connection.wire.cut();
        }
    }

    /// The rooms in which a person is seen wherever they are: the host's, and their own.
    async fn pinned_rooms(
        &self,
        connection: &Connection,
    ) -> Result<HashSet<RoomId>, ProtocolError> {
        let user = connection.identity.user.clone();
        let own = user.as_ref().map(|user| Online(user.id.clone()).room_id());
        let rooms = in_time((self.0.callbacks.auto_join)(user)).await?;
        let hosts = rooms.into_iter().filter(|room| !is_watched_only(room));
        let most = self.0.config.max_rooms_per_connection;
        Ok(hosts.take(most).chain(own).collect())
    }

    /// Enters the person into the host's rooms, and into their own: they are seen there while connected, whatever their
    /// page shows. Whatever changed since they were let in is checked again.
    pub(super) async fn auto_join(&self, connection: &Arc<Connection>) {
        if self.0.changes.any() != connection.identity.rights {
            // The sign-in was checked while something changed: whether it still holds is asked again.
            match self.show_as_kept(connection).await {
                Ok(()) => self.recheck_connection(connection).await,
                Err(error) => connection.close(CloseAction::Retry, error.code, &error.message),
            }
            return;
        }
        if let Err(error) = self.recheck(connection).await {
            tracing::warn!(%error, "could not enter a person into their rooms");
        }
    }

    /// Hides or shows a person as it is kept.
    async fn show_as_kept(&self, connection: &Arc<Connection>) -> Result<(), ProtocolError> {
        let Some(user) = &connection.key().user else {
            return Ok(());
        };
        let _one = self.hiding(user).lock().await;
        let person = self.person(user).await?;
        self.show_invisible(user, person.invisible);
        Ok(())
    }

    /// Checks the rights of all of a person's connections again.
    pub(super) async fn recheck_person(&self, user: &UserId) {
        self.0.changes.note(user);
        let connections = self.0.sessions.connections_of(user);
        let checks = connections
            .iter()
            .map(|connection| self.recheck_connection(connection));
        join_all(checks).await;
    }

    /// Ends all of a person's sessions, at once for everybody.
    pub(super) async fn end_person(
        &self,
        user: &UserId,
        action: CloseAction,
        error: &ProtocolError,
    ) {
        self.tell_and_wait(self.end_now(user, action, error)).await;
    }

    /// As [`end_person`](Self::end_person); the rooms are yet to be told.
    pub(super) fn end_now(
        &self,
        user: &UserId,
        action: CloseAction,
        error: &ProtocolError,
    ) -> Vec<Mark> {
        self.0.changes.note(user);
        for connection in self.0.sessions.connections_of(user) {
            connection.close(action, error.code, &error.message);
            self.leave_shown(&connection);
        }
        self.0.sessions.end_all(user)
    }

    /// Takes everyone of this node out of a room.
    pub(super) fn take_out(&self, room: &RoomId) -> Vec<Mark> {
        self.0.changes.note_everyone();
        let error = ProtocolError::new(ErrorCode::RoomClosed, format!("{room} was closed"));
        let connections: Vec<_> = self.connections().values().cloned().collect();
        let mut marks = Vec::new();
        for connection in connections {
            let (shown, pinned) = {
                let mut rooms = connection.rooms();
                let shown = rooms.joined.remove(room).is_some();
                (shown, rooms.pinned.remove(room))
            };
            if shown {
                self.0.hub.leave(room, connection.id);
            }
            if shown || pinned {
                marks.extend(self.0.sessions.leave(&connection, room));
            }
            if shown {
                self.take_away(&connection, room.clone(), error.clone());
            }
        }
        marks
    }

    /// Tells, and waits until it is told, as long as the broker can be reached.
    pub(super) async fn tell_and_wait(&self, marks: Vec<Mark>) {
        let mut keys: Vec<EntryKey> = marks.iter().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        self.0.teller.mark(marks);
        self.0.teller.settled(&keys, TELL_TIMEOUT).await;
    }

    /// The person hides, or shows themselves again.
    pub(super) async fn status(
        &self,
        connection: &Arc<Connection>,
        invisible: bool,
    ) -> Result<(), ProtocolError> {
        self.within_limits(connection, Kind::Join, STATUS_COST)?;
        let EntryKey {
            user: Some(user), ..
        } = connection.key()
        else {
            let sentence = "guests have no name to hide";
            return Err(ProtocolError::new(ErrorCode::Unauthorized, sentence));
        };
        self.set_invisible(user, invisible).await.map(drop)
    }

    /// Closes a connection whose sign-in is over.
    pub(super) fn expire(&self, connection: &Arc<Connection>, now: Instant) {
        if connection.expires().is_some_and(|at| at <= now) {
            connection.set_sign_in(connection.issued(), None);
            connection.close(CloseAction::SignIn, ErrorCode::Unauthorized, EXPIRED);
        }
    }
}

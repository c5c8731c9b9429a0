//! What a host decides of people and rooms while they are in use.
//!
//! All of it is done at once on the instance that is asked, and said to the others through the broker's control room:
//! within a second, usually within milliseconds. Where the broker is away, the others hear of it when it is back, from
//! this instance, which goes on trying for as long as it runs; each of them that cannot reach the broker either reads
//! from the database who is revoked or hides, and checks rights again, once in `RealtimeConfig::recheck_interval`.
//! Several instances need one database for that: see `RealtimeBuilder::database`.

use super::{Realtime, clock::unix_millis, store::StoreError};
use crate::protocol::{ErrorCode, ProtocolError, Room, UserId, reserved::is_reserved};

/// Why something was not done. It may be tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModerationError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The meeting point of instances is away.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

impl Realtime {
    /// Checks all of a person's connections again: to be called when a role of theirs has changed, or one of their
    /// sign-ins was ended. The host's `authenticate` is asked by the request and the token that each presented: one that is
    /// not this person's any more is ended at once, and its client asks to sign in again; one of a person whose name has
    /// changed connects anew, without being seen to go. Rooms that they may not see any
    /// more are taken from the others, and the rooms that the host puts them into are asked for anew.
    ///
    /// On all instances; those that cannot be told right now are told when the meeting point of instances is back, and
    /// check everyone once in `RealtimeConfig::recheck_interval` while it is away for them.
    pub async fn recheck(&self, user: impl Into<UserId>) {
        self.0.gateway.recheck_everywhere(&user.into()).await;
    }

    /// Says on every instance that something in the host's database has changed, by the host's own name for it: see
    /// [`RealtimeBuilder::on_invalidate`](super::RealtimeBuilder::on_invalidate).
    ///
    /// Instances that cannot be told right now are told when the meeting point of instances is back; those that may have
    /// missed it are told to forget everything.
    pub async fn invalidate(&self, what: &str) {
        self.0.gateway.invalidate(what).await;
    }

    /// Ends all of a person's sessions. They are gone for everybody at once, and their clients stay away until they
    /// are told to connect.
    ///
    /// On all instances; those that cannot be told right now end them when the meeting point of instances is back. This
    /// is kept nowhere: whoever is to stay out needs [`revoke`](Self::revoke), or the host's `authenticate`.
    pub async fn kick(&self, user: impl Into<UserId>) {
        self.0.gateway.kick(&user.into()).await;
    }

    /// Ends all of a person's sessions, and accepts nothing any more that was signed in until now: what the host's
    /// `authenticate` returns as [`SignIn::issued`](super::SignIn::issued) must be later.
    ///
    /// On all instances: once this returns, none accepts such a sign-in for a new connection. Open connections elsewhere
    /// are ended within a second; on instances that cannot reach the meeting point of instances, within
    /// `RealtimeConfig::recheck_interval`, where the sign-in has an `issued`. Where only this instance cannot reach it,
    /// the others end them when it can again.
    ///
    /// # Errors
    /// When that cannot be kept; then nothing is ended.
    pub async fn revoke(&self, user: impl Into<UserId>) -> Result<(), ModerationError> {
        let (user, now) = (user.into(), unix_millis());
        self.0.store.set_not_before(&user, now).await?;
        self.0.gateway.revoke(&user, now).await;
        Ok(())
    }

    /// Takes everyone out of a room, and forgets its events. Whoever was there is told so, and may join again only as
    /// far as the host's `authorize` allows it.
    ///
    /// # Errors
    /// When the meeting point of instances is away; then its events may not be forgotten, and people of other instances
    /// are taken out when it is back. When the room is the module's own `control` room.
    pub async fn close_room<R: Room>(&self, room: R) -> Result<(), ModerationError> {
        let room = room.room_id();
        if is_reserved(&room) {
            let sentence = format!("{room} is the module's own: it is never closed");
            return Err(ProtocolError::new(ErrorCode::Forbidden, sentence).into());
        }
        Ok(self.0.gateway.close_room(&room).await?)
    }

    /// Hides a person from everybody else, or shows them again, on all their devices and instances: as they can do
    /// themselves.
    ///
    /// # Errors
    /// When that cannot be kept; then nothing changes.
    pub async fn set_invisible(
        &self,
        user: impl Into<UserId>,
        invisible: bool,
    ) -> Result<(), ModerationError> {
        let gateway = &self.0.gateway;
        Ok(gateway
            .set_invisible_everywhere(&user.into(), invisible)
            .await?)
    }
}

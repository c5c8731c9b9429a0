//! What a host decides of people and rooms while they are in use.

use super::{Realtime, clock::unix_millis, store::StoreError};
use crate::protocol::{CloseAction, ErrorCode, ProtocolError, Room, UserId};

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
    /// Checks the rights of all of a person's connections again: to be called when a role of theirs has changed. Rooms
    /// that they may not see any more are taken from them, and the rooms that the host puts them into are asked for
    /// anew.
    pub async fn recheck(&self, user: impl Into<UserId>) {
        self.0.gateway.recheck_person(&user.into()).await;
    }

    /// Ends all of a person's sessions. They are gone for everybody at once, and their clients stay away until they
    /// are told to connect.
    pub async fn kick(&self, user: impl Into<UserId>) {
        let error = ProtocolError::new(ErrorCode::Kicked, "your session was ended");
        let gateway = &self.0.gateway;
        gateway
            .end_person(&user.into(), CloseAction::Stop, &error)
            .await;
    }

    /// Ends all of a person's sessions, and accepts nothing any more that was signed in until now: what the host's
    /// `authenticate` returns as [`SignIn::issued`](super::SignIn::issued) must be later.
    ///
    /// # Errors
    /// When that cannot be kept; then nothing is ended.
    pub async fn revoke(&self, user: impl Into<UserId>) -> Result<(), ModerationError> {
        let user = user.into();
        self.0.store.set_not_before(&user, unix_millis()).await?;
        let sentence = "your sign-in was ended: sign in again";
        let error = ProtocolError::new(ErrorCode::Unauthorized, sentence);
        let gateway = &self.0.gateway;
        gateway.end_person(&user, CloseAction::SignIn, &error).await;
        Ok(())
    }

    /// Takes everyone out of a room, and forgets its events. Whoever was there is told so, and may join again only as
    /// far as the host's `authorize` allows it.
    ///
    /// # Errors
    /// When the meeting point of instances is away; then its events may not be forgotten.
    pub async fn close_room<R: Room>(&self, room: R) -> Result<(), ModerationError> {
        Ok(self.0.gateway.close_room(&room.room_id()).await?)
    }

    /// Hides a person from everybody else, or shows them again, on all their devices: as they can do themselves.
    ///
    /// # Errors
    /// When that cannot be kept; then nothing changes.
    pub async fn set_invisible(
        &self,
        user: impl Into<UserId>,
        invisible: bool,
    ) -> Result<(), ModerationError> {
        let gateway = &self.0.gateway;
        Ok(gateway.set_invisible(&user.into(), invisible).await?)
    }
}

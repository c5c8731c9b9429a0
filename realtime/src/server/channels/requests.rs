//! What people ask of their channels, through server functions. Each asks for the caller's own: another's cannot be
//! named.

use super::ChannelError;
use crate::{
    protocol::{ErrorCode, LinkCode, LinkedChannel, ProtocolError},
    server::notify::requests::{Does, caller, signed_in},
};

fn refused(error: ChannelError) -> ProtocolError {
    match error {
        ChannelError::NoChannel(_) => {
            ProtocolError::new(ErrorCode::BadRequest, "there is no such channel")
        }
        ChannelError::NoCodes(_) => ProtocolError::new(
            ErrorCode::BadRequest,
            "this channel is linked in your account's settings",
        ),
        error => {
            tracing::warn!(%error, source = ?std::error::Error::source(&error), "a channel cannot be linked, or its links read");
            let sentence = "channels cannot be read or changed right now: try again in a moment";
            ProtocolError::new(ErrorCode::Unavailable, sentence)
        }
    }
}

pub(crate) async fn linked_channels() -> Result<Vec<LinkedChannel>, ProtocolError> {
    let (realtime, user) = caller(Does::Look).await?;
    realtime.linked_channels(user).await.map_err(refused)
}

pub(crate) async fn link_channel(channel: &str) -> Result<LinkCode, ProtocolError> {
    let (realtime, user) = signed_in(Does::Change).await?;
    realtime.link_code(&user, channel).await.map_err(refused)
}

pub(crate) async fn unlink_channel(channel: &str) -> Result<(), ProtocolError> {
    let (realtime, user) = caller(Does::Change).await?;
    let unlinked = realtime.unlink_channel(user, channel).await;
    unlinked.map(drop).map_err(refused)
}

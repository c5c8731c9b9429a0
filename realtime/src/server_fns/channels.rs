//! Where a person's notifications reach them besides, as their pages ask for it.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::protocol::{LinkCode, LinkedChannel, ProtocolError};

/// The host's channels, and how the caller stands with each: `GET /realtime/api/linked_channels`. Where one was unlinked
/// because nothing can be sent there any more, [`LinkedChannel::problem`] says why: to be shown to them.
///
/// # Errors
/// For a guest, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "linked_channels", input = GetUrl)]
pub async fn linked_channels() -> Result<Vec<LinkedChannel>, ProtocolError> {
    crate::server::channel_requests::linked_channels().await
}

/// A code with which the caller links a channel, and where they go with it: `POST /realtime/api/link_channel`, with
/// `channel`.
///
/// # Errors
/// For a guest, a channel that is not there or takes no codes, for a page of another origin, and when the database or the
/// channel's other side is away.
#[server(prefix = "/realtime/api", endpoint = "link_channel")]
pub async fn link_channel(
    /// [`LinkedChannel::channel`].
    channel: String,
) -> Result<LinkCode, ProtocolError> {
    crate::server::channel_requests::link_channel(&channel).await
}

/// Sends nothing more to the caller on a channel, or forgets that nothing can be: `POST /realtime/api/unlink_channel`,
/// with `channel`.
///
/// # Errors
/// For a guest, a channel that is not there, for a page of another origin, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "unlink_channel")]
pub async fn unlink_channel(
    /// [`LinkedChannel::channel`].
    channel: String,
) -> Result<(), ProtocolError> {
    crate::server::channel_requests::unlink_channel(&channel).await
}

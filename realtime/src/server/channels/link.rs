//! Linking people to channels, for the host.

use super::{
    Channel, SendError,
    links::{MAX_ADDRESS, new_code},
};
use crate::{
    protocol::{LinkCode, LinkedChannel, User, UserId},
    server::{Realtime, StoreError, clock::unix_millis, store::ChannelStore},
};

/// How long a code is good, in milliseconds.
const CODE: u64 = 15 * 60_000;

/// Why a channel was not linked, or its links not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The module was started without a database, or without this channel.
    #[error("there is no channel {0:?}: give one to RealtimeBuilder::channel(…)")]
    NoChannel(String),
    /// The address is empty or too long.
    #[error("an address has 1 to {MAX_ADDRESS} bytes, not {0}")]
    Address(usize),
    /// The channel takes no codes: [`Realtime::link_channel`] links it.
    #[error("the channel {0:?} takes no codes: link it with Realtime::link_channel(…)")]
    NoCodes(&'static str),
    /// The channel's other side cannot be asked right now.
    #[error("the channel's other side cannot be asked")]
    Away(#[source] SendError),
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] StoreError),
}

impl Realtime {
    /// Sends a person's notifications to an address too, from now on: one that the host has checked, such as an e-mail
    /// address that was confirmed. It replaces the one before; whoever else had this one has it no more.
    ///
    /// # Errors
    /// When there is no such channel, the address is empty or has more than 512 bytes, or the database refuses.
    pub async fn link_channel(
        &self,
        user: impl Into<UserId>,
        channel: &str,
        address: &str,
    ) -> Result<(), ChannelError> {
        let (store, _) = self.channel(channel)?;
        if address.is_empty() || address.len() > MAX_ADDRESS {
            return Err(ChannelError::Address(address.len()));
        }
        let now = unix_millis();
        Ok(store.link(&user.into(), channel, address, now).await?)
    }

    /// Sends nothing more to a person on a channel, also not what waits. Says whether anything was sent there.
    ///
    /// # Errors
    /// When there is no such channel, or the database refuses.
    pub async fn unlink_channel(
        &self,
        user: impl Into<UserId>,
        channel: &str,
    ) -> Result<bool, ChannelError> {
        let (store, _) = self.channel(channel)?;
        Ok(store.unlink(&user.into(), channel, unix_millis()).await?)
    }

    /// A code with which a person links a channel to themselves, once and within 15 minutes, and where they go with it.
    /// The channel's other side names them, so that they see whose messages they will get.
    /// A code that they were given before is not good any more.
    ///
    /// # Errors
    /// When there is no such channel, it takes no codes, its other side cannot be asked for its address, or the database
    /// refuses.
    pub async fn link_code(&self, user: &User, channel: &str) -> Result<LinkCode, ChannelError> {
        let (store, channel) = self.channel(channel)?;
        let code = new_code();
        let url = channel.link_url(&code).await.map_err(ChannelError::Away)?;
        let url = url.ok_or(ChannelError::NoCodes(channel.name()))?;
        let expires = unix_millis().saturating_add(CODE);
        store.code(user, channel.name(), &code, expires).await?;
        Ok(LinkCode { code, url, expires })
    }

    /// The module's channels, and how a person stands with each.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn linked_channels(
        &self,
        user: impl Into<UserId>,
    ) -> Result<Vec<LinkedChannel>, ChannelError> {
        let Some(channels) = &self.0.channels else {
            return Ok(Vec::new());
        };
        let kept = channels.store.linked(&user.into()).await?;
        let stands = |channel: &dyn Channel| {
            let kept = kept.iter().find(|kept| kept.channel == channel.name());
            let problem = kept.and_then(|kept| kept.problem.clone());
            LinkedChannel {
                channel: channel.name().to_owned(),
                linked: kept
                    .filter(|kept| kept.problem.is_none())
                    .map(|kept| kept.linked),
                problem,
            }
        };
        Ok(channels.all.iter().map(|one| stands(&**one)).collect())
    }

    fn channel(&self, name: &str) -> Result<(&ChannelStore, &dyn Channel), ChannelError> {
        let channels = self.0.channels.as_ref();
        let found = channels.and_then(|channels| {
            let channel = channels.all.iter().find(|one| one.name() == name)?;
            Some((&*channels.store, &**channel))
        });
        found.ok_or_else(|| ChannelError::NoChannel(name.to_owned()))
    }
}

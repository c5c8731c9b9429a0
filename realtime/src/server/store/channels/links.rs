//! Whose an address is, and what links one.

use super::{ChannelStore, StoreError};
use crate::{
    protocol::{UnixMillis, User, UserId},
    server::store::{
        outbox::{from_stored, to_stored},
        sql::{Arg, Row, Tx, user},
    },
};

/// The most bytes that are kept of why something cannot be sent.
const MAX_REASON: usize = 300;

/// A person's channel, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) channel: String,
    pub(crate) linked: UnixMillis,
    /// Why nothing can be sent there any more.
    pub(crate) problem: Option<String>,
}

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// The address is linked to this person.
    Linked(User),
    /// No such code, or not any more; the address is this person's.
    Before(UserId),
    /// No such code, or not any more.
    Unknown,
}

impl ChannelStore {
    /// Links an address to a person. Whoever had it before has it no more.
    pub(crate) async fn link(
        &self,
        user: &UserId,
        channel: &str,
        address: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.sql.write().await?;
        self.link_in(&mut *tx, user.as_str(), channel, address, now)
            .await?;
        tx.commit().await
    }

    async fn link_in(
        &self,
        tx: &mut dyn Tx,
        user: &str,
        channel: &str,
        address: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Text(user),
            Arg::Text(channel),
            Arg::Text(address),
            Arg::Number(to_stored(now)),
        ];
        for other in tx.rows(self.statements.take, &args).await? {
            self.finish_all(tx, &other.text(0)?, channel, now).await?;
        }
        tx.run(self.statements.link, &args).await?;
        Ok(())
    }

    async fn finish_all(
        &self,
        tx: &mut dyn Tx,
        user: &str,
        channel: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Text(user),
            Arg::Text(channel),
            Arg::Number(to_stored(now)),
            Arg::Text("unlinked"),
        ];
        tx.run(self.statements.finish_all, &args).await?;
        Ok(())
    }

    /// Nothing more is sent to a person there. Says whether anything was.
    pub(crate) async fn unlink(
        &self,
        user: &UserId,
        channel: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.sql.write().await?;
        let args = [Arg::Text(user.as_str()), Arg::Text(channel)];
        let was = tx.run(self.statements.unlink, &args).await? > 0;
        self.finish_all(&mut *tx, user.as_str(), channel, now)
            .await?;
        tx.commit().await?;
        Ok(was)
    }

    /// Whose an address is.
    pub(crate) async fn owner(
        &self,
        channel: &str,
        address: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let mut tx = self.sql.read().await?;
        self.owner_in(&mut *tx, channel, address).await
    }

    async fn owner_in(
        &self,
        tx: &mut dyn Tx,
        channel: &str,
        address: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let args = [Arg::Text(channel), Arg::Text(address)];
        let rows = tx.rows(self.statements.owner, &args).await?;
        rows.first().map(|row| user(row, 0)).transpose()
    }

    /// A person's channels.
    pub(crate) async fn linked(&self, user: &UserId) -> Result<Vec<Linked>, StoreError> {
        let mut tx = self.sql.read().await?;
        let rows = tx
            .rows(self.statements.linked, &[Arg::Text(user.as_str())])
            .await?;
        let read = |row: &Row| {
            Ok(Linked {
                channel: row.text(0)?,
                linked: from_stored(row.number(1)?),
                problem: row.maybe_number(2)?.map_or(Ok(None), |_| {
                    row.maybe_text(3).map(Option::unwrap_or_default).map(Some)
                })?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Notes what links an address to a person, instead of what was noted for them before.
    pub(crate) async fn code(
        &self,
        user: &User,
        channel: &str,
        code: &str,
        expires: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.sql.write().await?;
        let args = [
            Arg::Text(user.id.as_str()),
            Arg::Text(channel),
            Arg::Text(code),
            Arg::Number(to_stored(expires)),
            Arg::Text(&user.name),
        ];
        tx.run(self.statements.code, &args).await?;
        tx.commit().await
    }

    /// Links an address to the person who was given this code.
    pub(crate) async fn redeem(
        &self,
        channel: &str,
        code: &str,
        address: &str,
        now: UnixMillis,
    ) -> Result<Redeemed, StoreError> {
        let mut tx = self.sql.write().await?;
        let args = [
            Arg::Text(channel),
            Arg::Text(code),
            Arg::Number(to_stored(now)),
        ];
        let rows = tx.rows(self.statements.redeem, &args).await?;
        let Some(row) = rows.first() else {
            let owner = self.owner_in(&mut *tx, channel, address).await?;
            return Ok(owner.map_or(Redeemed::Unknown, Redeemed::Before));
        };
        let user = User::new(user(row, 0)?, row.text(1)?);
        self.link_in(&mut *tx, user.id.as_str(), channel, address, now)
            .await?;
        tx.commit().await?;
        Ok(Redeemed::Linked(user))
    }

    /// Nothing can be sent to this address any more: the person is told why, and what waits is over with. Says whether
    /// the address was still theirs.
    pub(crate) async fn gone(
        &self,
        user: &UserId,
        channel: &str,
        address: &str,
        reason: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let reason: String = reason
            .char_indices()
            .take_while(|(at, _)| *at < MAX_REASON)
            .map(|(_, letter)| letter)
            .collect();
        let args = [
            Arg::Text(user.as_str()),
            Arg::Text(channel),
            Arg::Text(address),
            Arg::Number(to_stored(now)),
            Arg::Text(&reason),
        ];
        let mut tx = self.sql.write().await?;
        let was = tx.run(self.statements.gone, &args).await? > 0;
        if was {
            self.finish_all(&mut *tx, user.as_str(), channel, now)
                .await?;
        }
        tx.commit().await?;
        Ok(was)
    }
}

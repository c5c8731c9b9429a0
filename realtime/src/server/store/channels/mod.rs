//! Where people can be told things beside the pages that they have open, and what is to be sent there.
//!
//! A delivery is written in the transaction of its notification ([`InboxStore`](super::InboxStore)). Whoever is to send
//! it claims it for a while: of one person and channel only the first that waits, so that their order is kept, and
//! nobody else can meanwhile.

mod statements;
#[cfg(test)]
mod tests;

use statements::Statements;

use super::{
    StoreError,
    outbox::from_stored,
    sql::{Arg, Row, Sql, Tx},
    to_stored,
};
use crate::protocol::{NotificationId, UnixMillis, UserId};

/// For how long a claim holds, in milliseconds.
const CLAIM: u64 = 30_000;

/// How much is deleted at once.
const SWEEP_AT_ONCE: i64 = 1_000;

/// The most bytes that are kept of why something cannot be sent.
const MAX_REASON: usize = 300;

/// Something that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) notification: NotificationId,
    pub(crate) user: UserId,
    pub(crate) channel: String,
    pub(crate) address: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// By which it is ours.
    pub(crate) claim: String,
}

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
    Linked(UserId),
    /// No such code, or not any more; the address is this person's.
    Before(UserId),
    /// No such code, or not any more.
    Unknown,
}

/// See the [module](self).
pub(crate) struct ChannelStore {
    sql: Box<dyn Sql>,
    statements: &'static Statements,
}

impl ChannelStore {
    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(pool: sqlx::SqlitePool) -> Self {
        Self {
            sql: Box::new(pool),
            statements: &statements::SQLITE,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(pool: sqlx::PgPool) -> Self {
        Self {
            sql: Box::new(pool),
            statements: &statements::POSTGRES,
        }
    }

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
        user: &UserId,
        channel: &str,
        code: &str,
        expires: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.sql.write().await?;
        let args = [
            Arg::Text(user.as_str()),
            Arg::Text(channel),
            Arg::Text(code),
            Arg::Number(to_stored(expires)),
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
        let user = user(row, 0)?;
        self.link_in(&mut *tx, user.as_str(), channel, address, now)
            .await?;
        tx.commit().await?;
        Ok(Redeemed::Linked(user))
    }

    /// Takes what is due on these channels: nobody else does until the claim ends.
    pub(crate) async fn claim(
        &self,
        claim: &str,
        channels: &[&str],
        most: usize,
        now: UnixMillis,
    ) -> Result<Vec<Delivery>, StoreError> {
        let channels = json(channels);
        let args = [
            Arg::Text(claim),
            Arg::Number(to_stored(now.saturating_add(CLAIM))),
            Arg::Number(to_stored(now)),
            Arg::Text(&channels),
            Arg::Number(i64::try_from(most).unwrap_or(i64::MAX)),
        ];
        let mut tx = self.sql.write().await?;
        let rows = tx.rows(self.statements.claim, &args).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = rows
            .iter()
            .map(|row| row.number(0))
            .collect::<Result<_, _>>()?;
        let args = [Arg::Text(&json(&ids)), Arg::Text(claim)];
        let rows = tx.rows(self.statements.claimed, &args).await?;
        tx.commit().await?;
        let read = |row: &Row| {
            Ok(Delivery {
                id: row.number(0)?,
                notification: NotificationId(row.number(1)?),
                user: user(row, 2)?,
                channel: row.text(3)?,
                address: row.text(4)?,
                attempts: u32::try_from(row.number(5)?).unwrap_or(u32::MAX),
                claim: claim.to_owned(),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Whether it is still ours to send, and the address still theirs: then it is for as long again, and the try is
    /// counted.
    pub(crate) async fn renew(
        &self,
        delivery: &Delivery,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let args = [
            Arg::Number(delivery.id),
            Arg::Text(&delivery.claim),
            Arg::Number(to_stored(now.saturating_add(CLAIM))),
            Arg::Number(to_stored(now)),
            Arg::Text(&delivery.address),
        ];
        let mut tx = self.sql.write().await?;
        let ours = tx.run(self.statements.renew, &args).await? > 0;
        tx.commit().await?;
        Ok(ours)
    }

    /// It was sent. Nothing more is sent there before this time.
    pub(crate) async fn sent(
        &self,
        delivery: &Delivery,
        quiet_until: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.sql.write().await?;
        let args = [Arg::Number(delivery.id), Arg::Number(to_stored(now))];
        tx.run(self.statements.sent, &args).await?;
        if quiet_until > now {
            let args = [
                Arg::Text(delivery.user.as_str()),
                Arg::Text(&delivery.channel),
                Arg::Text(&delivery.address),
                Arg::Number(to_stored(quiet_until)),
            ];
            tx.run(self.statements.quiet, &args).await?;
        }
        tx.commit().await
    }

    /// It will not be sent, for this reason.
    pub(crate) async fn finish(
        &self,
        delivery: &Delivery,
        outcome: &'static str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Number(delivery.id),
            Arg::Text(&delivery.claim),
            Arg::Number(to_stored(now)),
            Arg::Text(outcome),
        ];
        let mut tx = self.sql.write().await?;
        tx.run(self.statements.finish, &args).await?;
        tx.commit().await
    }

    /// It is to be sent later, by whoever claims it then.
    pub(crate) async fn later(
        &self,
        delivery: &Delivery,
        due: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Number(delivery.id),
            Arg::Text(&delivery.claim),
            Arg::Number(to_stored(due)),
            Arg::Number(to_stored(now)),
        ];
        let mut tx = self.sql.write().await?;
        tx.run(self.statements.later, &args).await?;
        tx.commit().await
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

    /// Ends what waits for a channel that is not linked, deletes what was over with before one time, what has been
    /// waiting since before another, and codes that are no longer good: some of it. Says whether there may be more.
    pub(crate) async fn sweep(
        &self,
        done_before: UnixMillis,
        waiting_before: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.sql.write().await?;
        let mut more = false;
        for (statement, before) in [
            (self.statements.finish_stray, now),
            (self.statements.delete, done_before),
            (self.statements.delete_waiting, waiting_before),
        ] {
            let args = [Arg::Number(to_stored(before)), Arg::Number(SWEEP_AT_ONCE)];
            more |= tx.run(statement, &args).await? > 0;
        }
        let args = [Arg::Number(to_stored(now))];
        tx.run(self.statements.delete_codes, &args).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Takes, or keeps, what only one instance does at a time. Says whether it is ours.
    pub(crate) async fn lease(
        &self,
        name: &str,
        holder: &str,
        until: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let args = [
            Arg::Text(name),
            Arg::Text(holder),
            Arg::Number(to_stored(until)),
            Arg::Number(to_stored(now)),
        ];
        let mut tx = self.sql.write().await?;
        let ours = tx.run(self.statements.lease, &args).await? > 0;
        tx.commit().await?;
        Ok(ours)
    }

    /// Leaves to others what only one instance does at a time.
    pub(crate) async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let args = [Arg::Text(name), Arg::Text(holder)];
        let mut tx = self.sql.write().await?;
        tx.run(self.statements.release, &args).await?;
        tx.commit().await
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written as JSON")
}

fn user(row: &Row, place: usize) -> Result<UserId, StoreError> {
    UserId::try_from(row.text(place)?).map_err(|error| StoreError::Database(error.into()))
}

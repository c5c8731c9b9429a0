//! Where people can be told things beside the pages that they have open, and what is to be sent there.
//!
//! A delivery is written in the transaction of its notification ([`InboxStore`](super::InboxStore)). Whoever is to send
//! it claims it for a while: of one person and channel only the first that waits, so that their order is kept, and
//! nobody else can meanwhile.

mod links;
mod statements;
#[cfg(test)]
mod tests;

pub(crate) use links::Redeemed;
use statements::Statements;

use super::{
    StoreError,
    sql::{Arg, Row, Sql, Tx, json, user},
    to_stored,
};
use crate::protocol::{NotificationId, UnixMillis, UserId};

/// For how long a claim holds, in milliseconds.
const CLAIM: u64 = 30_000;

/// How much is deleted at once.
const SWEEP_AT_ONCE: i64 = 1_000;

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

    /// It was sent, with all that had happened up to this change of the inbox; for what has joined it since there is
    /// another. Nothing more is sent there before this time.
    pub(crate) async fn sent(
        &self,
        delivery: &Delivery,
        told: u64,
        quiet_until: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.sql.write().await?;
        // The channel first, as whoever unlinks one does: so neither waits for the other in turn.
        if quiet_until > now {
            let args = [
                Arg::Text(delivery.user.as_str()),
                Arg::Text(&delivery.channel),
                Arg::Text(&delivery.address),
                Arg::Number(to_stored(quiet_until)),
            ];
            tx.run(self.statements.quiet, &args).await?;
        }
        let args = [Arg::Number(delivery.id), Arg::Number(to_stored(now))];
        if tx.run(self.statements.sent, &args).await? > 0 {
            self.again(&mut *tx, delivery, told, now).await?;
        }
        tx.commit().await
    }

    /// It will not be sent, for this reason, with all that had happened up to this change of the inbox.
    pub(crate) async fn finish(
        &self,
        delivery: &Delivery,
        outcome: &'static str,
        told: u64,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Number(delivery.id),
            Arg::Text(&delivery.claim),
            Arg::Number(to_stored(now)),
            Arg::Text(outcome),
        ];
        let mut tx = self.sql.write().await?;
        if tx.run(self.statements.finish, &args).await? > 0 {
            self.again(&mut *tx, delivery, told, now).await?;
        }
        tx.commit().await
    }

    /// What has joined a notification while its message was on the way is sent with another.
    async fn again(
        &self,
        tx: &mut dyn Tx,
        delivery: &Delivery,
        told: u64,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let args = [
            Arg::Number(delivery.id),
            Arg::Number(to_stored(told)),
            Arg::Number(to_stored(now)),
        ];
        tx.run(self.statements.again, &args).await?;
        Ok(())
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
}

//! What people were told is taken back.
//!
//! A notification alone of its subject goes whole: its data is forgotten, and a mark of it stays for clients that look
//! later. Of one that others joined, what is left stays: the data of the last of them, and who did them.

use super::{InboxStore, PEOPLE_AT_ONCE, Written, texts};
use crate::{
    protocol::UnixMillis,
    server::store::{
        StoreError,
        outbox::to_stored,
        sql::{Arg, json},
    },
};

impl InboxStore {
    /// Takes back what people were told with these keys, and tells nobody with them any more. Returns from how many it
    /// was taken back, some hundred of them in one transaction: where it fails in between it can be repeated.
    pub(crate) async fn withdraw(
        &self,
        keys: &[String],
        now: UnixMillis,
        mut written: impl FnMut(Written),
    ) -> Result<u64, StoreError> {
        let (keys, now) = (json(keys), to_stored(now));
        let mut withdrawn = 0;
        while let Some((people, rows)) = self.withdraw_some(&keys, now).await? {
            withdrawn += people;
            written(rows);
        }
        Ok(withdrawn)
    }

    /// From some hundred people; none where nobody is left.
    async fn withdraw_some(
        &self,
        keys: &str,
        now: i64,
    ) -> Result<Option<(u64, Written)>, StoreError> {
        let statements = self.statements;
        let mut tx = self.sql.write().await?;
        let args = [Arg::Text(keys), Arg::Number(now)];
        tx.run(statements.withdraw, &args).await?;
        let args = [Arg::Text(keys), Arg::Number(PEOPLE_AT_ONCE as i64)];
        let people = texts(&tx.rows(statements.told, &args).await?)?;
        if people.is_empty() {
            tx.commit().await?;
            return Ok(None);
        }
        // Others may be doing the same: what is numbered happens.
        let people = json(&people);
        tx.rows(statements.lock, &[Arg::Text(&people)]).await?;
        let theirs = [Arg::Text(&people), Arg::Text(keys)];
        let people = texts(&tx.rows(statements.still_told, &theirs).await?)?;
        let count = people.len() as u64;
        let people = json(&people);
        let theirs = [Arg::Text(&people), Arg::Text(keys)];
        tx.run(statements.number, &theirs[..1]).await?;
        for statement in [
            statements.withdraw_theirs,
            statements.withdraw_actors,
            statements.withdraw_some,
        ] {
            tx.run(statement, &theirs).await?;
        }
        let args = [Arg::Text(&people), Arg::Text(keys), Arg::Number(now)];
        tx.run(statements.withdraw_all, &args).await?;
        if self.deliver_after.is_some() {
            tx.run(statements.withdraw_deliveries, &args).await?;
        }
        let written = self.tell(&mut *tx, &people, now).await?;
        tx.commit().await?;
        Ok(Some((count, written)))
    }
}

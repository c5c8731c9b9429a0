//! What is old is put away, and what was put away long ago is deleted.

use super::{InboxStore, Written, texts};
use crate::{
    protocol::UnixMillis,
    server::store::{
        StoreError,
        outbox::to_stored,
        sql::{Arg, Row, json},
    },
};

/// How much is deleted at once.
const AT_ONCE: i64 = 1_000;

impl InboxStore {
    /// Puts away what is older than this, and deletes what was put away before then: some of it. Says whether there may
    /// be more.
    pub(crate) async fn tidy(
        &self,
        before: UnixMillis,
        now: UnixMillis,
        written: impl FnMut(Written),
    ) -> Result<bool, StoreError> {
        let put_away = self.put_away(before, now, written).await?;
        Ok(self.delete(before).await? || put_away)
    }

    async fn put_away(
        &self,
        before: UnixMillis,
        now: UnixMillis,
        mut written: impl FnMut(Written),
    ) -> Result<bool, StoreError> {
        let (statements, now) = (self.statements, to_stored(now));
        let before = Arg::Number(to_stored(before));
        let mut tx = self.sql.write().await?;
        let args = [before, Arg::Number(AT_ONCE)];
        let people = texts(&tx.rows(statements.old, &args).await?)?;
        if people.is_empty() {
            return Ok(false);
        }
        // Others may have put away the same meanwhile: what is numbered happens.
        tx.rows(statements.lock, &[Arg::Text(&json(&people))])
            .await?;
        let args = [Arg::Text(&json(&people)), before];
        let people = texts(&tx.rows(statements.still_old, &args).await?)?;
        if !people.is_empty() {
            let people = json(&people);
            tx.run(statements.number, &[Arg::Text(&people)]).await?;
            let args = [Arg::Text(&people), before, Arg::Number(now)];
            tx.run(statements.put_away, &args).await?;
            let changes = self.standing(&mut *tx, &people).await?;
            let rows = self.wake(&mut *tx, changes, now).await?;
            tx.commit().await?;
            written(rows);
        }
        Ok(true)
    }

    async fn delete(&self, before: UnixMillis) -> Result<bool, StoreError> {
        let statements = self.statements;
        let some = [Arg::Number(to_stored(before)), Arg::Number(AT_ONCE)];
        let mut tx = self.sql.write().await?;
        let deleted = tx.rows(statements.delete, &some).await?;
        let ids: Vec<i64> = deleted
            .iter()
            .map(|row: &Row| row.number(0))
            .collect::<Result<_, _>>()?;
        if !ids.is_empty() {
            // A host's SQLite may not do it by itself.
            let ids = json(&ids);
            tx.run(statements.delete_actors, &[Arg::Text(&ids)]).await?;
        }
        tx.commit().await?;
        // By themselves: whoever takes something back begins with the keys.
        let mut tx = self.sql.write().await?;
        let keys = tx.run(statements.delete_keys, &some).await?;
        tx.commit().await?;
        Ok(keys > 0 || !ids.is_empty())
    }
}

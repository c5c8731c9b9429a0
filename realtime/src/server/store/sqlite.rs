//! The store in a host's SQLite.

use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{
    OutboxPage, PersonRecord, Store, StoreError, StoredPerson,
    outbox::{Derived, OutboxStore, Stored, to_list, to_stored},
    statements,
};
use crate::protocol::{UnixMillis, UserId};

/// $1 user, $2 time. One person at a time: nothing is sent anywhere, so a batch would gain little.
const SEEN: &str = "
    insert into realtime_person (user_id, last_seen) values ($1, $2)
    on conflict (user_id) do update set last_seen = excluded.last_seen
    where realtime_person.last_seen is null or realtime_person.last_seen < excluded.last_seen";

/// $1 time, $2 ids as a JSON list: one parameter, whatever their number.
const MARK: &str = "
    update realtime_outbox set published = $1
    where published is null and id in (select value from json_each($2))
    returning id";

/// See [`derive_from`](statements::derive_from).
const DERIVE: &str = statements::derive_from!("json_each($1)");

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn person(&self, user: &UserId) -> Result<PersonRecord, StoreError> {
        let row: Option<StoredPerson> = sqlx::query_as(statements::PERSON)
            .bind(user.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(Into::into).unwrap_or_default())
    }

    async fn set_invisible(&self, user: &UserId, invisible: bool) -> Result<(), StoreError> {
        sqlx::query(statements::SET_INVISIBLE)
            .bind(user.as_str())
            .bind(i64::from(invisible))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn set_not_before(&self, user: &UserId, at: UnixMillis) -> Result<(), StoreError> {
        sqlx::query(statements::SET_NOT_BEFORE)
            .bind(user.as_str())
            .bind(to_stored(at))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn seen(&self, people: &[(UserId, UnixMillis)]) -> Result<(), StoreError> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        for (user, at) in people {
            sqlx::query(SEEN)
                .bind(user.as_str())
                .bind(to_stored(*at))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let _: i64 = sqlx::query_scalar(statements::PING)
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn unpublished(&self, after: i64, limit: u32) -> Result<OutboxPage, StoreError> {
        let rows: Vec<Stored> = sqlx::query_as(statements::UNPUBLISHED)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(OutboxPage::read(rows, limit))
    }

    async fn mark(
        &self,
        rows: &[i64],
        derived: &[(i64, Derived)],
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        let marked: Vec<i64> = sqlx::query_scalar(MARK)
            .bind(to_stored(at))
            // A list of numbers is JSON as it is printed.
            .bind(format!("{rows:?}"))
            .fetch_all(&mut *tx)
            .await?;
        if let Some(list) = to_list(derived, &marked.into_iter().collect()) {
            sqlx::query(DERIVE)
                .bind(list)
                .bind(to_stored(at))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn sweep(&self, published_before: UnixMillis) -> Result<u64, StoreError> {
        let swept = sqlx::query(statements::SWEEP)
            .bind(to_stored(published_before))
            .bind(statements::SWEEP_LIMIT)
            .execute(&self.pool)
            .await?;
        Ok(swept.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::{Database, suite};

    #[tokio::test]
    async fn the_sqlite_store_does_what_every_store_does() {
        let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
        let store = Database::from(pool.clone()).open().await.unwrap();
        suite::people(&*store).await;
        suite::outbox(&*store, |row| {
            let pool = pool.clone();
            async move {
                let (room, event, key, version, data) = row;
                sqlx::query_scalar(statements::INSERT_EVENT)
                    .bind(room)
                    .bind(event)
                    .bind(key)
                    .bind(version)
                    .bind(data)
                    .bind(1_i64)
                    .fetch_one(&pool)
                    .await
                    .unwrap()
            }
        })
        .await;
        Database::from(pool).open().await.unwrap();
    }
}

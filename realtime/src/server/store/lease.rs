//! What only one instance does at a time.

use std::sync::Arc;

use super::{
    StoreError,
    sql::{Arg, Sql},
    to_stored,
};
use crate::{protocol::UnixMillis, server::counters::Counters};

/// By how much the clocks of instances may differ, in milliseconds: a lease that was taken later than this from now was
/// taken before a clock went back.
const SKEW: i64 = 10_000;

/// $1 name, $2 holder, $3 until, $4 now, $5 the clocks' difference.
const TAKE: &str = "
    insert into realtime_lease (name, holder, until, since) values ($1, $2, $3, $4)
    on conflict (name) do update
    set holder = excluded.holder, until = excluded.until, since = excluded.since
    where realtime_lease.holder = excluded.holder or realtime_lease.until <= $4 or realtime_lease.since > $4 + $5";

/// $1 name, $2 holder.
const RELEASE: &str = "delete from realtime_lease where name = $1 and holder = $2";

/// The leases that instances take, in the database that they share.
pub(crate) struct Leases {
    sql: Box<dyn Sql>,
    /// Who is told which are held here.
    counters: Arc<Counters>,
}

impl Leases {
    pub(super) fn new(sql: Box<dyn Sql>) -> Self {
        let counters = Arc::default();
        Self { sql, counters }
    }

    /// From now on it is counted there which are held here.
    pub(crate) fn counted_by(mut self, counters: &Arc<Counters>) -> Self {
        self.counters = counters.clone();
        self
    }

    /// Takes a lease, or keeps it. Says whether it is this holder's until then.
    pub(crate) async fn take(
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
            Arg::Number(SKEW),
        ];
        let taken = async {
            let mut tx = self.sql.write().await?;
            let ours = tx.run(TAKE, &args).await? > 0;
            tx.commit().await?;
            Ok(ours)
        };
        let taken = taken.await;
        // Where nobody knows, others may take it.
        self.counters.leases.set(name, matches!(taken, Ok(true)));
        taken
    }

    /// Leaves a lease to others, where it is this holder's.
    pub(crate) async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let args = [Arg::Text(name), Arg::Text(holder)];
        self.counters.leases.set(name, false);
        let mut tx = self.sql.write().await?;
        tx.run(RELEASE, &args).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use crate::server::store::Database;

    async fn suite(database: Database) {
        database.open().await.unwrap();
        let leases = database.leases();
        let take = async |holder: &str, now: u64| {
            let taken = leases.take("updates", holder, now + 60_000, now).await;
            taken.unwrap()
        };
        assert!(take("a", 1_000_000).await);
        assert!(!take("b", 1_030_000).await);
        assert!(take("a", 1_050_000).await, "kept");
        assert!(!take("b", 1_109_999).await);
        assert!(take("b", 1_110_000).await, "the holder is silent");
        assert!(!take("a", 1_110_000).await);
        assert!(take("a", 1_000).await, "a clock went back");
        leases.release("updates", "b").await.unwrap();
        assert!(!take("b", 1_001).await);
        leases.release("updates", "a").await.unwrap();
        assert!(take("b", 1_001).await);
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn leases_in_sqlite_do_what_all_leases_do() {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        suite(pool.into()).await;
    }

    #[cfg(feature = "postgres")]
    #[tokio::test]
    async fn leases_in_postgres_do_what_all_leases_do() {
        let server = crate::server::store::postgres::cluster::Postgres::start().await;
        suite(server.pool().await.into()).await;
    }
}

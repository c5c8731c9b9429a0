//! The database: SQLite or Postgres, asked with the same statements.
//!
//! sqlx' queries of two databases have no type in common. Here a [`Query`] is a text with parameters that are text or
//! whole numbers, and whatever can be read from the rows of both is read.

mod open;
mod query;
mod reach;

use leptos_realtime::{
    Draft, Notice, NotificationData, Realtime, Room,
    server::{Database, NotifyError, PublishError},
};
pub use open::OpenError;
pub(super) use open::{open, open_existing};
pub(super) use query::{Query, Read, one_of, query};
pub use reach::reach;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::api::ApiError;

/// The forum's database. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without a commit it is rolled back.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Asks in whichever database it is.
macro_rules! ask {
    ($kind:ident, $query:expr, $on:expr, $how:ident) => {
        match $on {
            $kind::Sqlite(on) => $query.sqlite().$how(ask!(@ $kind on)).await,
            $kind::Postgres(on) => $query.postgres().$how(ask!(@ $kind on)).await,
        }
    };
    (@ Db $on:ident) => { $on };
    (@ Tx $on:ident) => { &mut **$on };
}

impl Db {
    /// All rows.
    pub(super) async fn all<T: Read>(&self, query: Query) -> Result<Vec<T>, sqlx::Error> {
        ask!(Db, query.read::<T>(), self, fetch_all)
    }

    /// The first row, if there is one.
    pub(super) async fn maybe<T: Read>(&self, query: Query) -> Result<Option<T>, sqlx::Error> {
        ask!(Db, query.read::<T>(), self, fetch_optional)
    }

    /// The only row.
    #[cfg(test)]
    pub(super) async fn one<T: Read>(&self, query: Query) -> Result<T, sqlx::Error> {
        ask!(Db, query.read::<T>(), self, fetch_one)
    }

    /// How many rows were written.
    pub(super) async fn run(&self, query: Query) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => query.sqlite().execute(pool).await?.rows_affected(),
            Self::Postgres(pool) => query.postgres().execute(pool).await?.rows_affected(),
        })
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            // Takes SQLite's write lock at once: a lock taken later could not be waited for.
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The same database, for the realtime module to keep its own tables there.
    pub(super) fn shared(&self) -> Database {
        match self {
            Self::Sqlite(pool) => pool.clone().into(),
            Self::Postgres(pool) => pool.clone().into(),
        }
    }
}

impl Tx {
    /// All rows.
    pub(super) async fn all<T: Read>(&mut self, query: Query) -> Result<Vec<T>, sqlx::Error> {
        ask!(Tx, query.read::<T>(), self, fetch_all)
    }

    /// The first row, if there is one.
    pub(super) async fn maybe<T: Read>(&mut self, query: Query) -> Result<Option<T>, sqlx::Error> {
        ask!(Tx, query.read::<T>(), self, fetch_optional)
    }

    /// The only row.
    pub(super) async fn one<T: Read>(&mut self, query: Query) -> Result<T, sqlx::Error> {
        ask!(Tx, query.read::<T>(), self, fetch_one)
    }

    /// How many rows were written.
    pub(super) async fn run(&mut self, query: Query) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(tx) => query.sqlite().execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => query.postgres().execute(&mut **tx).await?.rows_affected(),
        })
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Tells everyone in a room, if and only if this commits.
    pub(super) async fn publish<R: Room>(
        &mut self,
        realtime: &Realtime,
        room: R,
        event: impl Into<Draft<'_, R::Event>>,
    ) -> Result<(), PublishError> {
        match self {
            Self::Sqlite(tx) => realtime.publish_in(tx, room, event).await?,
            Self::Postgres(tx) => realtime.publish_in(tx, room, event).await?,
        };
        Ok(())
    }

    /// Notifies people, if and only if this commits.
    pub(super) async fn notify<D: NotificationData>(
        &mut self,
        realtime: &Realtime,
        people: Vec<i64>,
        notice: Notice<'_, D>,
    ) -> Result<(), NotifyError> {
        match self {
            Self::Sqlite(tx) => realtime.notify_in(tx, people, notice).await,
            Self::Postgres(tx) => realtime.notify_in(tx, people, notice).await,
        }
    }

    /// Takes back what people were told with these keys, if and only if this commits.
    pub(super) async fn withdraw(
        &mut self,
        realtime: &Realtime,
        keys: Vec<String>,
    ) -> Result<(), NotifyError> {
        match self {
            Self::Sqlite(tx) => realtime.withdraw_in(tx, keys).await,
            Self::Postgres(tx) => realtime.withdraw_in(tx, keys).await,
        }
    }
}

/// What a person reads of a fault of the database; the log has the rest.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a query failed");
        Self::Internal("the database".to_owned())
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        tracing::error!(%error, "nothing was published");
        Self::Internal("publishing".to_owned())
    }
}

impl From<NotifyError> for ApiError {
    fn from(error: NotifyError) -> Self {
        tracing::error!(%error, "nobody was notified");
        Self::Internal("notifying".to_owned())
    }
}

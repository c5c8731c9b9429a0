//! The host's database, as it is given to the module.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use sqlx::PgPool;
use sqlx::migrate::MigrateError;
#[cfg(feature = "sqlite")]
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::{ChannelStore, InboxStore, Leases, OutboxStore, migrate};

/// How long a writer of a SQLite file waits for another.
#[cfg(feature = "sqlite")]
const BUSY: std::time::Duration = std::time::Duration::from_secs(10);

/// The database that [`RealtimeBuilder::database`](crate::RealtimeBuilder::database) takes: the host's own pool.
///
/// The module's tables begin with `realtime_`; their migrations are noted in `_realtime_migrations`, apart from the
/// host's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Database {
    /// SQLite: for one instance. Best with `journal_mode` WAL and a `busy_timeout`.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    /// Postgres: for one instance or several.
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

/// Which kind of database: a transaction must be of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for Database {
    fn from(pool: SqlitePool) -> Self {
        Self::Sqlite(pool)
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self::Postgres(pool)
    }
}

impl Database {
    /// A file, which is made where there is none, when it is first used.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite_file(file: &std::path::Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY);
        Self::Sqlite(SqlitePool::connect_lazy_with(options))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Kind::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Whether several instances can use it.
    pub(crate) fn is_shareable(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// People's inboxes, once it is open. What is written is to be published by this writer.
    pub(crate) fn inbox(&self, writer: String) -> InboxStore {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => InboxStore::sqlite(pool.clone(), writer),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => InboxStore::postgres(pool.clone(), writer),
        }
    }

    /// Where people can be told things besides, once it is open.
    pub(crate) fn channels(&self) -> ChannelStore {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => ChannelStore::sqlite(pool.clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => ChannelStore::postgres(pool.clone()),
        }
    }

    /// What only one instance does at a time, once it is open.
    pub(crate) fn leases(&self) -> Leases {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Leases::new(Box::new(pool.clone())),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Leases::new(Box::new(pool.clone())),
        }
    }

    /// Brings the module's tables up to date, and opens them.
    pub(crate) async fn open(&self) -> Result<Arc<dyn OutboxStore>, MigrateError> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => {
                migrate::sqlite(pool).await?;
                Arc::new(super::sqlite::SqliteStore::new(pool.clone()))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => {
                migrate::postgres(pool).await?;
                Arc::new(super::postgres::PostgresStore::new(pool.clone()))
            }
        })
    }
}

//! The host's transactions, into which rows of the outbox are written.

use async_trait::async_trait;
use sqlx::Transaction;
#[cfg(feature = "postgres")]
use sqlx::{PgConnection, Postgres};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, SqliteConnection};

use crate::{
    core::message::NewEvent,
    protocol::{RoomId, UnixMillis},
    server::store::{Kind, StoreError, to_stored},
};

/// Where instances that share a Postgres hear that something was committed.
#[cfg(feature = "postgres")]
pub(crate) const CHANNEL: &str = "realtime_outbox";

/// A transaction of the host's, in which [`Realtime::publish_in`](crate::Realtime::publish_in) writes: a sqlx
/// [`Transaction`], or the connection itself for a host that says `begin` and `commit` by hand.
///
/// It is implemented for both, of each database whose feature is on, and cannot be for other types.
pub trait HostTransaction: Insert {}

/// An event on its way into the outbox.
pub struct OutgoingRow<'a> {
    pub(super) room: &'a RoomId,
    pub(super) event: &'a NewEvent,
    pub(super) created: UnixMillis,
    /// Who is to publish it first.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "SQLite tells nobody")
    )]
    pub(super) writer: &'a str,
}

/// What a [`HostTransaction`] can do. Apart from it, and unreachable by name, so that it may change.
#[async_trait]
pub trait Insert: Send {
    /// The kind of database.
    fn kind(&self) -> Kind;

    /// Writes a row, and returns its id.
    async fn insert(&mut self, row: OutgoingRow<'_>) -> Result<i64, StoreError>;
}

/// The insert with its parameters. A macro, because the queries of two databases have no type in common.
macro_rules! insert {
    ($statement:expr, $row:expr) => {{
        let subject = $row.event.subject.as_ref();
        sqlx::query_scalar($statement)
            .bind($row.room.as_str())
            .bind($row.event.id.as_str())
            .bind(subject.map(|subject| subject.key.as_str()))
            .bind(subject.map(|subject| to_stored(subject.version)))
            .bind($row.event.data.get())
            .bind(to_stored($row.created))
    }};
}

#[cfg(feature = "sqlite")]
#[async_trait]
impl Insert for SqliteConnection {
    fn kind(&self) -> Kind {
        Kind::Sqlite
    }

    async fn insert(&mut self, row: OutgoingRow<'_>) -> Result<i64, StoreError> {
        let statement = crate::server::store::statements::INSERT_EVENT;
        Ok(insert!(statement, row).fetch_one(self).await?)
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl Insert for PgConnection {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    async fn insert(&mut self, row: OutgoingRow<'_>) -> Result<i64, StoreError> {
        // As `statements::INSERT_EVENT`; in the same round trip everyone is told, at the commit, who wrote.
        const STATEMENT: &str = "
            with added as (
                insert into realtime_outbox (room, event_id, subject_key, subject_version, data, created)
                values ($1, $2, $3, $4, $5, $6)
                returning id
            )
            select added.id from added, pg_notify($7, $8)";
        let query = insert!(STATEMENT, row).bind(CHANNEL).bind(row.writer);
        Ok(query.fetch_one(self).await?)
    }
}

macro_rules! through_its_connection {
    ($database:ty, $connection:ty) => {
        #[async_trait]
        impl Insert for Transaction<'_, $database> {
            fn kind(&self) -> Kind {
                (**self).kind()
            }

            async fn insert(&mut self, row: OutgoingRow<'_>) -> Result<i64, StoreError> {
                (**self).insert(row).await
            }
        }

        impl HostTransaction for Transaction<'_, $database> {}
        impl HostTransaction for $connection {}
    };
}

#[cfg(feature = "sqlite")]
through_its_connection!(Sqlite, SqliteConnection);
#[cfg(feature = "postgres")]
through_its_connection!(Postgres, PgConnection);

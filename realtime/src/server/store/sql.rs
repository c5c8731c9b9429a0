//! The same statement on either database: what the inbox is written in.
//!
//! sqlx' queries of two databases have no type in common. Here a statement is a text with parameters that are text or
//! whole numbers, and a row is read by place.

use async_trait::async_trait;
#[cfg(feature = "postgres")]
use sqlx::{PgPool, Postgres, postgres::PgRow};
use sqlx::{Row as _, Transaction};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, SqlitePool, sqlite::SqliteRow};

use super::StoreError;
use crate::protocol::UserId;

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Number(i64),
    MaybeNumber(Option<i64>),
}

/// A row that a statement returned. Reading a column as another type than it has is an error.
pub(super) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(PgRow),
}

macro_rules! column {
    ($($name:ident -> $type:ty),* $(,)?) => {$(
        pub(super) fn $name(&self, place: usize) -> Result<$type, StoreError> {
            Ok(match self {
                #[cfg(feature = "sqlite")]
                Self::Sqlite(row) => row.try_get(place)?,
                #[cfg(feature = "postgres")]
                Self::Postgres(row) => row.try_get(place)?,
            })
        }
    )*};
}

impl Row {
    column!(
        text -> String,
        maybe_text -> Option<String>,
        number -> i64,
        maybe_number -> Option<i64>,
    );
}

/// A transaction that statements are run in. Dropped without a commit it is rolled back.
#[async_trait]
pub(super) trait Tx: Send {
    /// Runs a statement, and returns how many rows it touched.
    async fn run(&mut self, statement: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError>;

    /// Runs a statement, and returns its rows.
    async fn rows(
        &mut self,
        statement: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError>;

    /// Makes everything last.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A database that statements are run in.
#[async_trait]
pub(super) trait Sql: Send + Sync {
    /// Begins a transaction that writes.
    async fn write(&self) -> Result<Box<dyn Tx>, StoreError>;

    /// Begins a transaction that sees one state of everything, and writes nothing.
    async fn read(&self) -> Result<Box<dyn Tx>, StoreError>;
}

/// A query with its parameters.
macro_rules! with {
    ($query:expr, $args:expr) => {
        $args.iter().fold($query, |query, arg| match *arg {
            Arg::Text(text) => query.bind(text.to_owned()),
            Arg::MaybeText(text) => query.bind(text.map(str::to_owned)),
            Arg::Number(number) => query.bind(number),
            Arg::MaybeNumber(number) => query.bind(number),
        })
    };
}

macro_rules! transaction {
    ($database:ty, $row:ident) => {
        #[async_trait]
        impl Tx for Transaction<'static, $database> {
            async fn run(
                &mut self,
                statement: &'static str,
                args: &[Arg<'_>],
            ) -> Result<u64, StoreError> {
                let done = with!(sqlx::query(statement), args)
                    .execute(&mut **self)
                    .await?;
                Ok(done.rows_affected())
            }

            async fn rows(
                &mut self,
                statement: &'static str,
                args: &[Arg<'_>],
            ) -> Result<Vec<Row>, StoreError> {
                let rows = with!(sqlx::query(statement), args)
                    .fetch_all(&mut **self)
                    .await?;
                Ok(rows.into_iter().map(Row::$row).collect())
            }

            async fn commit(self: Box<Self>) -> Result<(), StoreError> {
                Ok(Transaction::commit(*self).await?)
            }
        }
    };
}

#[cfg(feature = "sqlite")]
transaction!(Sqlite, Sqlite);
#[cfg(feature = "postgres")]
transaction!(Postgres, Postgres);

#[cfg(feature = "sqlite")]
#[async_trait]
impl Sql for SqlitePool {
    async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        // Takes SQLite's write lock at once: a lock taken later could not be waited for.
        Ok(Box::new(self.begin_with("begin immediate").await?))
    }

    async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(self.begin().await?))
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl Sql for PgPool {
    async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        // Each statement sees what was committed while a row was waited for.
        let begin = "begin isolation level read committed";
        Ok(Box::new(self.begin_with(begin).await?))
    }

    async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        let begin = "begin isolation level repeatable read read only";
        Ok(Box::new(self.begin_with(begin).await?))
    }
}

/// A parameter that is a list, or anything else that has no type of its own.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written as JSON")
}

/// A person's id.
pub(super) fn user(row: &Row, place: usize) -> Result<UserId, StoreError> {
    UserId::try_from(row.text(place)?).map_err(unreadable)
}

/// What is stored was written by somebody else.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Database(error.into())
}

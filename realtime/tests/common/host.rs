//! A host with a database of its own: SQLite in a temporary file, or a Postgres.

use std::{path::PathBuf, time::Duration};

use leptos_realtime::server::{Database, HostTransaction};
use sqlx::{
    Executor, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::postgres;

/// What the contract's tests need of a host, whatever its database.
#[allow(async_fn_in_trait, reason = "tests name their hosts")]
pub trait Host: Sized {
    /// The database.
    type Db: sqlx::Database;

    /// A new, empty one.
    async fn new() -> Self;

    /// What the module is given. Each call opens it anew, as another process would.
    async fn database(&self) -> Database;

    /// Begins a transaction that writes.
    async fn begin(&self) -> Transaction<'static, Self::Db>
    where
        Transaction<'static, Self::Db>: HostTransaction;

    /// Runs a statement.
    async fn run(&self, statement: &'static str);

    /// Runs a statement that returns one number.
    async fn number(&self, statement: &'static str) -> i64;

    /// Runs a statement with two texts.
    async fn run_with(&self, statement: &'static str, one: &str, two: &str);

    /// The same of one that returns one number.
    async fn number_with(&self, statement: &'static str, one: &str, two: &str) -> i64;

    /// The same for a module that does not wait for a database that is away.
    async fn impatient(&self) -> Database;

    /// From now on nothing can be written.
    async fn stop(&mut self);

    /// The database goes on, with everything that was committed.
    async fn go_on(&mut self);

    /// Statements after which rows of the outbox can no longer be marked.
    const FORBID_MARKS: &'static [&'static str];

    /// The statement that permits it again.
    const PERMIT_MARKS: &'static str;

    /// Statements after which no delivery can be marked as sent any more.
    const FORBID_DELIVERED: &'static [&'static str];

    /// The statement that permits it again.
    const PERMIT_DELIVERED: &'static str;
}

/// A host on SQLite: one file in a folder of its own, with a write-ahead log.
pub struct SqliteHost {
    folder: PathBuf,
    pool: SqlitePool,
    /// Keeps everybody else from writing.
    stopped: Option<Transaction<'static, Sqlite>>,
}

/// How long who is impatient waits for a database.
const IMPATIENT: Duration = Duration::from_millis(300);

/// Opens a SQLite file as a host does.
pub async fn sqlite_pool(file: PathBuf) -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(4);
    let options = sqlite_options(file, Duration::from_secs(20));
    pool.connect_with(options).await.unwrap()
}

fn sqlite_options(file: PathBuf, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(busy)
}

impl SqliteHost {
    /// The database's file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("host.db")
    }
}

impl Host for SqliteHost {
    type Db = Sqlite;

    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("rt-lite-{:08x}", rand::random::<u32>()));
        std::fs::create_dir_all(&folder).unwrap();
        let pool = sqlite_pool(folder.join("host.db")).await;
        Self {
            folder,
            pool,
            stopped: None,
        }
    }

    async fn database(&self) -> Database {
        sqlite_pool(self.file()).await.into()
    }

    async fn begin(&self) -> Transaction<'static, Sqlite> {
        self.pool.begin_with("begin immediate").await.unwrap()
    }

    async fn run(&self, statement: &'static str) {
        self.pool.execute(statement).await.unwrap();
    }

    async fn number(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn run_with(&self, statement: &'static str, one: &str, two: &str) {
        let query = sqlx::query(statement).bind(one.to_owned());
        query
            .bind(two.to_owned())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn number_with(&self, statement: &'static str, one: &str, two: &str) -> i64 {
        let query = sqlx::query_scalar(statement).bind(one.to_owned());
        query
            .bind(two.to_owned())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn impatient(&self) -> Database {
        let options = sqlite_options(self.file(), IMPATIENT);
        let pool = SqlitePoolOptions::new().max_connections(4);
        pool.connect_with(options).await.unwrap().into()
    }

    async fn stop(&mut self) {
        self.stopped = Some(self.begin().await);
    }

    async fn go_on(&mut self) {
        self.stopped = None;
    }

    const FORBID_MARKS: &'static [&'static str] = &["
        create trigger no_marks before update on realtime_outbox
        begin select raise(abort, 'no marks today'); end"];
    const PERMIT_MARKS: &'static str = "drop trigger no_marks";

    const FORBID_DELIVERED: &'static [&'static str] = &["
        create trigger not_delivered before update on realtime_delivery when new.outcome = 'sent'
        begin select raise(abort, 'no marks today'); end"];
    const PERMIT_DELIVERED: &'static str = "drop trigger not_delivered";
}

impl Drop for SqliteHost {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A host on a Postgres of its own.
pub struct PostgresHost {
    pub server: postgres::Postgres,
    pub pool: PgPool,
}

impl Host for PostgresHost {
    type Db = Postgres;

    async fn new() -> Self {
        let server = postgres::Postgres::start().await;
        let pool = server.pool().await;
        Self { server, pool }
    }

    async fn database(&self) -> Database {
        self.server.pool().await.into()
    }

    async fn begin(&self) -> Transaction<'static, Postgres> {
        self.pool.begin().await.unwrap()
    }

    async fn run(&self, statement: &'static str) {
        self.pool.execute(statement).await.unwrap();
    }

    async fn number(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn run_with(&self, statement: &'static str, one: &str, two: &str) {
        let query = sqlx::query(statement).bind(one.to_owned());
        query
            .bind(two.to_owned())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn number_with(&self, statement: &'static str, one: &str, two: &str) -> i64 {
        let query = sqlx::query_scalar(statement).bind(one.to_owned());
        query
            .bind(two.to_owned())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn impatient(&self) -> Database {
        let pool = PgPoolOptions::new().acquire_timeout(IMPATIENT);
        let pool = pool.connect_with(self.server.options()).await;
        pool.unwrap().into()
    }

    async fn stop(&mut self) {
        self.server.stop();
    }

    async fn go_on(&mut self) {
        self.server.go_on().await;
    }

    const FORBID_MARKS: &'static [&'static str] = &[
        "create function no_marks() returns trigger language plpgsql
         as 'begin raise exception ''no marks today''; end'",
        "create trigger no_marks before update on realtime_outbox
         for each row execute function no_marks()",
    ];
    const PERMIT_MARKS: &'static str = "drop trigger no_marks on realtime_outbox";

    const FORBID_DELIVERED: &'static [&'static str] = &[
        "create function not_delivered() returns trigger language plpgsql
         as 'begin raise exception ''no marks today''; end'",
        "create trigger not_delivered before update on realtime_delivery
         for each row when (new.outcome = 'sent') execute function not_delivered()",
    ];
    const PERMIT_DELIVERED: &'static str = "drop trigger not_delivered on realtime_delivery";
}

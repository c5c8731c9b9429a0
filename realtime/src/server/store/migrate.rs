//! The crate's own migrations: noted in a table of their own, so that a host that uses sqlx's migrations in the same
//! database neither sees them nor is seen.
//!
//! All of it is one transaction under a lock, so instances that start at once wait for each other, and a migration that
//! fails leaves nothing behind.

use sqlx::{
    SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// Where is noted which migrations were made.
const TABLE: &str = "_realtime_migrations";

/// The lock under which Postgres migrates: any number that nobody else uses.
#[cfg(feature = "postgres")]
const LOCK: i64 = i64::from_be_bytes(*b"realtime");

fn migrator(scripts: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = scripts
        .iter()
        .map(|(version, name, sql)| {
            let kind = MigrationType::Simple;
            Migration::new(*version, (*name).into(), kind, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // Dangerous only for who has migrated under another name before.
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_locking(false);
    // While instances are updated one by one, one of the version before may start again after a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(feature = "sqlite")]
pub(super) async fn sqlite(pool: &sqlx::SqlitePool) -> Result<(), MigrateError> {
    let migrator = migrator(&[
        (
            1,
            "realtime",
            include_str!("../../../migrations/sqlite/0001_realtime.sql"),
        ),
        (
            2,
            "inbox",
            include_str!("../../../migrations/sqlite/0002_inbox.sql"),
        ),
        (
            3,
            "channels",
            include_str!("../../../migrations/sqlite/0003_channels.sql"),
        ),
        (
            4,
            "relay",
            include_str!("../../../migrations/sqlite/0004_relay.sql"),
        ),
        (
            5,
            "keep",
            include_str!("../../../migrations/sqlite/0005_keep.sql"),
        ),
        (
            6,
            "withdraw",
            include_str!("../../../migrations/sqlite/0006_withdraw.sql"),
        ),
    ]);
    // Takes SQLite's write lock at once: a lock taken later could not be waited for.
    let mut tx = pool.begin_with("begin immediate").await?;
    migrator.run(&mut *tx).await?;
    Ok(tx.commit().await?)
}

#[cfg(feature = "postgres")]
pub(super) async fn postgres(pool: &sqlx::PgPool) -> Result<(), MigrateError> {
    let migrator = migrator(&[
        (
            1,
            "realtime",
            include_str!("../../../migrations/postgres/0001_realtime.sql"),
        ),
        (
            2,
            "inbox",
            include_str!("../../../migrations/postgres/0002_inbox.sql"),
        ),
        (
            3,
            "channels",
            include_str!("../../../migrations/postgres/0003_channels.sql"),
        ),
        (
            4,
            "relay",
            include_str!("../../../migrations/postgres/0004_relay.sql"),
        ),
        (
            5,
            "keep",
            include_str!("../../../migrations/postgres/0005_keep.sql"),
        ),
        (
            6,
            "withdraw",
            include_str!("../../../migrations/postgres/0006_withdraw.sql"),
        ),
    ]);
    // Each statement sees what was committed while the lock was waited for, whatever the database's default is.
    let begin = "begin isolation level read committed";
    let mut tx = pool.begin_with(begin).await?;
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *tx)
        .await?;
    migrator.run(&mut *tx).await?;
    Ok(tx.commit().await?)
}

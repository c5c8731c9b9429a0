//! Opening the database that `DATABASE_URL` names.

use std::{str::FromStr, time::Duration};

use sqlx::{
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::Db;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an address of a database that the forum knows.
    #[error(
        "DATABASE_URL begins with {0:?}: expected sqlite:PATH, such as sqlite:data/forum.db, or postgres://USER:PASSWORD@HOST/NAME"
    )]
    Address(String),
    /// It cannot be opened.
    #[error("the database {0:?} cannot be opened; is its folder there, and may it be written?")]
    Open(String, #[source] sqlx::Error),
    /// There is none.
    #[error(
        "there is no database at {0:?}: is DATABASE_URL the forum's? It is made when the forum is started"
    )]
    Missing(String),
    /// It cannot be reached.
    #[error("the Postgres at {0:?} cannot be reached; is it running, and is the password right?")]
    Reach(String, #[source] sqlx::Error),
    /// Its tables cannot be made or changed.
    #[error(
        "the database cannot be brought up to date; may it be written, and is there room on its disk?"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Its first content cannot be written.
    #[error("the database cannot be filled; is there room on its disk?")]
    Seed(#[from] sqlx::Error),
}

/// How long Postgres may take to answer at start.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Opens it, making it where it is a file that is missing, and brings its tables up to date.
pub(in crate::backend) async fn open(url: &str) -> Result<Db, OpenError> {
    match Kind::of(url)? {
        Kind::Sqlite => sqlite(url).await,
        Kind::Postgres => postgres(url).await,
    }
}

/// Opens it where it is there, and brings its tables up to date.
pub(in crate::backend) async fn open_existing(url: &str) -> Result<Db, OpenError> {
    if Kind::of(url)? == Kind::Sqlite && !sqlite_options(url)?.get_filename().exists() {
        return Err(OpenError::Missing(url.to_owned()));
    }
    open(url).await
}

/// Which database an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(super) fn of(url: &str) -> Result<Self, OpenError> {
        // Without a colon it is no address, and may be anything.
        match url.split_once(':').map_or("", |(kind, _)| kind) {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            // Of another database's address only the kind: it may hold a password.
            kind => Err(OpenError::Address(kind.to_owned())),
        }
    }
}

/// What the address of a SQLite file says.
pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, OpenError> {
    SqliteConnectOptions::from_str(url).map_err(|error| OpenError::Open(url.to_owned(), error))
}

/// What the address of a Postgres says, and where that is: the password stays out of what is said.
pub(super) fn postgres_options(url: &str) -> Result<(PgConnectOptions, String), OpenError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|_| OpenError::Address("postgres".to_owned()))?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    Ok((options, place))
}

async fn sqlite(url: &str) -> Result<Db, OpenError> {
    let options = sqlite_options(url)?;
    if let Some(folder) = options
        .get_filename()
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        // Where this fails, opening fails too, and says more.
        let _ = std::fs::create_dir_all(folder);
    }
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await;
    let pool = pool.map_err(|error| OpenError::Open(url.to_owned(), error))?;
    migrations(sqlx::migrate!("../migrations/sqlite"))
        .run(&pool)
        .await?;
    Ok(Db::Sqlite(pool))
}

async fn postgres(url: &str) -> Result<Db, OpenError> {
    let (options, place) = postgres_options(url)?;
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await;
    let pool = pool.map_err(|error| OpenError::Reach(place, error))?;
    migrations(sqlx::migrate!("../migrations/postgres"))
        .run(&pool)
        .await?;
    Ok(Db::Postgres(pool))
}

/// While instances are updated one by one, one of the version before may start again after a newer one has migrated; and
/// so does one that takes its place when that is taken back.
fn migrations(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_version_that_was_taken_back_starts_on_what_the_newer_one_has_migrated() {
        let name = format!("forum-migrated-{}.db", std::process::id());
        let file = std::env::temp_dir().join(name);
        let url = format!("sqlite:{}", file.display());
        let Ok(Db::Sqlite(pool)) = open(&url).await else {
            panic!("a file")
        };
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (99990101000000, 'of a newer version', true, x'00', 1)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        assert!(open(&url).await.is_ok());
        for left in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{left}", file.display()));
        }
    }
}

//! Whether the database that `DATABASE_URL` names can be used, without changing anything in it.

use std::{
    fs::{File, remove_file},
    io,
    path::Path,
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::open::{Kind, OpenError, PATIENCE, postgres_options, sqlite_options};

/// Looks at the database, and says where it is: a Postgres must answer, a file must be one of SQLite's that can be
/// written, and where there is none yet its folder must take it.
///
/// # Errors
/// When it could not be opened either.
pub async fn reach(url: &str) -> Result<String, OpenError> {
    match Kind::of(url)? {
        Kind::Sqlite => sqlite(url).await,
        Kind::Postgres => postgres(url).await,
    }
}

async fn sqlite(url: &str) -> Result<String, OpenError> {
    let failed = |error| OpenError::Open(url.to_owned(), error);
    let options = sqlite_options(url)?;
    let file = options.get_filename().to_owned();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok("SQLite in memory, which ends with the process".to_owned());
    }
    if !file.exists() {
        write_beside(&file).map_err(|error| failed(error.into()))?;
        return Ok(format!("SQLite, will be made at {}", file.display()));
    }
    let written = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        // Takes the lock for writing, and reads what any file of SQLite's has.
        for statement in [
            "begin immediate",
            "select count(*) from sqlite_master",
            "rollback",
        ] {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        connection.close().await
    };
    written.await.map_err(failed)?;
    Ok(format!("SQLite at {}", file.display()))
}

/// Whether a file can be made: in its folder, or where that can be made.
fn write_beside(file: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let folder = file.ancestors().skip(1).find(|folder| folder.exists());
    let folder = folder.unwrap_or(here);
    let probe = folder.join(format!(".forum-{}", std::process::id()));
    File::create_new(&probe)?;
    remove_file(probe)
}

async fn postgres(url: &str) -> Result<String, OpenError> {
    let (options, place) = postgres_options(url)?;
    let asked = async {
        let mut connection = PgConnection::connect_with(&options).await?;
        connection.execute("select 1").await?;
        connection.close().await
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let asked = asked.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut));
    asked.map_err(|error| OpenError::Reach(place.clone(), error))?;
    Ok(format!("Postgres at {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test's, which goes with it.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn url(&self, file: &str) -> String {
            format!("sqlite:{}", self.0.join(file).display())
        }

        fn files(&self) -> usize {
            self.0.read_dir().unwrap().count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_yet_is_not_made_but_could_be() {
        let folder = Folder::new("forum-reach-none");
        for file in ["forum.db", "data/below/forum.db"] {
            let said = reach(&folder.url(file)).await.unwrap();
            assert!(said.contains("will be made"), "{said}");
        }
        assert_eq!(folder.files(), 0, "nothing is left");
        File::create_new(folder.0.join("file")).unwrap();
        let error = reach(&folder.url("file/forum.db")).await.unwrap_err();
        assert!(matches!(error, OpenError::Open(..)), "{error}");
    }

    #[tokio::test]
    async fn a_file_must_be_one_of_sqlites() {
        let folder = Folder::new("forum-reach-file");
        std::fs::write(folder.0.join("forum.db"), "no database".repeat(1_000)).unwrap();
        let error = reach(&folder.url("forum.db")).await.unwrap_err();
        assert!(matches!(error, OpenError::Open(..)), "{error}");

        let db = super::super::open(&folder.url("good.db")).await.unwrap();
        let said = reach(&folder.url("good.db")).await.unwrap();
        assert!(said.starts_with("SQLite at "), "{said}");
        db.close().await;
    }

    #[tokio::test]
    async fn a_postgres_that_is_not_there_is_named_without_its_password() {
        let error = reach("postgres://ada:hunter2@127.0.0.1:1/forum").await;
        let error = error.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(
            said.contains("127.0.0.1:1") && !said.contains("hunter2"),
            "{said}"
        );
        for address in ["mysql://ada:hunter2@host/forum", "hunter2"] {
            let error = reach(address).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}

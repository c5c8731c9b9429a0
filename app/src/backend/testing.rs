//! What the forum's tests share: a forum on either database, and a realtime module that publishes for it.

use std::time::{Duration, Instant};

use leptos_realtime::{Realtime, RealtimeConfig, User};

use super::{Forum, db::query};
use crate::model::{Person, Role};

#[path = "../../../realtime/tests/common/postgres.rs"]
#[allow(
    dead_code,
    reason = "shared with the module's tests, which use more of it"
)]
mod postgres;

/// A Postgres with a forum in it.
pub(super) struct OnPostgres {
    pub(super) forum: Forum,
    _server: postgres::Postgres,
}

/// A SQLite file with a forum in it: connections to one in memory lock each other out.
pub(super) struct OnSqlite {
    pub(super) forum: Forum,
    folder: std::path::PathBuf,
}

impl Drop for OnSqlite {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A forum in a file of its own.
pub(super) async fn on_sqlite() -> OnSqlite {
    let folder = std::env::temp_dir().join(format!("forum-{:016x}", rand::random::<u64>()));
    let url = format!("sqlite:{}", folder.join("forum.db").display());
    let forum = Forum::open(&url).await.unwrap();
    OnSqlite { forum, folder }
}

/// A forum on a Postgres of its own.
pub(super) async fn on_postgres() -> OnPostgres {
    let server = postgres::Postgres::start().await;
    let folder = server.folder().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@{folder}/postgres");
    let forum = Forum::open(&url).await.unwrap();
    OnPostgres {
        forum,
        _server: server,
    }
}

/// Runs tests, which are functions of a forum, on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let file = crate::backend::testing::on_sqlite().await;
                super::$test(file.forum.clone()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let server = crate::backend::testing::on_postgres().await;
                super::$test(server.forum.clone()).await;
            })+
        }
    };
}
pub(super) use on_both;

/// A realtime module for this forum.
pub(super) async fn realtime(forum: &Forum) -> Realtime {
    Realtime::builder(RealtimeConfig::default())
        .authenticate(|_| async { Ok(None::<User>) })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .database(forum.database())
        .start()
        .await
        .unwrap()
}

/// The first board of a community.
pub(super) async fn board(forum: &Forum, community: &str) -> i64 {
    let community = forum.community(community).await.unwrap();
    forum.boards(community.id).await.unwrap().remove(0).id
}

/// Somebody with a role in a community.
pub(super) async fn person(forum: &Forum, name: &str, community: &str, role: Role) -> Person {
    let person = forum.look_around(name).await.unwrap();
    let community = forum.community(community).await.unwrap();
    forum.set_role(community.id, person.id, role).await.unwrap();
    person
}

/// Waits until everything that was committed has been carried out.
pub(super) async fn settled(forum: &Forum) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left = query("select count(*) from realtime_outbox where published is null");
        let (left,): (i64,) = forum.db().one(left).await.unwrap();
        if left == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{left} rows stay unpublished");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! The forum's database: communities and boards. What people write there is in files of its own.

use std::time::Duration;

use leptos_realtime::server::Database;
use sqlx::FromRow;

use super::db::{self, Db, OpenError, one_of, query};
use crate::{
    api::ApiError,
    model::{BoardSummary, CommunitySummary, LastPost},
};

/// How long what is under way at the end may take.
const CLOSING: Duration = Duration::from_secs(2);

/// The database, migrated and seeded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forum {
    db: Db,
}

#[derive(FromRow)]
pub(super) struct CommunityRow {
    id: i64,
    slug: String,
    name: String,
    about: String,
}

#[derive(FromRow)]
struct BoardRow {
    id: i64,
    slug: String,
    name: String,
    about: String,
    posts: i64,
}

impl From<CommunityRow> for CommunitySummary {
    fn from(row: CommunityRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            about: row.about,
        }
    }
}

impl From<BoardRow> for BoardSummary {
    fn from(row: BoardRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            about: row.about,
            posts: row.posts,
        }
    }
}

/// $1 community, $2 the board's name in addresses: all of them where it is null.
const BOARDS: &str = "
    select id, slug, name, about,
        (select count(*) from post where post.board = board.id and post.deleted is null) as posts
    from board
    where community = $1 and ($2 is null or slug = $2)
    order by id";

impl Forum {
    /// Opens the database, making it where it is missing, and brings it up to date.
    ///
    /// # Errors
    /// When the address is not one of SQLite or Postgres, the database cannot be opened, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let db = db::open(url).await?;
        super::seed::fill_if_empty(&db).await?;
        Ok(Self { db })
    }

    /// Opens a database that is there already, and brings it up to date.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when there is no such file.
    pub async fn open_existing(url: &str) -> Result<Self, OpenError> {
        let db = db::open_existing(url).await?;
        Ok(Self { db })
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// The database, for the realtime module to keep its own tables there.
    #[must_use]
    pub fn database(&self) -> Database {
        self.db.shared()
    }

    /// Closes the database: what was written is then in its file. Whatever still uses it has two seconds.
    pub async fn close(&self) {
        let closed = tokio::time::timeout(CLOSING, self.db.close()).await;
        if closed.is_err() {
            tracing::warn!("the database was still in use");
        }
    }

    /// All communities.
    pub(crate) async fn communities(&self) -> Result<Vec<CommunitySummary>, ApiError> {
        let all = query("select id, slug, name, about from community order by id");
        let rows: Vec<CommunityRow> = self.db.all(all).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A community by its name in addresses.
    pub(crate) async fn community(&self, slug: &str) -> Result<CommunitySummary, ApiError> {
        let one = query("select id, slug, name, about from community where slug = $1").bind(slug);
        let row: Option<CommunityRow> = self.db.maybe(one).await?;
        row.map(Into::into).ok_or(ApiError::NotFound)
    }

    /// A community's boards.
    pub(crate) async fn boards(&self, community: i64) -> Result<Vec<BoardSummary>, ApiError> {
        let all = query(BOARDS).bind(community).bind(None::<&str>);
        let rows: Vec<BoardRow> = self.db.all(all).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The newest post of each board, of one community or of all: with the community.
    pub(crate) async fn latest(
        &self,
        community: Option<i64>,
    ) -> Result<Vec<(i64, LastPost)>, ApiError> {
        #[derive(sqlx::FromRow)]
        struct Row {
            community: i64,
            community_slug: String,
            board: i64,
            board_slug: String,
            id: i64,
            title: String,
            author: String,
            created: i64,
        }
        let all = query(
            "select c.id as community, c.slug as community_slug, b.id as board, b.slug as board_slug,
                 p.id, p.title, a.name as author, p.created
             from board b
             join community c on c.id = b.community
             join post p on p.id = (select max(q.id) from post q where q.board = b.id and q.deleted is null)
             join person a on a.id = p.author
             where $1 is null or c.id = $1
             order by p.id desc",
        );
        let rows: Vec<Row> = self.db.all(all.bind(community)).await?;
        let last = |row: Row| {
            let last = LastPost {
                id: row.id,
                board: row.board,
                href: format!("/c/{}/{}/{}", row.community_slug, row.board_slug, row.id),
                title: row.title,
                author: row.author,
                created: row.created,
            };
            (row.community, last)
        };
        Ok(rows.into_iter().map(last).collect())
    }

    /// A board by its name in addresses.
    pub(crate) async fn board(&self, community: i64, slug: &str) -> Result<BoardSummary, ApiError> {
        let one = query(BOARDS).bind(community).bind(slug);
        let row: Option<BoardRow> = self.db.maybe(one).await?;
        row.map(Into::into).ok_or(ApiError::NotFound)
    }

    /// Which of these communities there are.
    pub(super) async fn existing_communities(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing("select id from community where id in ($list)", ids)
            .await
    }

    /// Which of these boards there are.
    pub(super) async fn existing_boards(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing("select id from board where id in ($list)", ids)
            .await
    }

    /// Which of these posts there are.
    pub(super) async fn existing_posts(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing("select id from post where id in ($list)", ids)
            .await
    }

    /// Which of these people there are.
    pub(super) async fn existing_people(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing("select id from person where id in ($list)", ids)
            .await
    }

    /// The community of a board.
    pub(super) async fn community_of(&self, board: i64) -> Result<Option<i64>, sqlx::Error> {
        let one = query("select community from board where id = $1").bind(board);
        Ok(self.db.maybe::<(i64,)>(one).await?.map(|(id,)| id))
    }

    /// A post's board.
    pub(super) async fn board_of(&self, post: i64) -> Result<Option<i64>, sqlx::Error> {
        let one = query("select board from post where id = $1 and deleted is null").bind(post);
        Ok(self.db.maybe::<(i64,)>(one).await?.map(|(id,)| id))
    }

    pub(super) async fn existing(
        &self,
        sql: &'static str,
        ids: &[i64],
    ) -> Result<Vec<i64>, sqlx::Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64,)> = self.db.all(one_of(sql, ids.iter().copied())).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::on_both;

    on_both!(a_new_forum_is_lived_in);

    async fn a_new_forum_is_lived_in(forum: Forum) {
        let communities = forum.communities().await.unwrap();
        let community = forum.community(&communities[0].slug).await.unwrap();
        let board = forum.boards(community.id).await.unwrap().remove(0);
        assert!(board.posts > 0);
        assert_eq!(forum.board(community.id, &board.slug).await.unwrap(), board);
        let latest = forum.latest(None).await.unwrap();
        let newest = forum.posts(board.id, None, None).await.unwrap().list;
        let (_, last) = latest
            .iter()
            .find(|(_, last)| last.board == board.id)
            .unwrap();
        assert_eq!((last.id, &last.title), (newest[0].id, &newest[0].title));
        let ids: Vec<_> = latest.iter().map(|(_, last)| last.id).collect();
        assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");
        let here = forum.latest(Some(community.id)).await.unwrap();
        assert!(here.iter().all(|(of, _)| *of == community.id) && here.len() < latest.len());
        assert_eq!(
            forum.board(community.id, "nowhere").await,
            Err(ApiError::NotFound)
        );
        assert_eq!(
            forum.existing_boards(&[board.id, 999]).await.unwrap(),
            [board.id]
        );
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_is_named() {
        let error = Forum::open("mysql://ada:secret@localhost")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("mysql"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = Forum::open("sqlite:/proc/nowhere/forum.db")
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("/proc/nowhere/forum.db"),
            "{error}"
        );
    }
}

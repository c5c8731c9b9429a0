//! The forum's database.

use std::{str::FromStr, time::Duration};

use sqlx::{
    FromRow, Sqlite, Transaction,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    },
};

use leptos_realtime::{Realtime, User};

use super::{clock::now, mentions::mentions};
use crate::{
    Board, BoardEvent,
    api::ApiError,
    model::{BoardSummary, CommunitySummary, PartnerPost, Person, Post},
    notice::{About, Notice},
};

/// The most posts of a board's page.
const PAGE: i64 = 100;

/// The most posts of partners on a community's page.
const PARTNER_POSTS: i64 = 5;

/// The database, migrated and seeded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forum {
    pool: SqlitePool,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an address of a SQLite database.
    #[error("DATABASE_URL begins with {0:?}: expected sqlite:PATH, such as sqlite:data/forum.db")]
    Address(String),
    /// It cannot be opened.
    #[error("the database {0:?} cannot be opened; is its folder there, and may it be written?")]
    Open(String, #[source] sqlx::Error),
    /// Its tables cannot be made or changed.
    #[error("the database cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Its first content cannot be written.
    #[error("the database cannot be filled")]
    Seed(#[from] sqlx::Error),
}

#[derive(FromRow)]
struct CommunityRow {
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

#[derive(FromRow)]
struct PostRow {
    id: i64,
    author: i64,
    author_name: String,
    title: String,
    body: String,
    created: i64,
}

#[derive(FromRow)]
struct PartnerRow {
    community: i64,
    community_slug: String,
    community_name: String,
    about: String,
    board: String,
    #[sqlx(flatten)]
    post: PostRow,
}

impl From<PartnerRow> for PartnerPost {
    fn from(row: PartnerRow) -> Self {
        Self {
            community: CommunitySummary {
                id: row.community,
                slug: row.community_slug,
                name: row.community_name,
                about: row.about,
            },
            board: row.board,
            post: row.post.into(),
        }
    }
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

impl From<PostRow> for Post {
    fn from(row: PostRow) -> Self {
        let author = Person {
            id: row.author,
            name: row.author_name,
        };
        Self {
            id: row.id,
            author,
            title: row.title,
            body: row.body,
            created: row.created,
        }
    }
}

const BOARDS: &str = "
    select id, slug, name, about, (select count(*) from post where post.board = board.id) as posts
    from board
    where community = $1 and ($2 is null or slug = $2)
    order by id";

/// A database error, for the log; the person reads that something did not work.
fn internal(error: sqlx::Error) -> ApiError {
    tracing::error!(%error, "a query failed");
    ApiError::Internal("the database".to_owned())
}

impl Forum {
    /// Opens the database, making it where it is missing, and brings it up to date.
    ///
    /// # Errors
    /// When the address is not one of SQLite, the file cannot be opened, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = Some(url)
            .filter(|url| url.starts_with("sqlite:"))
            .and_then(|url| SqliteConnectOptions::from_str(url).ok())
            .ok_or_else(|| {
                // Of another database's address only the kind: it may hold a password.
                let kind = url.split_once("://").map_or(url, |(kind, _)| kind);
                OpenError::Address(kind.to_owned())
            })?;
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
        sqlx::migrate!("../migrations").run(&pool).await?;
        let forum = Self { pool };
        super::seed::fill_if_empty(&forum.pool).await?;
        Ok(forum)
    }

    /// The database, for the realtime module to keep its own tables there.
    #[must_use]
    pub fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    /// Closes the database: what was written is then in its file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A value made up once and kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(
        &self,
        name: &str,
        make: impl FnOnce() -> String,
    ) -> Result<String, sqlx::Error> {
        sqlx::query(
            "insert into setting (name, value) values ($1, $2) on conflict (name) do nothing",
        )
        .bind(name)
        .bind(make())
        .execute(&self.pool)
        .await?;
        sqlx::query_scalar("select value from setting where name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await
    }

    /// All communities.
    pub async fn communities(&self) -> Result<Vec<CommunitySummary>, ApiError> {
        let rows: Vec<CommunityRow> =
            sqlx::query_as("select id, slug, name, about from community order by id")
                .fetch_all(&self.pool)
                .await
                .map_err(internal)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A community by its name in addresses.
    pub async fn community(&self, slug: &str) -> Result<CommunitySummary, ApiError> {
        let row: Option<CommunityRow> =
            sqlx::query_as("select id, slug, name, about from community where slug = $1")
                .bind(slug)
                .fetch_optional(&self.pool)
                .await
                .map_err(internal)?;
        row.map(Into::into).ok_or(ApiError::NotFound)
    }

    /// A community's boards.
    pub async fn boards(&self, community: i64) -> Result<Vec<BoardSummary>, ApiError> {
        let rows: Vec<BoardRow> = sqlx::query_as(BOARDS)
            .bind(community)
            .bind(None::<&str>)
            .fetch_all(&self.pool)
            .await
            .map_err(internal)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A board by its name in addresses.
    pub async fn board(&self, community: i64, slug: &str) -> Result<BoardSummary, ApiError> {
        let row: Option<BoardRow> = sqlx::query_as(BOARDS)
            .bind(community)
            .bind(slug)
            .fetch_optional(&self.pool)
            .await
            .map_err(internal)?;
        row.map(Into::into).ok_or(ApiError::NotFound)
    }

    /// The newest posts of a board.
    pub async fn posts(&self, board: i64) -> Result<Vec<Post>, ApiError> {
        let rows: Vec<PostRow> = sqlx::query_as(
            "select post.id, author, person.name as author_name, title, body, post.created
             from post join person on person.id = post.author
             where board = $1
             order by post.id desc
             limit $2",
        )
        .bind(board)
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await
        .map_err(internal)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Adds a post, which everyone at the board then sees: both or neither, also if the server dies at this moment.
    pub async fn create_post(
        &self,
        realtime: &Realtime,
        board: i64,
        author: &Person,
        title: &str,
        body: &str,
    ) -> Result<Post, ApiError> {
        let created = now();
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(internal)?;
        let id: Option<i64> = sqlx::query_scalar(
            "insert into post (board, author, title, body, created)
             select id, $2, $3, $4, $5 from board where id = $1
             returning id",
        )
        .bind(board)
        .bind(author.id)
        .bind(title)
        .bind(body)
        .bind(created)
        .fetch_optional(&mut *tx)
        .await
        .map_err(internal)?;
        let post = Post {
            id: id.ok_or(ApiError::NotFound)?,
            author: author.clone(),
            title: title.to_owned(),
            body: body.to_owned(),
            created,
        };
        let event = BoardEvent::PostCreated(post.clone());
        realtime
            .publish_in(&mut tx, Board(board), &event)
            .await
            .map_err(|error| {
                tracing::error!(%error, board, "a post was not published");
                ApiError::Internal("publishing".to_owned())
            })?;
        self.mention(realtime, &mut tx, board, &post).await?;
        tx.commit().await.map_err(internal)?;
        Ok(post)
    }

    /// Tells whoever is mentioned in a post, when it commits.
    async fn mention(
        &self,
        realtime: &Realtime,
        tx: &mut Transaction<'static, Sqlite>,
        board: i64,
        post: &Post,
    ) -> Result<(), ApiError> {
        let found = mentions(&post.body);
        if found.is_empty() {
            return Ok(());
        }
        let names: Vec<&String> = found.iter().flatten().collect();
        let names = serde_json::to_string(&names).expect("names can be written as JSON");
        let known: Vec<(i64, String)> = sqlx::query_as(
            "select p.id, p.name from person p
             join board b on b.id = $1
             join membership m on m.person = p.id and m.community = b.community
             where p.name in (select value from json_each($2))",
        )
        .bind(board)
        .bind(names)
        .fetch_all(&mut **tx)
        .await
        .map_err(internal)?;
        let of = |name: &String| {
            let known = known
                .iter()
                .find(|(_, known)| known.to_lowercase() == name.to_lowercase());
            known.map(|(id, _)| *id)
        };
        // Of several names that it may be, the longest.
        let people: Vec<i64> = found
            .iter()
            .filter_map(|names| names.iter().find_map(of))
            .collect();
        if people.is_empty() {
            return Ok(());
        }
        let (community, board): (String, String) = sqlx::query_as(
            "select c.slug, b.slug from board b join community c on c.id = b.community where b.id = $1",
        )
        .bind(board)
        .fetch_one(&mut **tx)
        .await
        .map_err(internal)?;
        let notice = Notice::Mention(About::post(&community, &board, post));
        let author = User::new(post.author.id, post.author.name.clone());
        let notice = leptos_realtime::Notice::new(&notice)
            .by(&author)
            .key(format!("mention:{}", post.id));
        realtime
            .notify_in(tx, people, notice)
            .await
            .map_err(|error| {
                tracing::error!(%error, post = post.id, "nobody was told of a mention");
                ApiError::Internal("notifying".to_owned())
            })
    }

    /// The newest posts that partners share with a community.
    pub async fn partner_posts(&self, community: i64) -> Result<Vec<PartnerPost>, ApiError> {
        let rows: Vec<PartnerRow> = sqlx::query_as(
            "select c.id as community, c.slug as community_slug, c.name as community_name, c.about,
                 b.slug as board, post.id, author, person.name as author_name, title, body, post.created
             from community_partnership s
             join community c on c.id = s.origin
             join board b on b.community = c.id
             join post on post.board = b.id
             join person on person.id = post.author
             where s.partner = $1 and s.status = 'active' and s.share_posts = 1
             order by post.id desc limit $2",
        )
        .bind(community)
        .bind(PARTNER_POSTS)
        .fetch_all(&self.pool)
        .await
        .map_err(internal)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// A person by id.
    pub async fn person(&self, id: i64) -> Result<Option<Person>, sqlx::Error> {
        let row: Option<(i64, String)> =
            sqlx::query_as("select id, name from person where id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(id, name)| Person { id, name }))
    }

    /// The person of this name, who becomes a member of every community when new.
    pub async fn person_by_name(&self, name: &str) -> Result<Person, ApiError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(internal)?;
        sqlx::query(
            "insert into person (name, created) values ($1, $2) on conflict (name) do nothing",
        )
        .bind(name)
        .bind(now())
        .execute(&mut *tx)
        .await
        .map_err(internal)?;
        let (id, name): (i64, String) =
            sqlx::query_as("select id, name from person where name = $1")
                .bind(name)
                .fetch_one(&mut *tx)
                .await
                .map_err(internal)?;
        sqlx::query(
            "insert into membership (community, person) select id, $1 from community where open = 1 on conflict do nothing",
        )
        .bind(id)
        .execute(&mut *tx)
        .await
        .map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        Ok(Person { id, name })
    }

    /// The communities of a person.
    pub async fn memberships(&self, person: i64) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar("select community from membership where person = $1")
            .bind(person)
            .fetch_all(&self.pool)
            .await
    }

    /// Which of these communities there are.
    pub async fn existing_communities(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing(
            "select id from community where id in (select value from json_each($1))",
            ids,
        )
        .await
    }

    /// Which of these boards there are.
    pub async fn existing_boards(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing(
            "select id from board where id in (select value from json_each($1))",
            ids,
        )
        .await
    }

    /// Which of these people there are.
    pub async fn existing_people(&self, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        self.existing(
            "select id from person where id in (select value from json_each($1))",
            ids,
        )
        .await
    }

    /// The community of a board.
    pub async fn community_of(&self, board: i64) -> Result<Option<i64>, sqlx::Error> {
        sqlx::query_scalar("select community from board where id = $1")
            .bind(board)
            .fetch_optional(&self.pool)
            .await
    }

    async fn existing(&self, query: &'static str, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // One parameter whatever their number: a list of numbers is JSON as it is printed.
        sqlx::query_scalar(query)
            .bind(format!("{ids:?}"))
            .fetch_all(&self.pool)
            .await
    }
}

#[cfg(test)]
mod tests {
    use leptos_realtime::{RealtimeConfig, User};

    use super::*;

    #[tokio::test]
    async fn a_new_database_is_lived_in_and_takes_posts() {
        let forum = Forum::open("sqlite::memory:").await.unwrap();
        let communities = forum.communities().await.unwrap();
        let community = forum.community(&communities[0].slug).await.unwrap();
        let board = forum.boards(community.id).await.unwrap().remove(0);
        assert!(board.posts > 0);
        let ada = forum.person_by_name("Ada").await.unwrap();
        assert_eq!(
            forum.person_by_name("ada").await.unwrap(),
            ada,
            "names differ by more than case"
        );
        assert!(
            forum
                .memberships(ada.id)
                .await
                .unwrap()
                .contains(&community.id)
        );
        let realtime = Realtime::builder(RealtimeConfig::default())
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .database(forum.pool())
            .start()
            .await
            .unwrap();
        let post = forum
            .create_post(&realtime, board.id, &ada, "Hello", "…")
            .await
            .unwrap();
        assert_eq!(forum.posts(board.id).await.unwrap()[0], post);
        assert_eq!(
            forum.create_post(&realtime, 999, &ada, "Hello", "…").await,
            Err(ApiError::NotFound)
        );
        assert_eq!(
            forum.board(community.id, "nowhere").await,
            Err(ApiError::NotFound)
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

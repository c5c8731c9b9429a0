//! Posts: who may write, change and delete them, and who sees it at once.

use leptos_realtime::{Draft, Realtime};
use sqlx::FromRow;

use super::{
    Forum,
    clock::now,
    db::{Tx, query},
    markdown, moderation,
    place::Place,
    roles::role_in,
    telling,
};
use crate::{
    Board, BoardEvent, PostEvent,
    api::ApiError,
    model::{Person, Post, Posts, Role, Subject, Tally},
    rooms,
};

/// The posts of one page.
const PAGE: usize = 25;

#[derive(FromRow)]
pub(super) struct PostRow {
    id: i64,
    author: i64,
    author_name: String,
    title: String,
    body: String,
    created: i64,
    edited: Option<i64>,
    deleted: Option<i64>,
    version: i64,
    votes: i64,
    votes_version: i64,
    comments: i64,
    comments_version: i64,
}

impl From<PostRow> for Post {
    fn from(row: PostRow) -> Self {
        let deleted = row.deleted.is_some();
        // What is deleted is shown to nobody.
        let (title, body) = if deleted {
            Default::default()
        } else {
            (row.title, row.body)
        };
        Self {
            id: row.id,
            author: Person {
                id: row.author,
                name: row.author_name,
            },
            html: markdown::render(&body),
            title,
            body,
            created: row.created,
            edited: row.edited,
            deleted,
            version: row.version,
            votes: Tally {
                count: row.votes,
                version: row.votes_version,
            },
            comments: Tally {
                count: row.comments,
                version: row.comments_version,
            },
        }
    }
}

/// A statement that reads posts `p` and their authors `a`, with what comes before and after their columns.
macro_rules! posts {
    ($before:literal, $after:literal) => {
        concat!(
            "select ",
            $before,
            "p.id, p.author, a.name as author_name, p.title, p.body, p.created, p.edited, p.deleted, p.version,
             p.votes, p.votes_version, p.comments, p.comments_version
             from post p join person a on a.id = p.author ",
            $after
        )
    };
}
pub(super) use posts;

/// Everyone who sees a post is told how it is now.
pub(super) async fn tell_of_change(
    tx: &mut Tx,
    realtime: &Realtime,
    board: i64,
    post: &Post,
) -> Result<(), ApiError> {
    let at_board = BoardEvent::PostChanged(post.clone());
    tx.publish(
        realtime,
        Board(board),
        about(&at_board, "", post.id, post.version)?,
    )
    .await?;
    let at_post = PostEvent::Changed(post.clone());
    tx.publish(
        realtime,
        rooms::Post(post.id),
        about(&at_post, "", post.id, post.version)?,
    )
    .await?;
    Ok(())
}

/// An event about a post, or about one `part` of it, with its version.
pub(super) fn about<'a, E>(
    event: &'a E,
    part: &str,
    post: i64,
    version: i64,
) -> Result<Draft<'a, E>, ApiError> {
    let key = format!("post:{post}{part}");
    Draft::from(event)
        .about(key, version.unsigned_abs())
        .map_err(ApiError::Internal)
}

impl Forum {
    /// A page of a board's posts, the newest first: those before the post `before`, where it is given. `viewer` is whose
    /// votes are wanted.
    pub(crate) async fn posts(
        &self,
        board: i64,
        before: Option<i64>,
        viewer: Option<i64>,
    ) -> Result<Posts, ApiError> {
        let page = query(posts!(
            "",
            "where p.board = $1 and ($2 is null or p.id < $2) and p.deleted is null
             order by p.id desc limit $3"
        ));
        let page = page.bind(board).bind(before).bind(PAGE as i64 + 1);
        let mut rows: Vec<PostRow> = self.db().all(page).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let list: Vec<Post> = rows.into_iter().map(Into::into).collect();
        let ids: Vec<i64> = list.iter().map(|post| post.id).collect();
        Ok(Posts {
            mine: self.votes_of(viewer, Subject::Post, &ids).await?,
            next: ids.last().copied().filter(|_| more),
            list,
        })
    }

    /// A post at a board.
    pub(crate) async fn post(&self, board: i64, id: i64) -> Result<Post, ApiError> {
        let one = query(posts!("", "where p.board = $1 and p.id = $2"))
            .bind(board)
            .bind(id);
        let row: Option<PostRow> = self.db().maybe(one).await?;
        row.map(Into::into).ok_or(ApiError::NotFound)
    }

    /// Adds a post, which everyone at the board then sees: both or neither, also if the server dies at this moment.
    pub(crate) async fn create_post(
        &self,
        realtime: &Realtime,
        board: i64,
        author: &Person,
        title: &str,
        body: &str,
    ) -> Result<Post, ApiError> {
        let mut tx = self.db().begin().await?;
        let place = Place::of_board(&mut tx, board).await?;
        let new = query(
            "insert into post (board, author, title, body, created) values ($1, $2, $3, $4, $5) returning id",
        );
        let new = new
            .bind(board)
            .bind(author.id)
            .bind(title)
            .bind(body)
            .bind(now());
        let (id,): (i64,) = tx.one(new).await?;
        let (_, post) = of(&mut tx, id).await?;
        let event = BoardEvent::PostCreated(post.clone());
        tx.publish(realtime, Board(board), about(&event, "", id, post.version)?)
            .await?;
        telling::of_post(&mut tx, realtime, &place, &post).await?;
        tx.commit().await?;
        Ok(post)
    }

    /// Its author changes a post.
    pub(crate) async fn edit_post(
        &self,
        realtime: &Realtime,
        id: i64,
        editor: &Person,
        title: &str,
        body: &str,
    ) -> Result<Post, ApiError> {
        let mut tx = self.db().begin().await?;
        let changed = query(
            "update post set title = $3, body = $4, version = version + 1,
                 edited = case when title = $3 and body = $4 then edited else $5 end
             where id = $1 and author = $2 and deleted is null",
        );
        let changed = changed
            .bind(id)
            .bind(editor.id)
            .bind(title)
            .bind(body)
            .bind(now());
        let changed = tx.run(changed).await?;
        let (board, post) = of(&mut tx, id).await?;
        if changed == 0 {
            return Err(refused(post.deleted, "Only its author may change a post."));
        }
        tell_of_change(&mut tx, realtime, board, &post).await?;
        tx.commit().await?;
        Ok(post)
    }

    /// Its author or a moderator deletes a post. Its comments stay.
    pub(crate) async fn delete_post(
        &self,
        realtime: &Realtime,
        id: i64,
        by: &Person,
    ) -> Result<Post, ApiError> {
        let mut tx = self.db().begin().await?;
        // Held until the end: of two who delete it one does.
        let locked =
            query("update post set version = version + 1 where id = $1 and deleted is null");
        let locked = tx.run(locked.bind(id)).await?;
        let (board, before) = of(&mut tx, id).await?;
        if locked == 0 {
            // It was what they wanted.
            return Ok(before);
        }
        let place = Place::of_board(&mut tx, board).await?;
        let own = before.author.id == by.id;
        if !own && role_in(&mut tx, place.community.id, by.id).await? < Some(Role::Moderator) {
            return Err(refused(
                false,
                "Only its author and moderators may delete a post.",
            ));
        }
        let deleted = query("update post set deleted = $2 where id = $1")
            .bind(id)
            .bind(now());
        tx.run(deleted).await?;
        let (_, post) = of(&mut tx, id).await?;
        tell_of_change(&mut tx, realtime, board, &post).await?;
        telling::withdraw_post(&mut tx, realtime, id).await?;
        if !own {
            let what = moderation::Deleted {
                subject: Subject::Post,
                author: &before.author,
                post: id,
                title: &before.title,
            };
            moderation::note(&mut tx, realtime, &place, by, what).await?;
        }
        tx.commit().await?;
        Ok(post)
    }
}

/// Why something of somebody's was not changed.
pub(super) fn refused(deleted: bool, rule: &str) -> ApiError {
    if deleted {
        return ApiError::Invalid("It was deleted meanwhile.".to_owned());
    }
    ApiError::Denied(rule.to_owned())
}

/// A post as it is in the transaction, and its board.
pub(super) async fn of(tx: &mut Tx, id: i64) -> Result<(i64, Post), ApiError> {
    #[derive(FromRow)]
    struct Row {
        board: i64,
        #[sqlx(flatten)]
        post: PostRow,
    }
    let one = query(posts!("p.board, ", "where p.id = $1")).bind(id);
    let row: Row = tx.maybe(one).await?.ok_or(ApiError::NotFound)?;
    Ok((row.board, row.post.into()))
}

#[cfg(test)]
mod tests;

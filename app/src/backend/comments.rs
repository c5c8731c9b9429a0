//! Comments on posts, and answers to them.

use leptos_realtime::{Draft, Realtime};
use sqlx::FromRow;

use super::{
    Forum,
    clock::now,
    db::{Tx, query},
    markdown, moderation,
    place::Place,
    posts::{self, refused},
    roles::role_in,
    telling,
};
use crate::{
    Board, BoardEvent, PostEvent,
    api::ApiError,
    model::{Comment, Comments, Person, Role, Subject, Tally},
    rooms,
};

/// The comments of one page.
const PAGE: usize = 60;

#[derive(FromRow)]
struct CommentRow {
    id: i64,
    parent: Option<i64>,
    author: i64,
    author_name: String,
    body: String,
    created: i64,
    edited: Option<i64>,
    deleted: Option<i64>,
    version: i64,
    votes: i64,
    votes_version: i64,
}

impl From<CommentRow> for Comment {
    fn from(row: CommentRow) -> Self {
        let deleted = row.deleted.is_some();
        // What is deleted is shown to nobody.
        let body = if deleted { String::new() } else { row.body };
        Self {
            id: row.id,
            parent: row.parent,
            author: Person {
                id: row.author,
                name: row.author_name,
            },
            html: markdown::render(&body),
            body,
            created: row.created,
            edited: row.edited,
            deleted,
            version: row.version,
            votes: Tally {
                count: row.votes,
                version: row.votes_version,
            },
        }
    }
}

/// A statement that reads comments `c` and their authors `a`, with what comes before and after their columns.
macro_rules! comments {
    ($before:literal, $after:literal) => {
        concat!(
            "select ",
            $before,
            "c.id, c.parent, c.author, a.name as author_name, c.body, c.created, c.edited, c.deleted, c.version,
             c.votes, c.votes_version
             from comment c join person a on a.id = c.author ",
            $after
        )
    };
}

/// An event about a comment, or about one `part` of it, with its version.
pub(super) fn about<'a, E>(
    event: &'a E,
    part: &str,
    comment: i64,
    version: i64,
) -> Result<Draft<'a, E>, ApiError> {
    let key = format!("comment:{comment}{part}");
    Draft::from(event)
        .about(key, version.unsigned_abs())
        .map_err(ApiError::Internal)
}

impl Forum {
    /// A page of a post's comments, the oldest first: those after the comment `after`, where it is given. `viewer` is
    /// whose votes are wanted.
    pub(crate) async fn comments(
        &self,
        post: i64,
        after: Option<i64>,
        viewer: Option<i64>,
    ) -> Result<Comments, ApiError> {
        let page = query(comments!(
            "",
            "where c.post = $1 and ($2 is null or c.id > $2) order by c.id limit $3"
        ));
        let page = page.bind(post).bind(after).bind(PAGE as i64 + 1);
        let mut rows: Vec<CommentRow> = self.db().all(page).await?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let list: Vec<Comment> = rows.into_iter().map(Into::into).collect();
        let ids: Vec<i64> = list.iter().map(|comment| comment.id).collect();
        Ok(Comments {
            mine: self.votes_of(viewer, Subject::Comment, &ids).await?,
            next: ids.last().copied().filter(|_| more),
            list,
        })
    }

    /// Adds a comment, an answer to another one where `parent` is given. Whoever is answered or mentioned is told.
    pub(crate) async fn create_comment(
        &self,
        realtime: &Realtime,
        post: i64,
        parent: Option<i64>,
        author: &Person,
        body: &str,
    ) -> Result<Comment, ApiError> {
        let mut tx = self.db().begin().await?;
        let comments = count_changes(&mut tx, post, 1).await?;
        let (board, about_post) = posts::of(&mut tx, post).await?;
        if about_post.deleted {
            return Err(ApiError::Invalid(
                "The post was deleted meanwhile.".to_owned(),
            ));
        }
        let answered = match parent {
            None => None,
            Some(parent) => {
                let (of, answered) = of(&mut tx, parent).await?;
                if of != post {
                    return Err(ApiError::NotFound);
                }
                if answered.deleted {
                    return Err(refused(true, ""));
                }
                Some(answered)
            }
        };
        let new = query(
            "insert into comment (post, parent, author, body, created) values ($1, $2, $3, $4, $5) returning id",
        );
        let new = new
            .bind(post)
            .bind(parent)
            .bind(author.id)
            .bind(body)
            .bind(now());
        let (id,): (i64,) = tx.one(new).await?;
        let (_, comment) = of(&mut tx, id).await?;
        let event = PostEvent::CommentCreated(comment.clone());
        tx.publish(
            realtime,
            rooms::Post(post),
            about(&event, "", id, comment.version)?,
        )
        .await?;
        tell_count(&mut tx, realtime, board, post, comments).await?;
        let place = Place::of_board(&mut tx, board).await?;
        let told = telling::OfComment {
            place: &place,
            post: &about_post,
            answered: answered.as_ref(),
            comment: &comment,
        };
        telling::of_comment(&mut tx, realtime, told).await?;
        tx.commit().await?;
        Ok(comment)
    }

    /// Its author changes a comment.
    pub(crate) async fn edit_comment(
        &self,
        realtime: &Realtime,
        id: i64,
        editor: &Person,
        body: &str,
    ) -> Result<Comment, ApiError> {
        let mut tx = self.db().begin().await?;
        let changed = query(
            "update comment set body = $3, version = version + 1,
                 edited = case when body = $3 then edited else $4 end
             where id = $1 and author = $2 and deleted is null",
        );
        let changed = changed.bind(id).bind(editor.id).bind(body).bind(now());
        let changed = tx.run(changed).await?;
        let (post, comment) = of(&mut tx, id).await?;
        if changed == 0 {
            return Err(refused(
                comment.deleted,
                "Only its author may change a comment.",
            ));
        }
        tell_of_change(&mut tx, realtime, post, &comment).await?;
        tx.commit().await?;
        Ok(comment)
    }

    /// Its author or a moderator deletes a comment. What answers it stays.
    pub(crate) async fn delete_comment(
        &self,
        realtime: &Realtime,
        id: i64,
        by: &Person,
    ) -> Result<Comment, ApiError> {
        let mut tx = self.db().begin().await?;
        let (post, _) = of(&mut tx, id).await?;
        // The post first, as whoever comments does: so nobody waits for somebody who waits for them.
        let comments = count_changes(&mut tx, post, -1).await?;
        let deleted = query(
            "update comment set deleted = $2, version = version + 1 where id = $1 and deleted is null",
        );
        let (_, before) = of(&mut tx, id).await?;
        if tx.run(deleted.bind(id).bind(now())).await? == 0 {
            // It was what they wanted; it is not counted twice.
            return Ok(of(&mut tx, id).await?.1);
        }
        let (board, on) = posts::of(&mut tx, post).await?;
        let place = Place::of_board(&mut tx, board).await?;
        let own = before.author.id == by.id;
        if !own && role_in(&mut tx, place.community.id, by.id).await? < Some(Role::Moderator) {
            return Err(refused(
                false,
                "Only its author and moderators may delete a comment.",
            ));
        }
        let (_, comment) = of(&mut tx, id).await?;
        tell_of_change(&mut tx, realtime, post, &comment).await?;
        telling::withdraw_comment(&mut tx, realtime, id).await?;
        tell_count(&mut tx, realtime, board, post, comments).await?;
        if !own {
            let what = moderation::Deleted {
                subject: Subject::Comment,
                author: &before.author,
                post,
                title: &on.title,
            };
            moderation::note(&mut tx, realtime, &place, by, what).await?;
        }
        tx.commit().await?;
        Ok(comment)
    }
}

/// Counts a post's comments, and holds its row until the end.
async fn count_changes(tx: &mut Tx, post: i64, by: i64) -> Result<Tally, ApiError> {
    let counted = query(
        "update post set comments = comments + $2, comments_version = comments_version + 1 where id = $1
         returning comments, comments_version",
    );
    let counted: Option<(i64, i64)> = tx.maybe(counted.bind(post).bind(by)).await?;
    let (count, version) = counted.ok_or(ApiError::NotFound)?;
    Ok(Tally { count, version })
}

async fn tell_count(
    tx: &mut Tx,
    realtime: &Realtime,
    board: i64,
    post: i64,
    comments: Tally,
) -> Result<(), ApiError> {
    let at_board = BoardEvent::Commented { post, comments };
    let event = posts::about(&at_board, ":comments", post, comments.version)?;
    tx.publish(realtime, Board(board), event).await?;
    let at_post = PostEvent::Commented(comments);
    let event = posts::about(&at_post, ":comments", post, comments.version)?;
    Ok(tx.publish(realtime, rooms::Post(post), event).await?)
}

async fn tell_of_change(
    tx: &mut Tx,
    realtime: &Realtime,
    post: i64,
    comment: &Comment,
) -> Result<(), ApiError> {
    let event = PostEvent::CommentChanged(comment.clone());
    let event = about(&event, "", comment.id, comment.version)?;
    Ok(tx.publish(realtime, rooms::Post(post), event).await?)
}

/// A comment as it is in the transaction, and its post.
async fn of(tx: &mut Tx, id: i64) -> Result<(i64, Comment), ApiError> {
    #[derive(FromRow)]
    struct Row {
        post: i64,
        #[sqlx(flatten)]
        comment: CommentRow,
    }
    let one = query(comments!("c.post, ", "where c.id = $1")).bind(id);
    let row: Row = tx.maybe(one).await?.ok_or(ApiError::NotFound)?;
    Ok((row.post, row.comment.into()))
}

#[cfg(test)]
mod tests;

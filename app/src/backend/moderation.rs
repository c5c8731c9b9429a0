//! What moderators do is kept, and the other moderators see it at once.

use leptos_realtime::Realtime;
use sqlx::FromRow;

use super::{
    Forum,
    clock::now,
    db::{Tx, query},
    place::Place,
};
use crate::{
    ModerationEvent, Moderators,
    api::ApiError,
    model::{Moderated, Person, Subject},
};

/// How much of it a page shows.
const SHOWN: i64 = 10;

/// Something that a moderator deletes.
pub(super) struct Deleted<'a> {
    pub(super) subject: Subject,
    pub(super) author: &'a Person,
    pub(super) post: i64,
    /// The post's title.
    pub(super) title: &'a str,
}

/// Notes it, and tells the community's moderators.
pub(super) async fn note(
    tx: &mut Tx,
    realtime: &Realtime,
    place: &Place,
    moderator: &Person,
    what: Deleted<'_>,
) -> Result<(), ApiError> {
    let created = now();
    let noted = query(
        "insert into moderation (community, moderator, subject, author, post, title, created)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
    );
    let noted = noted
        .bind(place.community.id)
        .bind(moderator.id)
        .bind(what.subject.name())
        .bind(what.author.id)
        .bind(what.post)
        .bind(what.title)
        .bind(created);
    let (id,): (i64,) = tx.one(noted).await?;
    let event = ModerationEvent::Deleted(Moderated {
        id,
        moderator: moderator.clone(),
        subject: what.subject,
        author: what.author.clone(),
        title: what.title.to_owned(),
        href: place.post(what.post),
        created,
    });
    Ok(tx
        .publish(realtime, Moderators(place.community.id), &event)
        .await?)
}

#[derive(FromRow)]
struct Row {
    id: i64,
    moderator: i64,
    moderator_name: String,
    subject: String,
    author: i64,
    author_name: String,
    title: String,
    community_slug: String,
    board_slug: String,
    post: i64,
    created: i64,
}

impl Forum {
    /// What moderators did in a community, the newest first.
    pub(crate) async fn moderated(&self, community: i64) -> Result<Vec<Moderated>, ApiError> {
        let all = query(
            "select n.id, n.moderator, m.name as moderator_name, n.subject, n.author, a.name as author_name, n.title,
                 c.slug as community_slug, b.slug as board_slug, n.post, n.created
             from moderation n
             join person m on m.id = n.moderator
             join person a on a.id = n.author
             join post p on p.id = n.post
             join board b on b.id = p.board
             join community c on c.id = n.community
             where n.community = $1 order by n.id desc limit $2",
        );
        let rows: Vec<Row> = self.db().all(all.bind(community).bind(SHOWN)).await?;
        let moderated = |row: Row| Moderated {
            id: row.id,
            moderator: Person {
                id: row.moderator,
                name: row.moderator_name,
            },
            subject: if row.subject == "comment" {
                Subject::Comment
            } else {
                Subject::Post
            },
            author: Person {
                id: row.author,
                name: row.author_name,
            },
            title: row.title,
            href: format!("/c/{}/{}/{}", row.community_slug, row.board_slug, row.post),
            created: row.created,
        };
        Ok(rows.into_iter().map(moderated).collect())
    }
}

//! Whoever is answered or mentioned is told, when what was written commits; and nobody can read there what was deleted.

use leptos_realtime::{Realtime, User};

use super::{
    db::{Tx, one_of, query},
    mentions::mentions,
    place::Place,
};
use crate::{
    api::ApiError,
    model::{Comment, Post},
    notice::{About, Notice},
};

/// What a partner's people were told of a post with.
pub(super) fn partner_key(post: i64) -> String {
    format!("partner:{post}")
}

fn post_key(post: i64) -> String {
    format!("mention:{post}")
}

fn answer_key(comment: i64) -> String {
    format!("reply:{comment}")
}

fn mention_key(comment: i64) -> String {
    format!("mention:comment:{comment}")
}

/// A post was deleted: nobody is told of it any more, nor of what was said about it, which has its title.
pub(super) async fn withdraw_post(
    tx: &mut Tx,
    realtime: &Realtime,
    post: i64,
) -> Result<(), ApiError> {
    let comments = query("select id from comment where post = $1 order by id").bind(post);
    let comments: Vec<(i64,)> = tx.all(comments).await?;
    let mut keys = vec![post_key(post), partner_key(post)];
    keys.extend(
        comments
            .iter()
            .flat_map(|(id,)| [answer_key(*id), mention_key(*id)]),
    );
    Ok(tx.withdraw(realtime, keys).await?)
}

/// A comment was deleted.
pub(super) async fn withdraw_comment(
    tx: &mut Tx,
    realtime: &Realtime,
    comment: i64,
) -> Result<(), ApiError> {
    let keys = vec![answer_key(comment), mention_key(comment)];
    Ok(tx.withdraw(realtime, keys).await?)
}

/// A comment, and what it is about.
pub(super) struct OfComment<'a> {
    pub(super) place: &'a Place,
    pub(super) post: &'a Post,
    /// The comment that it answers.
    pub(super) answered: Option<&'a Comment>,
    pub(super) comment: &'a Comment,
}

/// Tells whoever is mentioned in a new post.
pub(super) async fn of_post(
    tx: &mut Tx,
    realtime: &Realtime,
    place: &Place,
    post: &Post,
) -> Result<(), ApiError> {
    let people = mentioned(tx, place.community.id, &post.body).await?;
    if people.is_empty() {
        return Ok(());
    }
    let about = About::post(&place.community.slug, &place.slug, post);
    let notice = Notice::Mention(about);
    let author = User::new(post.author.id, post.author.name.clone());
    let told = leptos_realtime::Notice::new(&notice)
        .by(&author)
        .key(post_key(post.id));
    Ok(tx.notify(realtime, people, told).await?)
}

/// Tells whoever is answered by a new comment, and whoever else is mentioned in it.
pub(super) async fn of_comment(
    tx: &mut Tx,
    realtime: &Realtime,
    told: OfComment<'_>,
) -> Result<(), ApiError> {
    let OfComment {
        place,
        post,
        answered,
        comment,
    } = told;
    let author = User::new(comment.author.id, comment.author.name.clone());
    let about = About::comment(&place.community.slug, &place.slug, post, comment);
    // Whoever wrote the comment above, or else the post.
    let answered = answered.map_or(&post.author, |comment| &comment.author).id;
    let reply = Notice::Reply(about.clone());
    let notice = leptos_realtime::Notice::new(&reply)
        .by(&author)
        .key(answer_key(comment.id));
    tx.notify(realtime, vec![answered], notice).await?;
    let mut people = mentioned(tx, place.community.id, &comment.body).await?;
    // Once is enough.
    people.retain(|person| *person != answered);
    if people.is_empty() {
        return Ok(());
    }
    let mention = Notice::Mention(about);
    let notice = leptos_realtime::Notice::new(&mention)
        .by(&author)
        .key(mention_key(comment.id));
    Ok(tx.notify(realtime, people, notice).await?)
}

/// The members of a community whom a text mentions: of several names that a mention may be, the longest.
async fn mentioned(tx: &mut Tx, community: i64, text: &str) -> Result<Vec<i64>, sqlx::Error> {
    let found = mentions(text);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let names = found.iter().flatten().map(|name| super::names::key(name));
    let names: Vec<String> = names.collect();
    let known = one_of(
        "select p.id, p.name_key from person p join membership m on m.person = p.id
         where p.name_key in ($list) and m.community = $community",
        names.iter().map(String::as_str),
    );
    let known: Vec<(i64, String)> = tx.all(known.named("$community", community)).await?;
    let of = |name: &String| {
        let key = super::names::key(name);
        known
            .iter()
            .find(|(_, known)| *known == key)
            .map(|(id, _)| *id)
    };
    let people = found.iter().filter_map(|names| names.iter().find_map(of));
    Ok(people.collect())
}

#[cfg(test)]
mod tests {
    use crate::{
        backend::{
            Forum,
            db::query,
            testing::{board, on_both, person, realtime, settled},
        },
        model::Role,
    };

    on_both!(
        whoever_is_answered_or_mentioned_is_told_once,
        what_was_deleted_is_read_in_nobodys_inbox
    );

    /// Who has been told of what, by person and kind.
    async fn told(forum: &Forum) -> Vec<(String, String)> {
        let all = query("select user_id, kind from realtime_notification order by user_id, kind");
        forum.db().all(all).await.unwrap()
    }

    async fn whoever_is_answered_or_mentioned_is_told_once(forum: Forum) {
        let realtime = realtime(&forum).await;
        let square = board(&forum, "harbour").await;
        let ada = person(&forum, "Ada", "harbour", Role::Member).await;
        let bob = person(&forum, "Bob", "harbour", Role::Member).await;
        let cyd = person(&forum, "Cyd", "harbour", Role::Member).await;
        let write = |parent, author: &crate::Person, post: i64, body: &'static str| {
            let (forum, realtime, author) = (forum.clone(), realtime.clone(), author.clone());
            async move {
                forum
                    .create_comment(&realtime, post, parent, &author, body)
                    .await
                    .unwrap()
            }
        };
        let post = forum
            .create_post(&realtime, square, &ada, "Hello", "…")
            .await
            .unwrap();
        write(None, &ada, post.id, "Nobody is told of themselves, @Ada.").await;
        let first = write(
            None,
            &bob,
            post.id,
            "For @ada, whose post it is, and for @cyd.",
        )
        .await;
        write(
            Some(first.id),
            &cyd,
            post.id,
            "For @Bob, who is answered, not @Nobody.",
        )
        .await;
        let expected = {
            let mut expected = vec![
                (ada.id.to_string(), "reply".to_owned()),
                (bob.id.to_string(), "reply".to_owned()),
                (cyd.id.to_string(), "mention".to_owned()),
            ];
            expected.sort();
            expected
        };
        settled(&forum).await;
        let mut all = told(&forum).await;
        all.sort();
        assert_eq!(all, expected);
        realtime.shutdown().await;
    }

    async fn what_was_deleted_is_read_in_nobodys_inbox(forum: Forum) {
        let realtime = realtime(&forum).await;
        let square = board(&forum, "harbour").await;
        let ada = person(&forum, "Ada", "harbour", Role::Member).await;
        let bob = person(&forum, "Bob", "harbour", Role::Member).await;
        let post = forum
            .create_post(&realtime, square, &ada, "A secret title", "For @Bob")
            .await
            .unwrap();
        let mut comments = Vec::new();
        for body in ["A secret word for @Bob", "Another for @Bob"] {
            let comment = forum.create_comment(&realtime, post.id, None, &ada, body);
            comments.push(comment.await.unwrap());
        }
        let answer = forum.create_comment(&realtime, post.id, None, &bob, "A secret answer");
        answer.await.unwrap();
        // What stands in inboxes, of either of them.
        let read = async |text: &str| {
            let all = query("select data from realtime_notification order by id");
            let all: Vec<(String,)> = forum.db().all(all).await.unwrap();
            all.iter().filter(|(data,)| data.contains(text)).count()
        };
        settled(&forum).await;
        // Of three mentions in one post the last is told.
        assert_eq!(read("Another for").await, 1);
        let deleted = forum.delete_comment(&realtime, comments[1].id, &ada);
        deleted.await.unwrap();
        settled(&forum).await;
        assert_eq!((read("Another").await, read("A secret word").await), (0, 1));
        let deleted = forum.delete_post(&realtime, post.id, &ada);
        deleted.await.unwrap();
        settled(&forum).await;
        assert_eq!(read("secret").await, 0, "neither text nor title");
        realtime.shutdown().await;
    }
}

use super::*;
use crate::backend::testing::{board, on_both, person, realtime};

on_both!(
    a_post_is_its_authors_to_change_and_a_moderators_to_delete,
    pages_of_posts_follow_each_other_whatever_is_posted_meanwhile,
);

async fn a_post_is_its_authors_to_change_and_a_moderators_to_delete(forum: Forum) {
    let realtime = realtime(&forum).await;
    let square = board(&forum, "harbour").await;
    let ada = person(&forum, "Ada", "harbour", Role::Member).await;
    let bob = person(&forum, "Bob", "harbour", Role::Member).await;
    let mod_ = person(&forum, "Mo", "harbour", Role::Moderator).await;
    let other = person(&forum, "Orla", "orchard", Role::Moderator).await;
    let post = forum
        .create_post(&realtime, square, &ada, "Hello", "**you**")
        .await
        .unwrap();
    assert_eq!(forum.posts(square, None, None).await.unwrap().list[0], post);
    assert!(post.html.contains("<strong>you</strong>"), "{}", post.html);
    let nowhere = forum.create_post(&realtime, 999, &ada, "Hello", "…").await;
    assert_eq!(nowhere, Err(ApiError::NotFound));

    for stranger in [&bob, &mod_] {
        let denied = forum
            .edit_post(&realtime, post.id, stranger, "Mine", "…")
            .await;
        assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
    }
    for stranger in [&bob, &other] {
        let denied = forum.delete_post(&realtime, post.id, stranger).await;
        assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
    }
    assert_eq!(
        forum.post(square, post.id).await.unwrap(),
        post,
        "nothing has changed"
    );

    let edited = forum
        .edit_post(&realtime, post.id, &ada, "Hello again", "you")
        .await
        .unwrap();
    assert_eq!(
        (edited.title.as_str(), edited.version),
        ("Hello again", post.version + 1)
    );
    assert!(edited.edited.is_some());
    let deleted = forum.delete_post(&realtime, post.id, &mod_).await.unwrap();
    assert!(deleted.deleted && deleted.version > edited.version);
    assert_eq!(
        (
            deleted.title.as_str(),
            deleted.body.as_str(),
            deleted.html.as_str()
        ),
        ("", "", "")
    );
    assert_eq!(
        forum.post(square, post.id).await.unwrap(),
        deleted,
        "its page stays"
    );
    let listed = forum.posts(square, None, None).await.unwrap();
    assert!(listed.list.iter().all(|listed| listed.id != post.id));
    let late = forum.edit_post(&realtime, post.id, &ada, "Back", "…").await;
    assert!(matches!(late, Err(ApiError::Invalid(_))), "{late:?}");
    assert_eq!(
        forum.delete_post(&realtime, post.id, &ada).await.unwrap(),
        deleted
    );
    let harbour = forum.community("harbour").await.unwrap();
    let noted = forum.moderated(harbour.id).await.unwrap();
    assert_eq!(
        (
            noted.len(),
            noted[0].moderator.clone(),
            noted[0].author.clone()
        ),
        (1, mod_, ada)
    );
    realtime.shutdown().await;
}

async fn pages_of_posts_follow_each_other_whatever_is_posted_meanwhile(forum: Forum) {
    let realtime = realtime(&forum).await;
    let square = board(&forum, "harbour").await;
    let ada = person(&forum, "Ada", "harbour", Role::Member).await;
    for number in 0..PAGE * 2 {
        let title = number.to_string();
        forum
            .create_post(&realtime, square, &ada, &title, "…")
            .await
            .unwrap();
    }
    let all: Vec<(i64,)> = forum
        .db()
        .all(query("select id from post where board = $1 order by id desc").bind(square))
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut next = None;
    loop {
        let writer = async {
            for _ in 0..3 {
                forum
                    .create_post(&realtime, square, &ada, "Meanwhile", "…")
                    .await
                    .unwrap();
            }
        };
        let (page, ()) = tokio::join!(forum.posts(square, next, None), writer);
        let page = page.unwrap();
        seen.extend(page.list.iter().map(|post| post.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let all: Vec<i64> = all.into_iter().map(|(id,)| id).collect();
    let known: Vec<i64> = seen.iter().copied().filter(|id| all.contains(id)).collect();
    assert_eq!(known, all, "each once, in order");
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(once, seen);
    realtime.shutdown().await;
}

use super::*;
use crate::backend::testing::{board, on_both, person, realtime};

on_both!(
    comments_answer_each_other_and_what_is_deleted_keeps_its_answers,
    pages_of_comments_follow_each_other_whatever_is_written_meanwhile,
);

async fn comments_answer_each_other_and_what_is_deleted_keeps_its_answers(forum: Forum) {
    let realtime = realtime(&forum).await;
    let square = board(&forum, "harbour").await;
    let ada = person(&forum, "Ada", "harbour", Role::Member).await;
    let bob = person(&forum, "Bob", "harbour", Role::Member).await;
    let mod_ = person(&forum, "Mo", "harbour", Role::Moderator).await;
    let post = forum
        .create_post(&realtime, square, &ada, "Hello", "…")
        .await
        .unwrap();
    let other = forum
        .create_post(&realtime, square, &ada, "Other", "…")
        .await
        .unwrap();
    let write = |post: i64, parent, author: &Person, body: &'static str| {
        let (forum, realtime, author) = (forum.clone(), realtime.clone(), author.clone());
        async move {
            forum
                .create_comment(&realtime, post, parent, &author, body)
                .await
        }
    };
    let first = write(post.id, None, &bob, "*First*").await.unwrap();
    let answer = write(post.id, Some(first.id), &ada, "Welcome")
        .await
        .unwrap();
    assert_eq!(answer.parent, Some(first.id));
    assert_eq!(
        write(other.id, Some(first.id), &ada, "?").await,
        Err(ApiError::NotFound)
    );
    assert_eq!(write(999, None, &ada, "?").await, Err(ApiError::NotFound));
    assert_eq!(forum.post(square, post.id).await.unwrap().comments.count, 2);

    for stranger in [&ada, &mod_] {
        let denied = forum
            .edit_comment(&realtime, first.id, stranger, "Mine")
            .await;
        assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
    }
    let denied = forum.delete_comment(&realtime, first.id, &ada).await;
    assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
    let edited = forum
        .edit_comment(&realtime, first.id, &bob, "First!")
        .await
        .unwrap();
    assert_eq!((edited.body.as_str(), edited.version), ("First!", 2));
    let deleted = forum
        .delete_comment(&realtime, first.id, &mod_)
        .await
        .unwrap();
    assert!(deleted.deleted && deleted.body.is_empty() && deleted.html.is_empty());
    assert_eq!(
        forum
            .delete_comment(&realtime, first.id, &bob)
            .await
            .unwrap(),
        deleted
    );
    assert!(matches!(
        write(post.id, Some(first.id), &ada, "?").await,
        Err(ApiError::Invalid(_))
    ));
    let page = forum.comments(post.id, None, None).await.unwrap();
    assert_eq!(page.list, [deleted, answer]);
    assert_eq!(forum.post(square, post.id).await.unwrap().comments.count, 1);

    forum.delete_post(&realtime, post.id, &ada).await.unwrap();
    assert!(matches!(
        write(post.id, None, &bob, "?").await,
        Err(ApiError::Invalid(_))
    ));
    assert_eq!(
        forum
            .comments(post.id, None, None)
            .await
            .unwrap()
            .list
            .len(),
        2
    );
    realtime.shutdown().await;
}

async fn pages_of_comments_follow_each_other_whatever_is_written_meanwhile(forum: Forum) {
    let realtime = realtime(&forum).await;
    let square = board(&forum, "harbour").await;
    let ada = person(&forum, "Ada", "harbour", Role::Member).await;
    let post = forum
        .create_post(&realtime, square, &ada, "Hello", "…")
        .await
        .unwrap();
    let mut before = Vec::new();
    for _ in 0..PAGE * 2 {
        let parent = before.last().copied();
        let comment = forum
            .create_comment(&realtime, post.id, parent, &ada, "…")
            .await;
        before.push(comment.unwrap().id);
    }
    let (mut seen, mut next, mut pages) = (Vec::new(), None, 0);
    while pages < 3 {
        let writer = async {
            for _ in 0..3 {
                forum
                    .create_comment(&realtime, post.id, None, &ada, "…")
                    .await
                    .unwrap();
            }
        };
        let (page, ()) = tokio::join!(forum.comments(post.id, next, None), writer);
        let page = page.unwrap();
        for comment in &page.list {
            let known = |parent: i64| seen.contains(&parent);
            assert!(
                comment.parent.is_none_or(known),
                "what is answered comes first"
            );
            seen.push(comment.id);
        }
        pages += 1;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen[..before.len()], before, "each once, in order");
    assert!(seen.is_sorted());
    realtime.shutdown().await;
}

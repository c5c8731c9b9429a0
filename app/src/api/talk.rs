//! What people write, and how they vote.

use leptos::prelude::*;

use super::ApiError;
#[cfg(feature = "ssr")]
use super::{MAX_BODY, MAX_COMMENT, MAX_TITLE, checked};
#[cfg(feature = "ssr")]
use crate::backend::Request;
use crate::model::{Comment, Deleted, Post, Subject, Voted};

/// Posts at a board; everyone there sees it at once.
#[server(prefix = "/api", endpoint = "create_post")]
pub async fn create_post(board: i64, title: String, body: String) -> Result<Post, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let title = checked("A title", &title, MAX_TITLE)?;
        let body = checked("A text", &body, MAX_BODY)?;
        let forum = request.forum();
        forum
            .create_post(&request.realtime(), board, &person, &title, &body)
            .await
    })
    .await
}

/// Changes a post of one's own.
#[server(prefix = "/api", endpoint = "edit_post")]
pub async fn edit_post(post: i64, title: String, body: String) -> Result<Post, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let title = checked("A title", &title, MAX_TITLE)?;
        let body = checked("A text", &body, MAX_BODY)?;
        let forum = request.forum();
        forum
            .edit_post(&request.realtime(), post, &person, &title, &body)
            .await
    })
    .await
}

/// Deletes a post or a comment.
#[server(prefix = "/api", endpoint = "delete")]
pub async fn delete(subject: Subject, id: i64) -> Result<Deleted, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let (forum, realtime) = (request.forum(), request.realtime());
        Ok(match subject {
            Subject::Post => Deleted::Post(forum.delete_post(&realtime, id, &person).await?),
            Subject::Comment => {
                Deleted::Comment(forum.delete_comment(&realtime, id, &person).await?)
            }
        })
    })
    .await
}

/// Comments on a post, or answers a comment on it.
#[server(prefix = "/api", endpoint = "create_comment")]
pub async fn create_comment(
    post: i64,
    parent: Option<i64>,
    body: String,
) -> Result<Comment, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let body = checked("A comment", &body, MAX_COMMENT)?;
        let forum = request.forum();
        forum
            .create_comment(&request.realtime(), post, parent, &person, &body)
            .await
    })
    .await
}

/// Changes a comment of one's own.
#[server(prefix = "/api", endpoint = "edit_comment")]
pub async fn edit_comment(comment: i64, body: String) -> Result<Comment, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let body = checked("A comment", &body, MAX_COMMENT)?;
        let forum = request.forum();
        forum
            .edit_comment(&request.realtime(), comment, &person, &body)
            .await
    })
    .await
}

/// Votes for something (1), against it (-1), or takes the vote back (0).
#[server(prefix = "/api", endpoint = "vote")]
pub async fn vote(subject: Subject, id: i64, value: i64) -> Result<Voted, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let forum = request.forum();
        forum
            .vote(&request.realtime(), subject, id, &person, value)
            .await
    })
    .await
}

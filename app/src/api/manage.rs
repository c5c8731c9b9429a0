//! What a community's admins do.

use leptos::prelude::*;

use super::ApiError;
#[cfg(feature = "ssr")]
use crate::backend::{Request, partnerships::Shares};
use crate::model::Role;

/// Proposes a partnership, or says what an existing one shares. What is not named is not shared.
#[server(prefix = "/api", endpoint = "share_with")]
pub async fn share_with(
    origin: i64,
    partner: i64,
    posts: Option<String>,
    comments: Option<String>,
    presence: Option<String>,
) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let admin = request.somebody().await?;
        let shares = Shares {
            posts: posts.is_some(),
            comments: comments.is_some(),
            presence: presence.is_some(),
        };
        let forum = request.forum();
        forum
            .share_with(&request.realtime(), admin.id, origin, partner, shares)
            .await
    })
    .await
}

/// Accepts what another community proposed.
#[server(prefix = "/api", endpoint = "accept_partnership")]
pub async fn accept_partnership(origin: i64, partner: i64) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let admin = request.somebody().await?;
        let forum = request.forum();
        forum
            .accept_partnership(&request.realtime(), admin.id, origin, partner)
            .await
    })
    .await
}

/// Ends a partnership.
#[server(prefix = "/api", endpoint = "end_partnership")]
pub async fn end_partnership(origin: i64, partner: i64) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let admin = request.somebody().await?;
        let forum = request.forum();
        forum
            .end_partnership(&request.realtime(), admin.id, origin, partner)
            .await
    })
    .await
}

/// Gives a member another role.
#[server(prefix = "/api", endpoint = "give_role")]
pub async fn give_role(community: i64, person: i64, role: Role) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let admin = request.somebody().await?;
        let forum = request.forum();
        forum.give_role(community, admin.id, person, role).await?;
        // What they may see has changed, also on the pages that they have open.
        request.realtime().recheck(person).await;
        Ok(())
    })
    .await
}

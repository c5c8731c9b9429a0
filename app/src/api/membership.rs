//! Joining a community and leaving it.

use leptos::prelude::*;

use super::ApiError;
#[cfg(feature = "ssr")]
use crate::backend::Request;
use crate::model::Role;

/// Makes the person a member of an open community.
#[server(prefix = "/api", endpoint = "join_community")]
pub async fn join_community(community: i64) -> Result<Role, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let role = request.forum().join(community, person.id).await?;
        // They are seen in its room from now on, whatever page they have open.
        request.realtime().recheck(person.id).await;
        Ok(role)
    })
    .await
}

/// Ends the person's membership. They may still read there.
#[server(prefix = "/api", endpoint = "leave_community")]
pub async fn leave_community(community: i64) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        request.forum().leave(community, person.id).await?;
        request.realtime().recheck(person.id).await;
        Ok(())
    })
    .await
}

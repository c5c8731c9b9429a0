//! What operators see.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::ApiError;
use crate::operators::OperatorsPage;
#[cfg(feature = "ssr")]
use crate::{
    OPERATORS,
    backend::{Request, report},
    operators::KnownNode,
};

/// The operator page: how the instance that answers is, and which others it knows.
#[server(prefix = "/api", endpoint = "operators", input = GetUrl)]
pub async fn load_operators() -> Result<OperatorsPage, ApiError> {
    Request::answer(async |request| {
        request.operators_only().await?;
        // Who looks is the least of it, and unknown where Redis was away from the start.
        let view = leptos_realtime::first_view(OPERATORS).await.ok();
        let realtime = request.realtime();
        let known = realtime.nodes().into_iter().map(|node| KnownNode {
            run: node.run.to_string(),
            name: node.name,
            leaving: node.leaving,
        });
        Ok(OperatorsPage {
            view,
            known: known.collect(),
            own: report(&realtime).await,
        })
    })
    .await
}

//! What stands between the network and the pages: what browsers are told that a page may do, who may send a form, and how
//! much and how often one address may ask.

mod budget;
mod headers;
mod origin;

use std::time::Duration;

use axum::{Router, middleware::from_fn_with_state};
pub use budget::Budget;
pub use headers::Headers;
use http::StatusCode;
use leptos_realtime::Realtime;
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

/// The greatest body of a request, in bytes: a post of the greatest length, however it is encoded, and some more.
const MAX_BODY: usize = 256 * 1024;

/// How long an answer may take to begin.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Puts an app behind all of it.
pub fn secure<S: Clone + Send + Sync + 'static>(
    app: Router<S>,
    realtime: &Realtime,
    headers: Headers,
    budget: Budget,
) -> Router<S> {
    app.layer(TimeoutLayer::with_status_code(
        // Not 503: that is an instance which ends, and proxies leave it alone then.
        StatusCode::GATEWAY_TIMEOUT,
        PATIENCE,
    ))
    .layer(RequestBodyLimitLayer::new(MAX_BODY))
    .layer(from_fn_with_state(realtime.clone(), origin::own_pages))
    .layer(from_fn_with_state(
        (realtime.clone(), budget),
        budget::spend,
    ))
    .layer(from_fn_with_state(headers, headers::tell))
}

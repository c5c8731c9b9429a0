//! What browsers are told of every answer. What a page may load, the page says itself: see the app's shell.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, header};

/// What is said of every answer.
const ALWAYS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Of what is no page: it loads nothing, and nobody frames it.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// A year.
const HTTPS_ONLY: &str = "max-age=31536000";

/// How a site is reached.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    /// By HTTPS alone, from now on.
    pub https: bool,
}

/// Adds what an answer does not say itself.
pub async fn tell(
    State(Headers { https }): State<Headers>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NO_PAGE));
    if https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(HTTPS_ONLY),
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_page_has_the_last_word_and_https_is_said_only_where_it_is_so() {
        let answer = async |https: bool, path: &str| {
            let own = || async { [(header::CONTENT_SECURITY_POLICY, "default-src 'self'")] };
            let app = Router::new()
                .route("/", get(own))
                .route("/data", get(|| async {}))
                .layer(from_fn_with_state(Headers { https }, tell));
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.oneshot(request).await.unwrap().headers().clone()
        };
        let page = answer(true, "/").await;
        assert_eq!(page[header::CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(page[header::STRICT_TRANSPORT_SECURITY], HTTPS_ONLY);
        let data = answer(false, "/data").await;
        assert_eq!(data[header::CONTENT_SECURITY_POLICY], NO_PAGE);
        assert!(!data.contains_key(header::STRICT_TRANSPORT_SECURITY));
        for (name, value) in ALWAYS {
            assert_eq!(data[&name], value, "{name}");
        }
    }
}

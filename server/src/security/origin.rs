//! Forms are sent by the site's own pages: a browser adds its cookies to those of other sites as well.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, StatusCode};
use leptos_realtime::Realtime;

/// Lets through what only looks, what our pages send, and what no browser sends.
pub async fn own_pages(State(realtime): State<Realtime>, request: Request, next: Next) -> Response {
    let looks = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if looks || sends(request.headers(), &realtime) {
        return next.run(request).await;
    }
    let path = request.uri().path();
    tracing::warn!(path, origin = ?request.headers().get("origin"), "a form of another site was refused");
    let sentence =
        "This form was sent by another site. If it is yours, name it in REALTIME_ALLOWED_ORIGINS.";
    (StatusCode::FORBIDDEN, sentence).into_response()
}

/// Whether these headers are of one of our pages. Where the browser says itself how the page stands to us, a proxy that
/// changes `Host` changes nothing.
fn sends(headers: &HeaderMap, realtime: &Realtime) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    matches!(site, Some(b"same-origin" | b"none")) || realtime.is_own_page(headers)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::any};
    use leptos_realtime::{RealtimeConfig, User};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_our_own_pages_send_forms_and_whoever_is_no_browser() {
        let mut config = RealtimeConfig::default();
        config.allowed_origins = vec!["https://partner.example".to_owned()];
        let realtime = Realtime::builder(config)
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .start()
            .await
            .unwrap();
        let app = Router::new()
            .route("/", any(|| async {}))
            .layer(from_fn_with_state(realtime, own_pages));
        let status = async |method: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder()
                .method(method)
                .uri("/")
                .header("host", "forum.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Body::empty()).unwrap();
            app.clone()
                .oneshot(request)
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        let evil = ("origin", "https://evil.example");
        for (method, headers, expected) in [
            ("POST", &[][..], 200),
            ("POST", &[("origin", "https://forum.example")], 200),
            (
                "POST",
                &[
                    ("origin", "https://partner.example"),
                    ("sec-fetch-site", "cross-site"),
                ],
                200,
            ),
            // A proxy changed the host; the browser knows better.
            (
                "POST",
                &[
                    ("origin", "https://outside.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                200,
            ),
            ("GET", &[evil, ("sec-fetch-site", "cross-site")], 200),
            ("POST", &[evil], 403),
            ("POST", &[evil, ("sec-fetch-site", "cross-site")], 403),
            (
                "POST",
                &[
                    ("origin", "https://other.forum.example"),
                    ("sec-fetch-site", "same-site"),
                ],
                403,
            ),
            (
                "POST",
                &[("origin", "null"), ("sec-fetch-site", "cross-site")],
                403,
            ),
            ("DELETE", &[evil], 403),
        ] {
            assert_eq!(
                status(method, headers).await,
                expected,
                "{method} {headers:?}"
            );
        }
    }
}

//! The HTTP part of a socket: what is checked before there is one.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Gateway, going_away};
use crate::{
    protocol::{ErrorCode, ProtocolError},
    server::{config::RealtimeConfig, limits::client_address},
};

/// How long to wait before connecting again from an address with too many connections.
const LATER: Duration = Duration::from_secs(10);

/// `GET {path}/socket.io/?EIO=4&transport=websocket`: answers `101 Switching Protocols` or an error as JSON.
pub(crate) async fn socket(State(gateway): State<Gateway>, mut request: Request) -> Response {
    let key = match check(&gateway, &request) {
        Ok(key) => key,
        Err((status, error)) => {
            gateway.0.hub.counters().refused.one(error.code.as_str());
            return (status, axum::Json(error)).into_response();
        }
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    let address = client_address(&parts, gateway.0.config.trusted_proxies);
    let place = match address.map(|address| gateway.0.per_address.enter(address)) {
        Some(None) => {
            let code = ErrorCode::LimitExceeded.as_str();
            gateway.0.hub.counters().refused.one(code);
            return too_many();
        }
        place => place.flatten(),
    };
    parts.extensions.clear();
    let tasks = gateway.0.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                if let Err(error) = gateway.serve_stream(TokioIo::new(upgraded), parts, place) {
                    tracing::debug!(%error, "refused a socket");
                }
            }
            Err(error) => tracing::debug!(%error, "the connection ended before it was upgraded"),
        }
    });
    let upgrading = [
        (header::CONNECTION, "Upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, key),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, upgrading, Body::empty()).into_response()
}

/// The answer to one connection more than an address may have.
fn too_many() -> Response {
    let sentence = "there are too many connections from your address: close some pages";
    let error = ProtocolError::new(ErrorCode::LimitExceeded, sentence).with_retry_after(LATER);
    let retry = [(header::RETRY_AFTER, LATER.as_secs().to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry, axum::Json(error)).into_response()
}

/// Returns the accept key, or why there is none.
fn check(gateway: &Gateway, request: &Request) -> Result<String, (StatusCode, ProtocolError)> {
    let refuse = |status, code, sentence: &str| Err((status, ProtocolError::new(code, sentence)));
    let headers = request.headers();
    let query = request.uri().query().unwrap_or_default();
    let has = |pair: &str| query.split('&').any(|given| given == pair);
    if gateway.is_draining() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, going_away()));
    }
    if !has("EIO=4") {
        return refuse(
            StatusCode::BAD_REQUEST,
            ErrorCode::UnsupportedProtocol,
            "only Engine.IO 4 is spoken here",
        );
    }
    if !has("transport=websocket") {
        let sentence = "only the websocket transport is served: set transports: [\"websocket\"]";
        return refuse(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, sentence);
    }
    if query.split('&').any(|given| given.starts_with("sid=")) {
        let sentence =
            "a connection cannot be upgraded from polling: set transports: [\"websocket\"]";
        return refuse(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, sentence);
    }
    let is = |name: &header::HeaderName, value: &str| {
        let tokens = headers
            .get_all(name)
            .into_iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','));
        tokens
            .into_iter()
            .any(|token| token.trim().eq_ignore_ascii_case(value))
    };
    if !is(&header::CONNECTION, "upgrade") || !is(&header::UPGRADE, "websocket") {
        return refuse(
            StatusCode::UPGRADE_REQUIRED,
            ErrorCode::BadRequest,
            "this address serves WebSockets",
        );
    }
    if !is(&header::SEC_WEBSOCKET_VERSION, "13") {
        return refuse(
            StatusCode::UPGRADE_REQUIRED,
            ErrorCode::BadRequest,
            "only WebSocket version 13 is served",
        );
    }
    if !origin_allowed(headers, &gateway.0.config) {
        let sentence = "this origin may not connect: add it to REALTIME_ALLOWED_ORIGINS";
        return refuse(StatusCode::FORBIDDEN, ErrorCode::OriginDenied, sentence);
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        Some(key) => Ok(derive_accept_key(key.as_bytes())),
        None => refuse(
            StatusCode::BAD_REQUEST,
            ErrorCode::BadRequest,
            "Sec-WebSocket-Key is missing",
        ),
    }
}

impl Gateway {
    /// Whether a request is of one of the site's own pages, or of no browser's page.
    pub(crate) fn is_own_page(&self, headers: &HeaderMap) -> bool {
        origin_allowed(headers, &self.0.config)
    }
}

/// Browsers send cookies along with a foreign page's WebSocket, so the page's origin must be our own or a listed one.
/// Without an `Origin` it is no browser's page.
fn origin_allowed(headers: &HeaderMap, config: &RealtimeConfig) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let own = origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    own || config.allowed_origins.contains(&origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let config = RealtimeConfig {
            allowed_origins: vec!["https://app.example".into()],
            ..Default::default()
        };
        origin_allowed(&headers, &config)
    }

    #[test]
    fn only_the_pages_own_origin_and_the_listed_ones_may_connect() {
        assert!(allowed(Some("https://forum.example"), "forum.example"));
        assert!(allowed(Some("http://127.0.0.1:3000"), "127.0.0.1:3000"));
        assert!(allowed(Some("https://APP.example"), "forum.example"));
        assert!(allowed(None, "forum.example"));
        assert!(!allowed(Some("https://evil.example"), "forum.example"));
        assert!(!allowed(
            Some("https://forum.example.evil.example"),
            "forum.example"
        ));
        assert!(!allowed(Some("http://127.0.0.1:4000"), "127.0.0.1:3000"));
        assert!(!allowed(Some("null"), "forum.example"));
    }
}

//! What is logged and how, and by which id a request is known in it.

#[cfg(not(feature = "otlp"))]
#[path = "no_traces.rs"]
mod traces;
#[cfg(feature = "otlp")]
mod traces;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};
use tower_http::trace::MakeSpan;
pub use traces::Traces;
use tracing::Span;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For machines: an object a line.
    Json,
}

/// From now on there are logs; and traces, where they go somewhere.
pub fn begin(filter: EnvFilter, format: Format, traces: Option<&Traces>) {
    let lines = tracing_subscriber::fmt::layer();
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(traces.map(Traces::layer))
        .init();
}

/// Where a request's id stands: a proxy may have given it one, which the logs of both have then.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from others.
const LONGEST: usize = 64;

/// Gives each request an id, and tells it with the answer.
pub async fn name(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID);
    let id = given
        .filter(|id| is_plain(id.as_bytes()))
        .cloned()
        .unwrap_or_else(new_id);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut answer = next.run(request).await;
    answer.headers_mut().insert(REQUEST_ID, id);
    answer
}

/// Whether an id can stand in a log without being taken for something else.
fn is_plain(id: &[u8]) -> bool {
    let plain = |letter: &u8| letter.is_ascii_alphanumeric() || b"-_.".contains(letter);
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(plain)
}

fn new_id() -> HeaderValue {
    let id = format!("{:016x}", rand::random::<u64>());
    HeaderValue::try_from(id).expect("digits can stand in a header")
}

/// A span for each request, with its id: what is logged on its way has it.
#[derive(Clone, Copy, Debug)]
pub struct Named;

impl<B> MakeSpan<B> for Named {
    fn make_span(&mut self, request: &http::Request<B>) -> Span {
        let id = request.headers().get(REQUEST_ID);
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        // Without the query: what people look for is theirs.
        let (method, path) = (request.method(), request.uri().path());
        let span = tracing::info_span!("request", id, %method, path);
        traces::go_on(&span, request.headers());
        span
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_request_has_an_id_of_a_proxys_or_of_its_own_and_never_a_strange_one() {
        let seen = |request: Request| async move {
            let id = &request.headers()[REQUEST_ID];
            id.to_str().unwrap().to_owned()
        };
        let app = Router::new().route("/", get(seen)).layer(from_fn(name));
        let ask = async |given: Option<&[u8]>| {
            let mut request = Request::get("/");
            if let Some(given) = given {
                request = request.header(REQUEST_ID, given);
            }
            let request = request.body(Body::empty()).unwrap();
            let answer = app.clone().oneshot(request).await.unwrap();
            let told = answer.headers()[REQUEST_ID].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(answer.into_body(), 1_000)
                .await
                .unwrap();
            assert_eq!(body, told.as_bytes(), "inside as outside");
            told
        };
        assert_eq!(ask(Some(b"01J-abc_d.e")).await, "01J-abc_d.e");
        let long = [b'x'; LONGEST + 1];
        for given in [
            None,
            Some(&b"a b"[..]),
            Some(b"a\"b"),
            Some(&long),
            Some(b"\xff"),
        ] {
            let id = ask(given).await;
            assert!(id.len() == 16 && is_plain(id.as_bytes()), "{id}");
        }
    }
}

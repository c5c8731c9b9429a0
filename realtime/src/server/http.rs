//! What a host's HTTP requests come to: how many, with which status, and how long they took, by route.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use super::{Realtime, timings::Timings};

/// What has no route of its own, such as files and what is not there.
const OTHER: &str = "other";

/// By route, of which there are as many as the host has: addresses are not kept.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<BTreeMap<String, Arc<Route>>>);

/// What became of one route's requests.
#[derive(Debug, Default)]
pub(super) struct Route {
    pub(super) took: Timings,
    /// By the first digit of the status.
    statuses: Mutex<BTreeMap<&'static str, u64>>,
}

impl Requests {
    fn route(&self, path: &str) -> Arc<Route> {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match routes.get(path) {
            Some(route) => route.clone(),
            None => routes.entry(path.to_owned()).or_default().clone(),
        }
    }

    pub(super) fn read(&self) -> Vec<(String, Arc<Route>)> {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes
            .iter()
            .map(|(path, route)| (path.clone(), route.clone()))
            .collect()
    }
}

impl Route {
    fn answered(&self, status: u16) {
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        *statuses.entry(class).or_default() += 1;
    }

    pub(super) fn statuses(&self) -> BTreeMap<&'static str, u64> {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.clone()
    }
}

impl Realtime {
    /// With the feature `metrics`: counts and times every request of an app, by route, for `GET /metrics`: pages, server functions, and what else it
    /// has. [`embed`](Self::embed) does it; a host that merges [`routes`](Self::routes) itself calls this on the whole.
    pub fn measure<S: Clone + Send + Sync + 'static>(&self, app: Router<S>) -> Router<S> {
        app.layer(from_fn_with_state(self.clone(), measured))
    }
}

async fn measured(State(realtime): State<Realtime>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let route = realtime
        .0
        .requests
        .route(path.map_or(OTHER, MatchedPath::as_str));
    let began = Instant::now();
    let response = next.run(request).await;
    route.took.took(began.elapsed());
    route.answered(response.status().as_u16());
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;
    use crate::{protocol::User, server::RealtimeConfig};

    #[tokio::test]
    async fn requests_are_counted_by_their_routes_and_never_by_their_addresses() {
        let realtime = Realtime::builder(RealtimeConfig::default())
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .start()
            .await
            .unwrap();
        let app = Router::new()
            .route("/posts/{id}", get(|| async { "a post" }))
            .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }));
        let app = realtime.measure(app.fallback(|| async { StatusCode::NOT_FOUND }));
        for path in [
            "/posts/1",
            "/posts/2",
            "/teapot",
            "/nowhere/1",
            "/nowhere/2",
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap();
        }
        let routes = realtime.0.requests.read();
        let seen: Vec<_> = routes
            .iter()
            .flat_map(|(path, route)| {
                let all: u64 = route.took.read().1.iter().map(|(_, count)| count).sum();
                let statuses = route.statuses();
                assert_eq!(all, statuses.values().sum::<u64>());
                statuses
                    .into_iter()
                    .map(move |(class, count)| (&**path, class, count))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("/posts/{id}", "2xx", 2),
                ("/teapot", "4xx", 1),
                ("other", "4xx", 2)
            ]
        );
    }
}

//! How often one address may ask, on each instance.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use http::{StatusCode, header};
use leptos_realtime::{Realtime, server::Rate};

/// With more than this many counted, those whose budgets are full again are forgotten, once a second.
const MANY: usize = 10_000;

/// What is not counted: probes and numbers, files, and sockets, which have limits of their own.
const FREE: [&str; 4] = ["/health/", "/metrics", "/pkg/", "/realtime/socket.io/"];

type Limiter = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock, NoOpMiddleware>;

/// The budgets of addresses; none: nobody counts. Cheap to clone.
#[derive(Clone)]
pub struct Budget(Option<Arc<Counted>>);

struct Counted {
    limiter: Limiter,
    /// When was last forgotten, in seconds since the start.
    tidied: AtomicU64,
    start: Instant,
}

impl Budget {
    /// Each address may ask so often; none: as often as it likes.
    pub fn new(rate: Option<Rate>) -> Self {
        let limiter = |rate: Rate| {
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            Arc::new(Counted {
                limiter: RateLimiter::hashmap(quota),
                tidied: AtomicU64::new(0),
                start: Instant::now(),
            })
        };
        Self(rate.map(limiter))
    }

    /// One more request; or how many seconds to wait, at least one.
    fn take(&self, address: IpAddr) -> Result<(), NonZeroU32> {
        let Some(counted) = &self.0 else {
            return Ok(());
        };
        let now = counted.start.elapsed().as_secs();
        if counted.limiter.len() > MANY && counted.tidied.swap(now, Ordering::Relaxed) != now {
            counted.limiter.retain_recent();
        }
        // So many at once is an attack by many addresses: memory is not what it gets.
        if counted.limiter.len() > MANY * 10 {
            return Ok(());
        }
        counted.limiter.check_key(&address).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            NonZeroU32::MIN.saturating_add(seconds)
        })
    }
}

/// Answers, or says when to come back.
pub async fn spend(
    State((realtime, budget)): State<(Realtime, Budget)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if FREE.iter().any(|free| path.starts_with(free)) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let address = realtime
        .client_address(&parts)
        .filter(|address| !is_behind_a_stranger(&parts, *address));
    let taken = address.map_or(Ok(()), |address| budget.take(address));
    match taken {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(wait) => {
            if parts.headers.contains_key("x-forwarded-for") {
                let address = address.map(|address| address.to_string());
                tracing::warn!(
                    address,
                    "an address was refused that may be a proxy's: see REALTIME_TRUSTED_PROXIES"
                );
            }
            let sentence =
                format!("There were too many requests from your address. Please wait {wait} s.\n");
            let wait = (header::RETRY_AFTER, wait.to_string());
            (StatusCode::TOO_MANY_REQUESTS, [wait], sentence).into_response()
        }
    }
}

/// Whether a proxy nobody told us of stands in front: then its address is everybody's, and nobody's budget.
fn is_behind_a_stranger(parts: &http::request::Parts, address: IpAddr) -> bool {
    static ONCE: Once = Once::new();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_some_and(|ConnectInfo(peer)| is_local(peer.ip().to_canonical()));
    let stranger = is_near && is_local(address) && parts.headers.contains_key("x-forwarded-for");
    if stranger {
        ONCE.call_once(|| {
            tracing::warn!(
                "a proxy stands in front that nobody told of, so that people's addresses are not known: requests are not limited; set REALTIME_TRUSTED_PROXIES to the number of proxies"
            );
        });
    }
    stranger
}

/// An address of this machine, or of a private network.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use leptos_realtime::{RealtimeConfig, User};
    use tower::ServiceExt as _;

    use super::*;

    async fn app(proxies: u8, rate: Option<(u32, u32)>) -> Router {
        let mut config = RealtimeConfig::default();
        config.trusted_proxies = proxies;
        let realtime = Realtime::builder(config)
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .start()
            .await
            .unwrap();
        let number = |number| NonZeroU32::new(number).unwrap();
        let rate = rate.map(|(per_second, burst)| Rate {
            per_second: number(per_second),
            burst: number(burst),
        });
        Router::new()
            .route("/", get(|| async {}))
            .layer(from_fn_with_state((realtime, Budget::new(rate)), spend))
    }

    async fn asks(app: &Router, peer: &str, forwarded: Option<&str>) -> Response {
        let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
        let mut request = Request::get("/").extension(ConnectInfo(peer));
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let request = request.body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn an_address_that_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
        let app = app(0, Some((1, 3))).await;
        for _ in 0..3 {
            assert_eq!(asks(&app, "203.0.113.9", None).await.status(), 200);
        }
        let refused = asks(&app, "203.0.113.9", Some("10.0.0.1")).await;
        assert_eq!(
            refused.status(),
            429,
            "what it says of itself counts for nothing"
        );
        let wait: u32 = refused.headers()[header::RETRY_AFTER]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
        assert_eq!(asks(&app, "203.0.113.10", None).await.status(), 200);
    }

    #[tokio::test]
    async fn behind_proxies_people_are_counted_and_never_the_proxy() {
        let trusted = app(1, Some((1, 2))).await;
        for _ in 0..2 {
            assert_eq!(
                asks(&trusted, "10.0.0.2", Some("203.0.113.9"))
                    .await
                    .status(),
                200
            );
        }
        assert_eq!(
            asks(&trusted, "10.0.0.2", Some("203.0.113.9"))
                .await
                .status(),
            429
        );
        assert_eq!(
            asks(&trusted, "10.0.0.2", Some("203.0.113.10"))
                .await
                .status(),
            200
        );
        // Nobody told of it: then nobody is shut out for what others do.
        let unknown = app(0, Some((1, 2))).await;
        for number in 0..9 {
            let forwarded = format!("203.0.113.{number}");
            assert_eq!(
                asks(&unknown, "10.0.0.2", Some(&forwarded)).await.status(),
                200
            );
        }
        let unlimited = app(0, None).await;
        for _ in 0..9 {
            assert_eq!(asks(&unlimited, "203.0.113.9", None).await.status(), 200);
        }
    }
}

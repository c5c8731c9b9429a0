//! Serving until told to end, and ending in good order.
//!
//! What happens, in this order: the process says that it is not ready; the others are told how long its people may take;
//! people come back elsewhere, some at a time; requests that are under way end; what waits is handed over; tasks end.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::Realtime;

/// What may be used of the time to end until everybody is told, in which tasks may end, and how long they take at most.
const SPREAD_SHARE: f64 = 0.4;
const TASKS_SHARE: f64 = 0.2;
const TASKS: Duration = Duration::from_secs(5);

/// How long the others may take to be told.
const TELLING: Duration = Duration::from_secs(1);

/// How long what was published a moment ago may take to find its place.
const PUBLISHING: Duration = Duration::from_secs(1);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

impl Realtime {
    /// Serves the host's app until Ctrl-C or SIGTERM. Then everybody is told to come back elsewhere, some at a time, as
    /// [`drain`](Self::drain) does, requests that are under way end, and the module with them: all of it within
    /// `RealtimeConfig::drain`. A second signal ends it at once.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener, app: Router) -> std::io::Result<()> {
        let mut signals = Signals::listen();
        let gone = CancellationToken::new();
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener.tap_io(keep_alive), app);
        let server = server.with_graceful_shutdown(gone.clone().cancelled_owned());
        let mut server = std::pin::pin!(server.into_future());
        tokio::select! {
            served = &mut server => return served,
            () = signals.next() => {}
        }
        let orderly = async {
            let end = Instant::now() + self.0.config.drain - self.for_tasks();
            let people = timeout_at(end, self.drain());
            tokio::select! {
                // Pages are served as ever meanwhile: a balancer may not know yet.
                served = &mut server => return served,
                _ = people => {}
            }
            gone.cancel();
            // A browser may keep a connection open for as long as it likes.
            let served = timeout_at(end, &mut server).await;
            if served.is_err() {
                tracing::warn!("some requests did not end in time");
            }
            self.shutdown().await;
            served.unwrap_or(Ok(()))
        };
        tokio::select! {
            served = orderly => served,
            () = signals.next_but(AT_ONCE) => {
                tracing::warn!("told to end a second time: this process ends at once");
                self.end_at_once();
                Ok(())
            }
        }
    }

    /// Tells every client to come back elsewhere, some at a time, and returns when nobody is connected: after a
    /// millisecond for each of them, and two fifths of `RealtimeConfig::drain` at most. From its beginning on
    /// `/health/ready` answers 503. Nobody is seen to leave meanwhile: the other instances wait until people can be back.
    ///
    /// What [`serve`](Self::serve) does first. A host that serves by itself calls it when it is told to end, before it
    /// stops to listen, and [`shutdown`](Self::shutdown) when its last request has ended:
    ///
    /// ```no_run
    /// # async fn run(
    /// #     realtime: leptos_realtime::Realtime, listener: tokio::net::TcpListener, app: axum::Router,
    /// # ) -> std::io::Result<()> {
    /// let ending = realtime.clone();
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(async move {
    ///         let _ = tokio::signal::ctrl_c().await;
    ///         ending.drain().await;
    ///     })
    ///     .await?;
    /// realtime.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(&self) {
        let most = self.0.config.drain.mul_f64(SPREAD_SHARE);
        let Some(spread) = self.0.gateway.begin_to_drain(most) else {
            return;
        };
        let (connections, sessions) = self.0.gateway.count();
        tracing::info!(
            connections,
            sessions,
            ?spread,
            "told to end: people are sent elsewhere"
        );
        let broker = self.0.hub.broker();
        let leaving = broker.leave(self.0.config.leave_grace + spread);
        let _ = timeout(TELLING, leaving).await;
        self.0.gateway.drain(spread).await;
    }

    /// Ends the module: people first, as [`drain`](Self::drain) does where that has not been done, then its tasks and
    /// connections.
    pub async fn shutdown(&self) {
        self.drain().await;
        let placed = async {
            while self.0.unpublished.len() > 0 && self.0.hub.is_linked() {
                sleep(LOOK).await;
            }
        };
        let end = Instant::now() + self.for_tasks();
        let _ = timeout_at(end.min(Instant::now() + PUBLISHING), placed).await;
        let left = self.0.unpublished.len();
        if left > 0 {
            tracing::error!(
                left,
                "events are lost that were published while Redis was away"
            );
        }
        self.0.gateway.cut_all();
        self.0.stop.cancel();
        self.0.tasks.close();
        let ended = timeout_at(end, self.0.tasks.wait()).await;
        if ended.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
    }

    /// Ends without a word to anybody, as a process that is killed.
    pub(crate) fn end_at_once(&self) {
        self.0.stop.cancel();
        self.0.gateway.cut_all();
    }

    /// How much of the time to end is the tasks'.
    fn for_tasks(&self) -> Duration {
        self.0.config.drain.mul_f64(TASKS_SHARE).min(TASKS)
    }
}

/// What comes so soon after the first signal is the same.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Whatever tells a process to end.
struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .ok(),
        }
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        let interrupt = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        let terminate = async {
            match &mut self.terminate {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let terminate = std::future::pending::<()>();
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }

    /// Waits for the next one, of those that come after a while: a terminal and whatever runs there may both pass on one.
    async fn next_but(&mut self, ignored: Duration) {
        let until = Instant::now() + ignored;
        loop {
            self.next().await;
            if Instant::now() >= until {
                return;
            }
        }
    }
}

/// How long a connection may say nothing before the system asks whether the other side is there, how often it asks then,
/// and how long what is sent may stay unconfirmed: a peer that vanished is noticed also where nothing else looks.
const KEEP_ALIVE: (Duration, Duration, Duration) = (
    Duration::from_secs(60),
    Duration::from_secs(15),
    Duration::from_secs(60),
);

/// Sets up a connection that was taken. Where the system knows no such setting, it goes without.
fn keep_alive(stream: &mut TcpStream) {
    let socket = socket2::SockRef::from(&*stream);
    let (idle, interval, unconfirmed) = KEEP_ALIVE;
    let alive = socket2::TcpKeepalive::new().with_time(idle);
    #[cfg(not(target_os = "openbsd"))]
    let alive = alive.with_interval(interval);
    let _ = socket.set_tcp_keepalive(&alive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(unconfirmed));
    #[cfg(not(target_os = "linux"))]
    let _ = unconfirmed;
    // Small frames go at once.
    let _ = socket.set_tcp_nodelay(true);
}

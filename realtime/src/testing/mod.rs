//! What adopters test with: nodes that run the real gateway over in-memory streams, and clients that run the real
//! session. Several nodes can meet in one process: a [`Cluster`] has nodes, clients, and faults between them.
//!
//! ```
//! use leptos_realtime::{Realtime, RealtimeConfig, User, protocol::Auth, rooms, testing::TestClient};
//!
//! rooms! { Board(i64) => String }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let realtime = Realtime::builder(RealtimeConfig::default())
//!     .authenticate(|handshake| async move { Ok(handshake.token().map(|name| User::new(1, name))) })
//!     .authorize(|_, rooms, _| async move { Ok(rooms) })
//!     .start()
//!     .await?;
//! let mut ada = TestClient::connect(&realtime, Auth { token: Some("Ada".into()), ..Auth::default() });
//! ada.join(Board(7), None);
//! ada.until("Ada is here", |ada| ada.names(Board(7)) == ["Ada"]).await;
//! realtime.publish(Board(7), &"hello".to_owned()).await?;
//! ada.until("she hears it", |ada| ada.events(Board(7)) == ["\"hello\""]).await;
//! realtime.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod client;
mod cluster;
mod link;
#[cfg(feature = "simulated-redis")]
pub mod redis;
pub mod simulation;

pub use client::TestClient;
pub use cluster::Cluster;
pub(crate) use link::Linked;
pub use link::{Link, LinkFaults};

use std::sync::Arc;

use http::request::Parts;
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;

use crate::{
    Realtime,
    server::{Handshake, RealtimeBuilder, broker::Broker},
};

/// What a page's request presents.
#[must_use]
pub fn handshake(parts: Parts, token: Option<String>) -> Handshake {
    Handshake::new(Arc::new(parts), token)
}

/// A WebSocket to a node, with nothing said on it yet: for tests of what a client should not do.
///
/// # Panics
/// When the node refuses it.
pub async fn raw_stream(node: &Realtime) -> WebSocketStream<DuplexStream> {
    client::dial(node, None)
        .await
        .expect("the node takes the stream")
}

/// Lets a node that is being built meet the nodes of a running one: two instances in one process.
pub fn beside(builder: RealtimeBuilder, node: &Realtime) -> RealtimeBuilder {
    builder.meeting(node)
}

/// Lets what a node that is being built hears from the meeting point come through a link, which may have faults.
pub fn linked(builder: RealtimeBuilder, link: Link) -> RealtimeBuilder {
    builder.linked(link)
}

/// Puts something between a node that is being built and its broker: to see what is appended, to refuse it, or to be
/// slow.
pub fn around_broker(
    builder: RealtimeBuilder,
    around: impl FnOnce(Arc<dyn Broker>) -> Arc<dyn Broker> + Send + 'static,
) -> RealtimeBuilder {
    builder.around_broker(Box::new(around))
}

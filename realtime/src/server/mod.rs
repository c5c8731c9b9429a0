//! The server half: what a host starts, and what runs inside its axum process.
//!
//! ```text
//! host ── publish ──► Realtime ──► Broker (append, number, publish: one step) ◄── enter, exit ── Gateway ◄── sockets
//!                                     │                                                            ▲
//!                                     └──► Hub: one replica per served room ── frames ─────────────┘
//! ```
//!
//! Data goes one way round: nothing reaches a client except through a replica, and nothing changes a replica except a
//! broker message. [`Realtime`] is the handle of a host, [`broker`] the meeting point of instances; the hub keeps the
//! replicas, the gateway the sockets.

pub mod auth;
pub mod broker;
mod builder;
#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
#[path = "no_channels.rs"]
pub(crate) mod channel_requests;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod channels;
pub(crate) mod clock;
pub mod config;
mod context;
mod control;
mod counters;
mod drain;
mod gateway;
mod guard;
mod handle;
mod hashed;
pub mod health;
#[cfg(feature = "metrics")]
mod http;
mod hub;
#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
#[path = "no_inbox.rs"]
pub(crate) mod inbox;
#[cfg(feature = "jwt")]
mod jwt;
pub mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod moderation;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod notify;
mod operator;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod outbox;
mod random;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod relay;
mod secret;
mod stats;
mod store;
pub(crate) mod tasks;
pub(crate) mod timings;
mod unpublished;

pub use auth::{Access, AuthError, Denied, Handshake, SignIn};
pub use broker::NodeInfo;
#[cfg(feature = "redis")]
pub use broker::redis::RedisConfig;
pub use builder::{RealtimeBuilder, ServeError, StartError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use channels::requests as channel_requests;
#[cfg(feature = "testing")]
pub(crate) use clock::{follow_virtual_time, move_unix_clock};
pub use config::{ConfigError, RealtimeConfig};
pub use context::{expect_realtime, first_view, signed_in};
pub(crate) use context::{first_view_of, page_build, presence_page};
pub use handle::{PublishError, Realtime};
#[cfg(feature = "jwt")]
pub use jwt::{Jwt, JwtError};
pub use limits::{Limits, Rate};
pub use moderation::ModerationError;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use notify::requests as inbox;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use notify::{Notice, NotifyError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use outbox::HostTransaction;
#[cfg(feature = "testing")]
pub(crate) use random::seed;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use relay::{Original, RelayError, Relayed};
pub use secret::Secret;
pub use stats::Stats;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use store::Database;
pub use store::StoreError;
pub use unpublished::Published;

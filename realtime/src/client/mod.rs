//! The browser half: one [`Session`](crate::core::session::Session) per page, run over a `WebSocket`, shown as signals.
//!
//! Only on `wasm32` with the feature `hydrate`; elsewhere this module is empty, and the [hooks](crate::hooks) show
//! what the server knew.

#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod follow;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod identity;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod page;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod reload;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod store;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod transport;

#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
pub(crate) use {
    follow::{follow_room, listen, listen_to_signals},
    store::Client,
};

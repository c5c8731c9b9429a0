//! What the examples share that connect over real sockets.

pub mod client;
pub mod server;

//! A stand-in for Redis, on virtual time: [`SimulatedRedis`] keeps keys as Redis does and runs the broker's own scripts,
//! byte for byte; each node reaches it over a [`Path`] that can be slow, cut or silent.
//!
//! `server` is what there is once, `keyspace` and `commands` what it does, `lua` how scripts ask for that. A `socket` is
//! one connection. That all of it does what Redis does is proved next to the broker, against a real one.

mod commands;
mod keyspace;
mod lua;
mod path;
mod server;
mod socket;

pub use path::{Cut, Path, Role};
pub use server::{Copy, SimulatedRedis};

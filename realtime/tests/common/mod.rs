//! What tests with real databases share.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod between;
pub mod durable;
pub mod host;
pub mod postgres;

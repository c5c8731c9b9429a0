//! Channels: what people are told reaches them where they linked it, once and in order, whatever fails in between.
#![cfg(all(
    feature = "testing",
    feature = "sqlite",
    feature = "postgres",
    feature = "telegram",
    feature = "smtp"
))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod bot_api;
mod crash;
mod delivery;
mod email;
mod linking;
#[cfg(feature = "redis")]
mod newer;
mod support;
mod telegram;

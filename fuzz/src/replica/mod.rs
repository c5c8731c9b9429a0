//! A server's replica of one room, what its broker tells it, and two people and a guest who are shown it.
//!
//! The [`broker`] numbers what happens. Of what it tells some is lost, some comes twice, and some comes from nowhere, as
//! a [`script`] says. What a [`viewer`] was sent must add up to what someone is shown who joins afterwards.

pub mod any;
pub mod broker;
pub mod script;
pub mod typists;
pub mod viewer;
pub mod world;

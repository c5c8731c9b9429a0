//! A client's session in four rooms, a server of sorts, and what must hold between them whatever happens.
//!
//! Some steps of a [`script`] are those of a page, some those of a server that keeps to the protocol, and some send
//! anything. A [`world`] plays them: what the session is given goes through its [`wire`], where everything that it does
//! is looked at. The [`server`] takes the session's commands in order and keeps a [`room`] for each of them.
//! [`listeners`], [`requests`] and [`manners`] know what the session may do next.

pub mod any;
pub mod listeners;
pub mod manners;
pub mod published;
pub mod requests;
pub mod room;
pub mod script;
pub mod server;
pub mod settle;
pub mod texts;
pub mod wire;
pub mod world;

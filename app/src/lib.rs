//! The forum: its pages, its server functions and, on the server, its database.
//!
//! It uses `leptos_realtime` as any host would: [`rooms`] declares the rooms, the pages use the hooks and components,
//! [`api`] publishes, and [`backend`] answers the module's questions about people and rights.

#![recursion_limit = "256"]

pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
mod components;
mod model;
mod notice;
pub mod operators;
mod pages;
#[cfg(feature = "ssr")]
mod policy;
pub mod rooms;
mod shell;

pub use model::*;
pub use notice::Notice;
pub use rooms::{
    Board, BoardEvent, Community, CommunityEvent, ModerationEvent, Moderators, OPERATORS,
    Operators, PostEvent,
};
pub use shell::{App, shell};

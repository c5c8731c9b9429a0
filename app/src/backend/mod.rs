//! The forum on the server: its database, its sessions, and its answers to the realtime module.
//!
//! [`Rights`] answers who people are and what they may; [`Forum`] is the database, a file for each thing in it: what
//! people write changes a row and tells of it in one transaction, through `db`.

mod attempts;
mod clock;
mod comments;
mod cookie;
mod db;
mod forum;
mod markdown;
mod mentions;
mod moderation;
pub(crate) mod names;
mod operators;
mod partners;
pub(crate) mod partnerships;
mod passwords;
mod people;
mod place;
mod posts;
mod reporter;
mod request;
mod rights;
mod roles;
mod seed;
mod sessions;
mod shared;
mod telling;
#[cfg(test)]
mod testing;
mod votes;

pub use attempts::Attempts;
pub use db::{OpenError, reach};
pub use forum::Forum;
pub(crate) use markdown::plain_text;
pub use operators::{Appointed, NotAppointed};
pub use partners::{PARTNERSHIPS, Partners};
pub use reporter::Reporter;
pub(crate) use reporter::report;
pub use request::{Request, set_status};
pub use rights::{Rights, SignInPolicy};

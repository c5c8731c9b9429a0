//! The forum on the server: its database, its sessions, and its answers to the realtime module.

mod clock;
mod forum;
mod mentions;
mod partners;
mod request;
mod rights;
mod seed;
mod session;

pub use forum::{Forum, OpenError};
pub use partners::{PARTNERSHIPS, Partners};
pub use request::{Request, set_status};
pub use rights::Rights;
pub use session::SessionKey;

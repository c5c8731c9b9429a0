//! What a page uses: [`provide_realtime`] once at its root, then one hook for each thing it shows.
//!
//! Every hook works during server-side rendering (it shows the [`FirstView`](crate::FirstView) that came with the
//! page's data), while routes are listed without a host's context, and in the browser, where it starts to follow the
//! room after hydration. A room may be given as it is, or as a signal.

mod connection;
mod context;
mod presence;
mod room_events;
mod room_source;
mod typing;

pub use connection::{ConnectionState, UseConnectionReturn, use_connection};
pub(crate) use context::{RealtimeContext, use_room_view};
pub use context::{provide_realtime, provide_realtime_at, use_first_view};
pub use presence::{UsePresenceReturn, use_presence};
pub use room_events::use_room_events;
pub use room_source::RoomSource;
pub use typing::{UseTypingReturn, use_typing};

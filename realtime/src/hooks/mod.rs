//! What a page uses: [`provide_realtime`] once at its root, then one hook for each thing it shows.
//!
//! Every hook works during server-side rendering (it shows the [`FirstView`](crate::FirstView) that came with the
//! page's data), while routes are listed without a host's context, and in the browser, where it starts to follow the
//! room after hydration. A room may be given as it is, or as a signal.

mod announcements;
mod command;
mod connection;
mod context;
mod notifications;
mod online;
mod presence;
mod room_events;
mod room_source;
mod signals;
mod since;
mod status;
mod token;
mod typing;
mod update;
mod watch;

pub use announcements::use_announcements;
pub use command::Command;
pub use connection::{ConnectionState, UseConnectionReturn, use_connection};
pub(crate) use context::{RealtimeContext, use_room_view};
pub use context::{RealtimeOptions, provide_realtime, provide_realtime_with, use_first_view};
pub(crate) use notifications::{InboxList, Notifications, untracked};
pub use notifications::{
    InboxState, UseNotificationsReturn, provide_notifications, use_notifications,
};
pub use online::{UseOnlineReturn, use_online};
pub use presence::{UsePresenceReturn, use_presence};
pub use room_events::use_room_events;
pub use room_source::RoomSource;
pub use signals::{UseSignalsReturn, use_signals};
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
pub(crate) use since::Kind as SinceKind;
pub use since::Since;
pub use status::{UseStatusReturn, use_status};
pub use token::TokenSource;
pub use typing::{UseTypingReturn, use_typing};
pub use update::{UseUpdateReturn, use_update};
pub use watch::use_watch;

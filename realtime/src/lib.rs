//! Presence, rooms and live events for [Leptos](https://leptos.dev) full-stack apps, in the same axum process.
//!
//! One idea runs through the crate: **every change in a room has one place in one order**, and everyone sees that
//! order from the HTML they were first given on, or is told to look again.
//!
//! | layer | what lives there |
//! |---|---|
//! | [`protocol`] | rooms, ids, members, positions, and the frames on the wire: shared by server and browser |
//! | [`core`] | state machines without I/O, clock or randomness: the client's session, the server's room replica |
//! | [`server`] (`ssr`) | the [`server::Realtime`] handle, the socket gateway, the hub of replicas, the broker |
//! | [`client`] | the browser's WebSocket and the store that turns changes into signals |
//! | [`hooks`], [`components`], [`server_fns`] | what a page uses |
//! | [`testing`] (`testing`) | the real gateway over in-memory streams, with a client to drive it |
//!
//! A layer uses only the ones above it. The browser half needs the feature `hydrate`, the server half `ssr`; a host's
//! own `hydrate` and `ssr` features switch them on, so a host writes no `#[cfg]` of its own.
//!
//! `README.md` leads from an empty app to live presence and a bell, `GUIDE.md` from there to a host's own sign-in, events,
//! notifications and styles. The wire format is documented in `PROTOCOL.md`, complete enough for a client in another language.

#![warn(missing_docs)]

pub mod client;
pub mod components;
pub mod core;
pub mod hooks;
pub mod protocol;
#[cfg(feature = "ssr")]
pub mod server;
pub mod server_fns;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::core::{session::Answer, view::ViewState};
pub use components::{
    Avatar, ConnectionBadge, NotificationBell, NotificationInbox, NotificationKind,
    NotificationPreferences, NotificationToasts, PresenceAvatars, RealtimeStyles, TimeAgo,
    TypingIndicator, WithFirstView,
};
pub use hooks::{
    Command, ConnectionState, InboxState, RealtimeOptions, Since, TokenSource, UseConnectionReturn,
    UseNotificationsReturn, UseOnlineReturn, UsePresenceReturn, UseSignalsReturn, UseStatusReturn,
    UseTypingReturn, UseUpdateReturn, provide_notifications, provide_realtime,
    provide_realtime_with, use_announcements, use_connection, use_first_view, use_notifications,
    use_online, use_presence, use_room_events, use_signals, use_status, use_typing, use_update,
    use_watch,
};
pub use protocol::{
    BuildId, DeviceKind, Draft, ErrorCode, FirstView, LinkCode, LinkedChannel, Mark, Member,
    NoEvent, Notification, NotificationData, NotificationId, Position, Preference, Preferences,
    ProtocolError, Room, RoomEvent, RoomId, RoomUpdate, Status, Subject, User, UserId,
};
#[cfg(feature = "redis")]
pub use server::RedisConfig;
#[cfg(all(feature = "smtp", any(feature = "sqlite", feature = "postgres")))]
pub use server::channels::{Smtp, SmtpConfig};
#[cfg(all(feature = "telegram", any(feature = "sqlite", feature = "postgres")))]
pub use server::channels::{Telegram, TelegramConfig, TelegramTexts, TelegramUpdates};
#[cfg(feature = "ssr")]
pub use server::{
    Access, AuthError, Denied, Handshake, Limits, Published, Rate, Realtime, RealtimeBuilder,
    RealtimeConfig, SignIn, expect_realtime, first_view, signed_in,
};
#[cfg(feature = "jwt")]
pub use server::{Jwt, JwtError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use server::{
    Notice, NotifyError, Original, RelayError, Relayed,
    channels::{
        Channel, ChannelError, ChannelLimits, ChannelMessage, LinkOutcome, Links, SendError,
    },
};

pub use server_fns::{PresenceCursor, PresencePage, people_in};

/// The code in `GUIDE.md`. That in `README.md` is compiled as the host in `end2end/embed`.
#[cfg(all(doctest, feature = "jwt", feature = "sqlite"))]
#[doc = include_str!("../GUIDE.md")]
struct Guide;

#[doc(hidden)]
pub mod __private {
    pub use crate::protocol::room::{snake_case, snake_case_len};
}

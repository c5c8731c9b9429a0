//! What travels between server and browser, and the words both sides use.
//!
//! [`RoomId`] and [`Room`] name an audience; [`Position`] a place in its order; [`Member`] a person in it. A client
//! sends [`ClientCommand`]s and receives [`ServerFrame`]s, each a Socket.IO event whose name is the variant's. Unknown
//! names, fields and variants are skipped, never fatal, so that old and new versions can talk during a deploy.

pub mod channel;
pub mod command;
pub mod digest;
pub mod error;
pub mod event;
pub mod frame;
pub mod ids;
pub mod member;
pub mod notification;
pub mod position;
pub mod reserved;
pub mod room;

pub use channel::{LinkCode, LinkedChannel};
pub use command::{Auth, ClientCommand, JoinRoom, Seen};
pub use digest::Digest;
pub use error::{ErrorCode, ProtocolError};
pub use event::{Draft, RoomEvent, RoomUpdate, Subject, WireEvent};
pub use frame::{
    CloseAction, Degraded, FirstView, Goodbye, Joined, Outcome, Own, Provisional, Refreshed,
    Refused, RoomFrame, ServerFrame, Signalled, StatusNow, TypingNow, Welcome,
};
pub use ids::{BuildId, DeviceId, EventId, SessionId, SubjectKey, User, UserId};
pub use member::{DeviceKind, Member, Place, Status};
pub use notification::{
    InboxChange, InboxCursor, InboxFilter, InboxPage, Mark, Notification, NotificationData,
    NotificationId, Preference, PreferenceChange, Preferences, WireNotification,
};
pub use position::{Epoch, Position};
pub use reserved::{Announcements, InboxRoom, Online};
pub use room::{NoEvent, Room, RoomId, RoomIdError};

/// The version of the wire protocol that this crate's client speaks, and the newest that its server serves. A client
/// names its own in [`Auth::protocol`].
pub const PROTOCOL_VERSION: u32 = 1;

/// The oldest version of the wire protocol that this crate's server serves. What it leaves behind has to load a newer
/// client: where the version is raised, this follows a release later.
pub const MIN_PROTOCOL_VERSION: u32 = 1;

/// Milliseconds since the Unix epoch, UTC: the only form of time on the wire.
pub type UnixMillis = u64;

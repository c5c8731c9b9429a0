//! Server functions: what a page asks for beside what it is shown.
//!
//! They are registered with the host's own, and served by its `leptos_routes`, under `/realtime/api`.

mod channels;
mod notifications;

use leptos::{
    prelude::*,
    server_fn::{codec::GetUrl, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::protocol::{ErrorCode, FirstView, Member, ProtocolError, RoomId, UnixMillis, UserId};

pub use channels::{link_channel, linked_channels, unlink_channel};
pub use notifications::{
    InboxView, MAX_MARKED, MAX_NOTIFICATIONS, inbox, inbox_changes, mark_all_read,
    mark_notifications, mute_notifications, my_inbox, notification_preferences,
    prefer_notifications,
};
pub(crate) use notifications::{
    MarkAllRead, MarkNotifications, MuteNotifications, PreferNotifications,
};

/// The most people in one page.
pub const MAX_PAGE: u16 = 200;

/// People of a room, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PresencePage {
    /// These people.
    pub members: Vec<Member>,
    /// How many people are in the room, guests not counted.
    pub count: u32,
    /// Where the next page begins, if there is one.
    pub next: Option<PresenceCursor>,
}

/// The place after a person, in the order in which people came. It stays good when they leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceCursor {
    /// Since when the person has been in the room.
    pub since: UnixMillis,
    /// The person.
    pub user: UserId,
}

impl FromServerFnError for ProtocolError {
    type Encoder = leptos::server_fn::codec::JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let code = match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_) => ErrorCode::BadRequest,
            _ => ErrorCode::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

/// Who is in a room, page by page: for lists of everyone in rooms that are too large to be shown whole. As the viewer
/// may see it, at most [`MAX_PAGE`] people at a time. `GET /realtime/api/people?room=board:7&most=50`.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{Room, people_in, rooms};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn Everyone() -> impl IntoView {
///     let people = Resource::new(|| (), |()| people_in(Board(7).room_id(), None, None, 50));
///     view! { <Suspense>{move || people.get().map(|page| page.map(|page| page.count))}</Suspense> }
/// }
/// ```
///
/// # Errors
/// When the viewer may not see the room, or that cannot be found out right now.
#[server(prefix = "/realtime/api", endpoint = "people", input = GetUrl)]
pub async fn people_in(
    /// The room.
    room: RoomId,
    /// [`PresenceCursor::since`] of the page before.
    #[server(default)]
    since: Option<UnixMillis>,
    /// [`PresenceCursor::user`] of the page before.
    #[server(default)]
    user: Option<UserId>,
    /// How many people to return at most; 0 for [`MAX_PAGE`].
    #[server(default)]
    most: u16,
) -> Result<PresencePage, ProtocolError> {
    let after = since.zip(user);
    let most = if most == 0 {
        MAX_PAGE
    } else {
        most.min(MAX_PAGE)
    };
    crate::server::presence_page(room, after, usize::from(most)).await
}

/// Who is in a room and where its order stands, for whoever asks: what
/// [`WithFirstView`](crate::WithFirstView) loads. `GET /realtime/api/first_view?room=board:7`.
///
/// A page that reads data besides asks for the view in its own server function, before the data:
/// `leptos_realtime::first_view`.
///
/// # Errors
/// When the viewer may not see the room, or that cannot be found out right now.
#[server(prefix = "/realtime/api", endpoint = "first_view", input = GetUrl)]
pub async fn first_view_of(
    /// The room.
    room: RoomId,
) -> Result<FirstView, ProtocolError> {
    crate::server::first_view_of(room).await
}

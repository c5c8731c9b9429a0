//! A person's inbox, as its pages ask for it.
//!
//! Each is about the caller's own. A page names whose it is with `user`: where somebody else signed in in another tab
//! since, it is refused with [`ErrorCode::Unauthorized`](crate::ErrorCode::Unauthorized), so that nothing of one
//! person's is done to another's.

#![allow(clippy::too_many_arguments, reason = "a query has its parts")]

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use crate::protocol::{
    InboxChange, InboxPage, Mark, Position, Preferences, ProtocolError, UnixMillis, UserId,
};
#[cfg(feature = "ssr")]
use crate::protocol::{InboxCursor, InboxFilter, NotificationId};

/// The most notifications in one page.
pub const MAX_NOTIFICATIONS: u16 = 30;

/// The most notifications that are marked at once.
pub const MAX_MARKED: usize = 200;

/// Where a page begins that shows an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxView {
    /// Whose it is.
    pub user: UserId,
    /// The position in their [room](crate::protocol::InboxRoom) after which everything is told that `page` lacks; none
    /// while the instances' meeting point is away.
    pub position: Option<Position>,
    /// The first page.
    pub page: InboxPage,
}

/// The first page of the caller's inbox, and from where to listen; none for a guest. `GET /realtime/api/my_inbox`.
///
/// # Errors
/// When the database is away.
#[server(prefix = "/realtime/api", endpoint = "my_inbox", input = GetUrl)]
pub async fn my_inbox() -> Result<Option<InboxView>, ProtocolError> {
    crate::server::inbox::view().await
}

/// The caller's notifications, newest first: `GET /realtime/api/inbox?most=20&unread=true`. The next page begins after
/// [`InboxPage::next`].
///
/// # Errors
/// For a guest, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "inbox", input = GetUrl)]
pub async fn inbox(
    /// [`InboxCursor::updated`] of the page before.
    #[server(default)]
    updated: Option<UnixMillis>,
    /// [`InboxCursor::id`] of the page before.
    #[server(default)]
    id: Option<i64>,
    /// How many at most; 0 for [`MAX_NOTIFICATIONS`].
    #[server(default)]
    most: u16,
    /// See [`InboxFilter::unread`].
    #[server(default)]
    unread: bool,
    /// See [`InboxFilter::archived`].
    #[server(default)]
    archived: bool,
    /// See [`InboxFilter::kind`].
    #[server(default)]
    kind: Option<String>,
    /// See [`InboxFilter::community`].
    #[server(default)]
    community: Option<String>,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<InboxPage, ProtocolError> {
    let before = updated.zip(id).map(|(updated, id)| InboxCursor {
        updated,
        id: NotificationId(id),
    });
    let filter = InboxFilter {
        unread,
        archived,
        kind: given(kind),
        community: given(community),
    };
    crate::server::inbox::page(filter, before, most, user).await
}

/// What happened in the caller's inbox after a change: `GET /realtime/api/inbox_changes?after=17`. Where that is much,
/// [`InboxChange::notifications`] is left out: load the list anew.
///
/// # Errors
/// For a guest, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "inbox_changes", input = GetUrl)]
pub async fn inbox_changes(
    /// The number.
    after: u64,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    crate::server::inbox::changes(after, user).await
}

/// Puts a mark on notifications of the caller's: `POST /realtime/api/mark_notifications`, with `ids[]` and `mark`. Ids
/// that are not theirs are passed over. Returns where the inbox stands then.
///
/// # Errors
/// For a guest, for more than [`MAX_MARKED`] ids, for a page of another origin, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "mark_notifications")]
pub async fn mark_notifications(
    /// Which.
    #[server(default)]
    ids: Vec<i64>,
    /// What is done to them.
    mark: Mark,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    let ids = ids.into_iter().map(NotificationId).collect();
    crate::server::inbox::mark(ids, mark, user).await
}

/// Marks everything as read that the caller had unread up to a change: what came later, and they have not seen, stays
/// unread. `POST /realtime/api/mark_all_read`, with `up_to`.
///
/// # Errors
/// For a guest, for a page of another origin, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "mark_all_read")]
pub async fn mark_all_read(
    /// [`InboxPage::change`] of what they saw.
    up_to: u64,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    crate::server::inbox::mark_all_read(up_to, user).await
}

/// What the caller wants to be told of: `GET /realtime/api/notification_preferences`.
///
/// # Errors
/// For a guest, and when the database is away.
#[server(prefix = "/realtime/api", endpoint = "notification_preferences", input = GetUrl)]
pub async fn notification_preferences() -> Result<Preferences, ProtocolError> {
    crate::server::inbox::preferences().await
}

/// Says whether the caller wants to be told of something: `POST /realtime/api/prefer_notifications`, with `kind` and
/// `community` (empty: each) and `enabled` (empty: as a wider preference says). A mute stays as it is. Returns what they
/// want then.
///
/// # Errors
/// For a guest, for names that are too long or too many preferences, for a page of another origin, and when the database
/// is away.
#[server(prefix = "/realtime/api", endpoint = "prefer_notifications")]
pub async fn prefer_notifications(
    #[server(default)] kind: Option<String>,
    #[server(default)] community: Option<String>,
    #[server(default)] enabled: Option<bool>,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    crate::server::inbox::prefer(given(kind), given(community), enabled, user).await
}

/// Tells the caller nothing of something for a while, from now on: `POST /realtime/api/mute_notifications`, with `kind`
/// and `community` (empty: each) and `minutes` (empty or 0: it is muted no more). Whether it is on or off stays as it is.
/// Returns what they want then.
///
/// # Errors
/// As [`prefer_notifications`].
#[server(prefix = "/realtime/api", endpoint = "mute_notifications")]
pub async fn mute_notifications(
    #[server(default)] kind: Option<String>,
    #[server(default)] community: Option<String>,
    #[server(default)] minutes: Option<u32>,
    /// Whose page asks.
    #[server(default)]
    user: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    crate::server::inbox::mute(given(kind), given(community), minutes, user).await
}

/// What a form leaves empty was not given.
#[cfg(feature = "ssr")]
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

//! The module inside a server function or a page's rendering.

use std::sync::Arc;

use http::request::Parts;
use leptos::prelude::use_context;

use super::{Denied, Handshake, Realtime};
use crate::{
    protocol::{FirstView, ProtocolError, Room, RoomId, UnixMillis, UserId},
    server_fns::{PresenceCursor, PresencePage},
};

/// The handle, inside a server function or a page's rendering.
///
/// # Panics
/// Where the host did not pass [`Realtime::context`] to `leptos_routes_with_context`.
#[must_use]
pub fn expect_realtime() -> Realtime {
    use_context().expect("pass `realtime.context()` to `leptos_routes_with_context`")
}

/// Who is in a room and where its order stands, for whoever called this server function: see
/// [`Realtime::first_view`]. To be called before the page's data is read.
///
/// ```ignore
/// #[server]
/// async fn board(id: i64) -> Result<BoardPage, ServerFnError> {
///     let view = leptos_realtime::first_view(Board(id)).await?; // the position, and who is here
///     let posts = posts_of(id).await?;                          // then the data
///     Ok(BoardPage { view, posts })
/// }
/// ```
///
/// # Errors
/// When the viewer may not see the room, or that cannot be found out right now.
///
/// # Panics
/// As [`expect_realtime`].
pub async fn first_view<R: Room>(room: R) -> Result<FirstView, Denied> {
    expect_realtime().first_view(page_handshake(), room).await
}

/// What the request for the page presents.
pub(super) fn page_handshake() -> Handshake {
    let parts = use_context::<Parts>().unwrap_or_else(|| http::Request::new(()).into_parts().0);
    Handshake::new(Arc::new(parts), None)
}

/// See [`crate::people_in`].
pub(crate) async fn presence_page(
    room: RoomId,
    after: Option<(UnixMillis, UserId)>,
    most: usize,
) -> Result<PresencePage, ProtocolError> {
    let realtime = expect_realtime();
    let (members, count) = realtime
        .presence_page(page_handshake(), room, after.as_ref(), most)
        .await
        .map_err(|Denied(error)| error)?;
    let last = members.last().filter(|_| members.len() == most);
    let next = last.map(|member| PresenceCursor {
        since: member.since,
        user: member.user.clone(),
    });
    Ok(PresencePage {
        members,
        count: count as u32,
        next,
    })
}

//! The module inside a server function or a page's rendering.

use std::sync::Arc;

use http::request::Parts;
use leptos::prelude::use_context;

use super::{Denied, Handshake, Realtime};
use crate::protocol::{FirstView, Room};

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
    let parts = use_context::<Parts>().unwrap_or_else(|| http::Request::new(()).into_parts().0);
    expect_realtime()
        .first_view(Handshake::new(Arc::new(parts), None), room)
        .await
}

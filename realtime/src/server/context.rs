//! The module inside a server function or a page's rendering.

use std::sync::Arc;

use http::request::Parts;
use leptos::prelude::use_context;

use super::{Denied, Handshake, Realtime};
use crate::{
    protocol::{
        BuildId, ErrorCode, FirstView, ProtocolError, Room, RoomId, UnixMillis, User, UserId,
    },
    server_fns::{PresenceCursor, PresencePage},
};

/// The handle, inside a server function or a page's rendering.
///
/// # Panics
/// Where the host's app is without the module: neither [`embed`](Realtime::embed) nor
/// [`RealtimeBuilder::serve`](super::RealtimeBuilder::serve) had it, and [`Realtime::context`] was not passed to
/// `leptos_routes_with_context`.
#[must_use]
pub fn expect_realtime() -> Realtime {
    realtime().expect(
        "`realtime.embed(app)`, or `realtime.context()` passed to `leptos_routes_with_context`",
    )
}

/// The handle, where there is one: while routes are listed there is none.
pub(super) fn realtime() -> Option<Realtime> {
    let of_request = || {
        use_context::<Parts>()?
            .extensions
            .get::<Realtime>()
            .cloned()
    };
    use_context().or_else(of_request)
}

/// The handle, for who is asking. What a page provides is gone with its reader, who may have left while its data is still
/// on the way: then nobody waits for an answer.
fn asked() -> Result<Realtime, ProtocolError> {
    match realtime() {
        Some(realtime) => Ok(realtime),
        None if use_context::<Parts>().is_none() => {
            let sentence = "the request is over";
            Err(ProtocolError::new(ErrorCode::Unavailable, sentence))
        }
        None => Ok(expect_realtime()),
    }
}

/// What the server was made from that writes this page.
pub(crate) fn page_build() -> Option<BuildId> {
    realtime()?.0.config.build.clone()
}

/// Who calls this server function, as the host's `authenticate` knows them.
///
/// ```ignore
/// #[server]
/// async fn wave() -> Result<u64, ServerFnError> {
///     let (realtime, me) = (expect_realtime(), signed_in().await?);
///     let (here, wave) = (realtime.presence(Lobby(1)).await?, format!("{me} waves"));
///     Ok(realtime.notify(here, Notice::new(&wave).by(&me)).await?)
/// }
/// ```
///
/// # Errors
/// For a guest, with a sentence that asks them to sign in, and when that cannot be found out right now.
///
/// # Panics
/// As [`expect_realtime`].
pub async fn signed_in() -> Result<User, Denied> {
    let realtime = asked().map_err(Denied)?;
    let known = realtime.0.gateway.know(page_handshake()).await;
    known.map_err(Denied)?.user.ok_or_else(|| {
        let sentence = "sign in first";
        Denied(ProtocolError::new(ErrorCode::Unauthorized, sentence))
    })
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
    let realtime = asked().map_err(Denied)?;
    realtime.first_view(page_handshake(), room).await
}

/// See [`crate::server_fns::first_view_of`].
pub(crate) async fn first_view_of(room: RoomId) -> Result<FirstView, ProtocolError> {
    let Some(realtime) = realtime() else {
        let sentence = "the module is not in this app, or its routes are being listed";
        return Err(ProtocolError::new(ErrorCode::Unavailable, sentence));
    };
    let view = realtime.first_view(page_handshake(), room).await;
    view.map_err(|Denied(error)| error)
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
    let realtime = asked()?;
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

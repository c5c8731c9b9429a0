//! What happens in a room.

use super::{RoomSource, Since};
use crate::protocol::{Room, RoomUpdate};

/// Calls `f` with everything that happens in a room after `since`, in order, once each.
///
/// `since` is the position at which the page's data was read: [`FirstView::position`](crate::FirstView). Nothing
/// between the reading and the connecting is missed. `None` means: from now on. Where the room is a signal, give a signal
/// of the position too: see [`Since`]. Whoever comes back to a room goes on where they left it.
///
/// An event of a form that the page does not know, because a newer server published it, is a [`RoomUpdate::Unknown`]: it
/// has its place, the next one follows, and the console is told of the first.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{FirstView, RoomUpdate, rooms, use_room_events};
///
/// rooms! { Board(i64) => String }
///
/// #[component]
/// fn Posts(view: FirstView, posts: Vec<String>) -> impl IntoView {
///     let posts = RwSignal::new(posts);
///     use_room_events(Board(7), view.position, move |update| match update {
///         RoomUpdate::Event(event) => posts.update(|posts| posts.push(event.data)),
///         _ => { /* load the posts again, and set them */ }
///     });
///     view! { <p>{move || posts.get().len()} " posts"</p> }
/// }
/// ```
///
/// ## Server-side rendering
/// Does nothing.
pub fn use_room_events<S, F>(room: S, since: impl Into<Since>, f: F)
where
    S: RoomSource,
    F: Fn(RoomUpdate<<S::Room as Room>::Event>) + 'static,
{
    let room = room.into_room_id();
    let since = since.into();
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    crate::client::listen::<<S::Room as Room>::Event>(room, since, f);
    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    let _ = (room, since, f);
}

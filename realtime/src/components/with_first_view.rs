//! A room's first view, loaded with the page.

use leptos::prelude::*;

use crate::{
    hooks::{RoomSource, use_first_view},
    protocol::RoomId,
    server_fns::first_view_of,
};

/// Loads who is in a room with the page, and shows its children then: they have the room's people in their first render,
/// and go on from there. For pages that have no data of the room besides; with some, the view comes with the data, by
/// [`use_first_view`], so that nothing in between is missed.
///
/// Where the view cannot be had, the children are shown all the same: they say how the room is. In the very first HTML
/// everything is there with `SsrMode::Async`; otherwise it is streamed behind the page, as any `Suspense`.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{PresenceAvatars, WithFirstView, rooms};
///
/// rooms! { Lobby(u8) }
///
/// #[component]
/// fn Here() -> impl IntoView {
///     view! { <WithFirstView room=Lobby(1)><PresenceAvatars room=Lobby(1)/></WithFirstView> }
/// }
/// ```
#[component]
pub fn WithFirstView<S: RoomSource>(
    /// The room, or a signal of it.
    room: S,
    children: ChildrenFn,
) -> impl IntoView {
    loaded(room.into_room_id(), children)
}

/// Not generic, so that its code is there once, whatever kinds of rooms a host has.
fn loaded(room: Signal<RoomId>, children: ChildrenFn) -> AnyView {
    let view = Resource::new_blocking(move || room.get(), first_view_of);
    let shown = move || {
        let children = children.clone();
        Suspend::new(async move {
            if let Ok(view) = view.await {
                use_first_view(view);
            }
            children()
        })
    };
    view! { <Transition>{shown}</Transition> }.into_any()
}

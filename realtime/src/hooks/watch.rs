//! People whom a page wants to see wherever they stand in a large room.

use leptos::prelude::*;

#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
use super::RealtimeContext;
use super::RoomSource;
use crate::protocol::UserId;

/// Shows these people of a room even where it is too large to show everyone, such as friends: at most
/// [`JoinRoom::MAX_WATCHED`](crate::protocol::JoinRoom::MAX_WATCHED), of all parts of the page together. They appear among the members of
/// [`use_presence`](super::use_presence). The page's own person is always shown.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{UserId, rooms, use_presence, use_watch};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn Friends(friends: Vec<UserId>) -> impl IntoView {
///     let presence = use_presence(Board(7));
///     use_watch(Board(7), friends);
///     view! { {move || presence.members.get().len()} }
/// }
/// ```
///
/// ## Server-side rendering
/// Does nothing.
pub fn use_watch(room: impl RoomSource, people: impl Into<Signal<Vec<UserId>>>) {
    let (room, people) = (room.into_room_id(), people.into());
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = use_context::<RealtimeContext>() {
        crate::client::follow_room(&context, room, move |room, _, client| {
            let list = client.watch(room, people.get());
            let (client, room) = (client.clone(), room.clone());
            move || {
                if let Some(list) = list {
                    client.unwatch(&room, list);
                }
            }
        });
    }
    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    let _ = (room, people);
}

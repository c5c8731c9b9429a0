//! What is said to everyone.

use serde::{Serialize, de::DeserializeOwned};

use super::use_room_events;
use crate::protocol::{Announcements, Position, RoomUpdate};

/// Calls `f` with everything that the host [announces](crate::Realtime::announce) from now on. After an absence that
/// was longer than the retention it is a [`RoomUpdate::Reset`].
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{RoomUpdate, use_announcements};
///
/// #[component]
/// fn Announcement() -> impl IntoView {
///     let latest = RwSignal::new(String::new());
///     use_announcements(move |update| {
///         if let RoomUpdate::Event(event) = update {
///             latest.set(event.data);
///         }
///     });
///     view! { <p role="status">{latest}</p> }
/// }
/// ```
///
/// ## Server-side rendering
/// Does nothing.
pub fn use_announcements<E>(f: impl Fn(RoomUpdate<E>) + 'static)
where
    E: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    use_room_events(Announcements::<E>::new(), None::<Position>, f);
}

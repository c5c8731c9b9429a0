//! Who is here.

use leptos::prelude::*;

use super::{RoomSource, use_room_view};
use crate::{
    core::view::{RoomView, ViewState},
    protocol::{Member, RoomId},
};

/// What [`use_presence`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UsePresenceReturn {
    /// Everyone here, in the order in which they came; in a large room the first of them, and those whom this page
    /// [watches](super::use_watch). Who hides sees themselves here, and nobody else does.
    pub members: Signal<Vec<Member>>,
    /// How many people are here, as others see it: guests and who hides are not counted.
    pub count: Signal<usize>,
    /// How many guests are here.
    pub guests: Signal<u32>,
    /// How much of this can be trusted.
    pub state: Signal<ViewState>,
}

/// Who is in a room, as it changes. The page's person is then in the room too, and is seen there by others.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{rooms, use_presence};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn Here() -> impl IntoView {
///     let presence = use_presence(Board(7));
///     view! { <p>{move || presence.count.get()} " people are here"</p> }
/// }
/// ```
///
/// ## Server-side rendering
/// Shows the people of the [`FirstView`](crate::FirstView) given to [`use_first_view`](super::use_first_view), or
/// nobody, in state [`ViewState::Loading`], without one.
pub fn use_presence(room: impl RoomSource) -> UsePresenceReturn {
    presence_of(room.into_room_id())
}

/// Not generic, so that its code is there once, whatever kinds of rooms a host has.
fn presence_of(room: Signal<RoomId>) -> UsePresenceReturn {
    let view = use_room_view(room);
    UsePresenceReturn {
        members: Memo::new(move |_| view.with(|view| view.members_by_arrival())).into(),
        count: Memo::new(move |_| view.with(RoomView::count)).into(),
        guests: Memo::new(move |_| view.with(|view| view.guests)).into(),
        state: Memo::new(move |_| view.with(|view| view.state.clone())).into(),
    }
}

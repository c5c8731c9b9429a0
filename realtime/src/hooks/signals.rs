//! What people in a room signal to each other.

use std::marker::PhantomData;

use leptos::prelude::*;

use super::{RealtimeContext, RoomSource};
use crate::{
    core::session::Answer,
    protocol::{Room, RoomId, UserId},
};

/// What [`use_signals`] returns: a way to signal.
pub struct UseSignalsReturn<S> {
    room: Signal<RoomId>,
    context: StoredValue<Option<RealtimeContext>>,
    kind: PhantomData<fn(S)>,
}

impl<S> Clone for UseSignalsReturn<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for UseSignalsReturn<S> {}

impl<S: serde::Serialize> UseSignalsReturn<S> {
    /// Signals to everyone else in the room. Of the moment: without a connection it is [`Answer::Lost`] at once, and
    /// [`Answer::Acknowledged`] says that the server passed it on, not that anybody could take it.
    pub async fn send(&self, signal: &S) -> Answer {
        let (context, room) = (self.context.try_get_value(), self.room.try_get_untracked());
        let data = serde_json::value::to_raw_value(signal);
        #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
        if let (Some(Some(context)), Some(room), Ok(data)) = (&context, &room, data) {
            return context.client.signal(room, data).await;
        }
        #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
        let _ = (context, room, data);
        Answer::Lost
    }
}

/// Calls `f` with each signal of others in a room (nobody: of the host), and returns a way to send one. Signals are
/// neither ordered nor kept: who cannot take one right now misses it.
///
/// ## Usage
/// ```
/// use leptos::{prelude::*, task::spawn_local};
/// use leptos_realtime::{NoEvent, rooms, use_signals};
///
/// rooms! { Canvas(i64) => NoEvent, (i32, i32) }
///
/// #[component]
/// fn Pointers() -> impl IntoView {
///     let signals = use_signals(Canvas(7), |user, (x, y)| leptos::logging::log!("{user:?} is at {x}, {y}"));
///     view! {
///         <div on:click=move |event| spawn_local(async move {
///             signals.send(&(event.client_x(), event.client_y())).await;
///         })></div>
///     }
/// }
/// ```
///
/// ## Server-side rendering
/// Does nothing.
pub fn use_signals<R, F>(room: R, f: F) -> UseSignalsReturn<<R::Room as Room>::Signal>
where
    R: RoomSource,
    F: Fn(Option<UserId>, <R::Room as Room>::Signal) + 'static,
{
    let room = room.into_room_id();
    let context = use_context::<RealtimeContext>();
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = &context {
        crate::client::listen_to_signals(context, room, f);
    }
    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    let _ = f;
    UseSignalsReturn {
        room,
        context: StoredValue::new(context),
        kind: PhantomData,
    }
}

//! Who is typing.

use leptos::prelude::*;

use super::{Command, RealtimeContext, RoomSource, use_connection, use_room_view};
use crate::protocol::{RoomId, User};

/// What [`use_typing`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseTypingReturn {
    /// The other people who are typing.
    pub people: Signal<Vec<User>>,
    /// The person here types: to be called at each key, sent as seldom as it needs to be.
    pub start: Command,
    /// The person here has stopped: when the text is sent or given up. Without it the typing line ends by itself.
    pub stop: Command,
}

/// Who is typing in a room, and a way to say that the person here is.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{rooms, use_typing};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn Editor() -> impl IntoView {
///     let typing = use_typing(Board(7));
///     view! { <textarea on:input=move |_| typing.start.run(()) on:blur=move |_| typing.stop.run(())></textarea> }
/// }
/// ```
///
/// ## Server-side rendering
/// Nobody types.
pub fn use_typing(room: impl RoomSource) -> UseTypingReturn {
    typing_in(room.into_room_id())
}

fn typing_in(room: Signal<RoomId>) -> UseTypingReturn {
    let view = use_room_view(room);
    let me = use_connection().user;
    let people = Memo::new(move |_| {
        let me = me.get().map(|user| user.id);
        view.with(|view| {
            let others = view.typing.iter();
            let others = others.filter(|user| Some(&user.id) != me.as_ref());
            others.cloned().collect::<Vec<_>>()
        })
    });
    let context = StoredValue::new(use_context::<RealtimeContext>());
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    let typed_in = stop_at_the_end(context);
    let say = move |on: bool| {
        #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
        if let Some(Some(context)) = context.try_get_value()
            && let Some(room) = room.try_get_untracked()
        {
            context.client.typing(&room, on);
            typed_in.try_set_value(on.then_some(room));
        }
        #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
        let _ = (on, context);
    };
    UseTypingReturn {
        people: people.into(),
        start: Command::new(move || say(true)),
        stop: Command::new(move || say(false)),
    }
}

/// Where the component's person is typing, which ends with the component: a text that is gone is no longer written.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn stop_at_the_end(context: StoredValue<Option<RealtimeContext>>) -> StoredValue<Option<RoomId>> {
    let typed_in = ArcStoredValue::new(None::<RoomId>);
    let shared = StoredValue::from(typed_in.clone());
    if let Some(context) = context.get_value() {
        on_cleanup(move || {
            if let Some(room) = typed_in.get_value() {
                context.client.typing(&room, false);
            }
        });
    }
    shared
}

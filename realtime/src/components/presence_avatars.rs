//! The faces of who is here.

use leptos::prelude::*;

use super::avatar::Avatar;
use crate::{
    core::view::ViewState,
    hooks::{RoomSource, use_presence},
    protocol::{RoomId, Status},
};

/// The faces of who is in a room, the first to come first: at most `max`, then how many more, then the guests.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{PresenceAvatars, rooms};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn Header() -> impl IntoView {
///     view! { <PresenceAvatars room=Board(7) max=5/> }
/// }
/// ```
#[component]
pub fn PresenceAvatars<S: RoomSource>(
    /// The room, or a signal of it.
    room: S,
    /// The most faces to show.
    #[prop(default = 5)]
    max: usize,
) -> impl IntoView {
    avatars(room.into_room_id(), max)
}

/// Not generic, so that its code is there once, whatever kinds of rooms a host has.
fn avatars(room: Signal<RoomId>, max: usize) -> AnyView {
    let presence = use_presence(room);
    let shown = move || {
        presence
            .members
            .get()
            .into_iter()
            .take(max)
            .collect::<Vec<_>>()
    };
    // Who hides is shown to themselves, and counted by nobody.
    let counted = move || {
        presence.members.with(|members| {
            let shown = members.iter().take(max);
            shown
                .filter(|member| member.status != Status::Invisible)
                .count()
        })
    };
    let more = move || presence.count.get().saturating_sub(counted());
    let loading = move || presence.state.get() == ViewState::Loading;
    let state = move || match presence.state.get() {
        ViewState::Loading => "loading",
        ViewState::Live => "live",
        ViewState::Stale => "stale",
        ViewState::Refused(_) => "refused",
    };
    let label = move || match loading() {
        true => "Loading who is here".to_owned(),
        false => people_here(presence.count.get()),
    };
    let crowded = move || more() > 0;
    let guests = move || presence.guests.get() > 0;
    let nobody = move || {
        let alone = presence.members.with(Vec::is_empty) && presence.count.get() == 0;
        !loading() && alone && presence.guests.get() == 0
    };
    view! {
        <div class="rt-presence" data-state=state aria-busy=move || loading().to_string()>
            <ul class="rt-avatars" aria-label=label>
                <For each=shown key=|member| (member.user.clone(), member.name.clone(), member.status, member.devices.clone()) let:member>
                    <li><Avatar member/></li>
                </For>
                <Show when=loading>
                    <li class="rt-avatar rt-skeleton" aria-hidden="true"></li>
                </Show>
                <Show when=crowded>
                    <li class="rt-more">{move || format!("+{}", more())}</li>
                </Show>
            </ul>
            <Show when=guests>
                <span class="rt-guests">{move || guests_here(presence.count.get(), presence.guests.get())}</span>
            </Show>
            <Show when=nobody>
                <span class="rt-guests">"Nobody is here right now"</span>
            </Show>
        </div>
    }
    .into_any()
}

fn people_here(count: usize) -> String {
    match count {
        0 => "Nobody is here right now".to_owned(),
        1 => "One person is here".to_owned(),
        count => format!("{count} people are here"),
    }
}

fn guests_here(people: usize, guests: u32) -> String {
    match (people, guests) {
        (0, 1) => "One guest is here".to_owned(),
        (0, guests) => format!("{guests} guests are here"),
        (_, 1) => "and one guest".to_owned(),
        (_, guests) => format!("and {guests} guests"),
    }
}

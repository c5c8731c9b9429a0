//! Who is here: the faces, and on wide pages their names.

use leptos::prelude::*;
use leptos_realtime::{PresenceAvatars, RoomId, Status, use_presence};

/// The most names to list.
const NAMES: usize = 30;

/// Who is in a room.
#[component]
pub fn WhoIsHere(#[prop(into)] room: RoomId) -> impl IntoView {
    let presence = use_presence(room.clone());
    let heading = move || match presence.count.get() {
        0 => "Who is here".to_owned(),
        1 => "One person here".to_owned(),
        count => format!("{count} people here"),
    };
    let listed = move || {
        presence
            .members
            .get()
            .into_iter()
            .take(NAMES)
            .collect::<Vec<_>>()
    };
    view! {
        <section class="here" aria-labelledby="here">
            <h2 id="here">{heading}</h2>
            <PresenceAvatars room max=5/>
            <ul class="here-names">
                <For each=listed key=|member| (member.user.clone(), member.name.clone(), member.status) let:member>
                    <li data-status=if member.status == Status::Online { "online" } else { "away" }>
                        <bdi>{member.name}</bdi>
                    </li>
                </For>
            </ul>
        </section>
    }
    .into_any()
}

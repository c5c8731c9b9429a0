//! What moderators did in a community.

use leptos::prelude::*;
use leptos_realtime::{RoomUpdate, TimeAgo, use_room_events};

use crate::{
    model::{Moderation, Subject},
    rooms::{ModerationEvent, Moderators},
};

/// What moderators did, for the others, live.
#[component]
pub(super) fn ForModerators(community: i64, moderation: Moderation) -> impl IntoView {
    let list = RwSignal::new(moderation.list);
    use_room_events(Moderators(community), moderation.since, move |update| {
        if let RoomUpdate::Event(event) = update {
            let ModerationEvent::Deleted(moderated) = event.data;
            list.update(|list| {
                list.retain(|known| known.id != moderated.id);
                list.insert(0, moderated);
            });
        }
    });
    view! {
        <section class="moderated" aria-labelledby="moderated">
            <h2 id="moderated">"For moderators"</h2>
            <ul aria-live="polite">
                <For each=move || list.get() key=|moderated| moderated.id let:moderated>
                    <li>
                        <bdi>{moderated.moderator.name}</bdi>
                        {match moderated.subject {
                            Subject::Post => " deleted the post ",
                            Subject::Comment => " deleted a comment on ",
                        }}
                        <a href=moderated.href dir="auto">{moderated.title}</a>
                        " by " <bdi>{moderated.author.name}</bdi> " · "
                        <TimeAgo at=moderated.created.unsigned_abs()/>
                    </li>
                </For>
            </ul>
            <Show when=move || list.with(Vec::is_empty)>
                <p class="meta">"Nothing has been deleted."</p>
            </Show>
        </section>
    }
    .into_any()
}

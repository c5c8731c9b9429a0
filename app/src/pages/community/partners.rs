//! What partners share with a community.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use crate::{
    api::at_partners,
    components::keep_asking,
    model::{PartnerComment, PartnerPost, PartnerPresence},
};

/// The most posts, and comments, of partners to show.
const SHOWN: usize = 5;

/// Adds something, or replaces it: an event may tell of what the page has already. The newest first.
pub(super) fn put<T: Send + Sync + 'static>(
    list: RwSignal<Vec<T>>,
    shared: T,
    id: impl Fn(&T) -> i64,
) {
    list.update(|list| {
        list.retain(|known| id(known) != id(&shared));
        let place = list.partition_point(|known| id(known) > id(&shared));
        list.insert(place, shared);
        list.truncate(SHOWN);
    });
}

/// How many people are in the partner communities that share that.
#[component]
pub(super) fn ThereNow(
    community: i64,
    /// As it was when the page was loaded.
    presence: Vec<PartnerPresence>,
) -> impl IntoView {
    let presence = RwSignal::new(presence);
    keep_asking(presence, move || at_partners(community));
    let people = |people| match people {
        0 => "nobody just now".to_owned(),
        1 => "one person".to_owned(),
        people => format!("{people} people"),
    };
    view! {
        <Show when=move || presence.with(|presence| !presence.is_empty())>
            <section class="there" aria-labelledby="there">
                <h2 id="there">"At our partners"</h2>
                <ul>
                    <For each=move || presence.get() key=|there| (there.community.id, there.people) let:there>
                        <li>
                            <a href=format!("/c/{}", there.community.slug)>{there.community.name}</a>
                            ": " {people(there.people)}
                        </li>
                    </For>
                </ul>
            </section>
        </Show>
    }
}

#[component]
pub(super) fn FromPartners(
    partners: RwSignal<Vec<PartnerPost>>,
    comments: RwSignal<Vec<PartnerComment>>,
) -> impl IntoView {
    let any_comments = move || comments.with(|list| !list.is_empty());
    let any = move || any_comments() || partners.with(|list| !list.is_empty());
    view! {
        <Show when=any>
            <section class="partners" aria-labelledby="partners">
                <h2 id="partners">"From partner communities"</h2>
                <ul class="entries" aria-live="polite">
                    <For each=move || partners.get() key=|shared| (shared.post.id, shared.post.version) let:shared>
                        <li class="entry" data-origin=shared.community.slug.clone()>
                            <h3>
                                <a href=format!("/c/{}/{}/{}", shared.community.slug, shared.board, shared.post.id) dir="auto">
                                    {shared.post.title}
                                </a>
                            </h3>
                            <p class="meta">
                                <bdi>{shared.post.author.name}</bdi>
                                " · from "
                                <a href=format!("/c/{}", shared.community.slug)><bdi>{shared.community.name}</bdi></a>
                                " · "
                                <TimeAgo at=shared.post.created.unsigned_abs()/>
                            </p>
                        </li>
                    </For>
                </ul>
                <ul class="said" aria-label="Comments" aria-live="polite">
                    <For each=move || comments.get() key=|shared| (shared.id, shared.excerpt.clone()) let:shared>
                        <li data-origin=shared.community.slug.clone()>
                            <p dir="auto">{shared.excerpt}</p>
                            <p class="meta">
                                <bdi>{shared.author.name}</bdi>
                                " on "
                                <a
                                    href=format!(
                                        "/c/{}/{}/{}#comment-{}",
                                        shared.community.slug, shared.board, shared.post, shared.id,
                                    )
                                    dir="auto"
                                >
                                    {shared.title}
                                </a>
                                " · from " <bdi>{shared.community.name}</bdi> " · "
                                <TimeAgo at=shared.created.unsigned_abs()/>
                            </p>
                        </li>
                    </For>
                </ul>
            </section>
        </Show>
    }
}

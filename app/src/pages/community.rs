//! A community: its boards, and who is in it.

use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_realtime::{Room, RoomUpdate, TimeAgo, hooks::use_first_view, use_room_events};

use super::use_param;
use crate::{
    api::load_community,
    components::{BoardList, KnownPlace, WhoIsHere, loaded},
    model::{self, PartnerPost},
    rooms::{Board, Community, CommunityEvent},
};

#[component]
pub fn CommunityPage() -> impl IntoView {
    let slug = use_param("community");
    let page = Resource::new(move || slug.get(), load_community);
    loaded(page, |page| view! { <Page page/> })
}

#[component]
fn Page(page: model::CommunityPage) -> impl IntoView {
    let room = Community(page.community.id);
    let since = page.view.position;
    use_first_view(page.view);
    let partners = RwSignal::new(page.partners);
    let slug = page.community.slug.clone();
    use_room_events(room.clone(), since, move |update| match update {
        RoomUpdate::Event(event) => match event.data {
            CommunityEvent::PartnerPost(shared) => put(partners, shared),
        },
        RoomUpdate::Reset(_) => {
            let slug = slug.clone();
            spawn_local(async move {
                if let Ok(page) = load_community(slug).await {
                    partners.try_set(page.partners);
                }
            });
        }
        // Of a newer server: the page goes on without it until it is loaded anew.
        _ => {}
    });
    let places: Vec<_> = page
        .boards
        .iter()
        .map(|board| KnownPlace {
            room: Board(board.id).room_id(),
            name: board.name.clone(),
            href: format!("/c/{}/{}", page.community.slug, board.slug),
        })
        .collect();
    let entries = page
        .boards
        .iter()
        .map(|board| {
            let posts = match board.posts {
                1 => "1 post".to_owned(),
                posts => format!("{posts} posts"),
            };
            view! {
                <li class="entry">
                    <h2><a href=format!("/c/{}/{}", page.community.slug, board.slug)>{board.name.clone()}</a></h2>
                    <p>{board.about.clone()}</p>
                    <p class="meta">{posts}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <Title text=page.community.name.clone()/>
        <div class="columns">
            <BoardList community=page.community.clone() boards=page.boards/>
            <aside class="side"><WhoIsHere room places/></aside>
            <section class="talk">
                <h1>{page.community.name}</h1>
                <p class="lead">{page.community.about}</p>
                <ul class="entries">{entries}</ul>
                <FromPartners partners/>
            </section>
        </div>
    }
    .into_any()
}

/// The most posts of partners to show.
const SHOWN: usize = 5;

/// Adds a post, or replaces it: an event may tell of what the page has already.
fn put(partners: RwSignal<Vec<PartnerPost>>, shared: PartnerPost) {
    partners.update(|list| {
        list.retain(|known| known.post.id != shared.post.id);
        let place = list.partition_point(|known| known.post.id > shared.post.id);
        list.insert(place, shared);
        list.truncate(SHOWN);
    });
}

#[component]
fn FromPartners(partners: RwSignal<Vec<PartnerPost>>) -> impl IntoView {
    let any = move || partners.with(|list| !list.is_empty());
    view! {
        <Show when=any>
            <section class="partners" aria-labelledby="partners">
                <h2 id="partners">"From partner communities"</h2>
                <ul class="entries" aria-live="polite">
                    <For each=move || partners.get() key=|shared| shared.post.id let:shared>
                        <li class="entry" data-origin=shared.community.slug.clone()>
                            <h3>
                                <a href=format!("/c/{}/{}#post-{}", shared.community.slug, shared.board, shared.post.id) dir="auto">
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
            </section>
        </Show>
    }
}

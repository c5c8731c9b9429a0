//! A community: its boards, who is in it, and what its partners share.

use leptos::{prelude::*, task::spawn_local};
use leptos_realtime::{Room, RoomUpdate, TimeAgo, hooks::use_first_view, use_room_events};

use super::use_param;
use crate::{
    api::load_community,
    components::{About, BoardList, KnownPlace, WhoIsHere, loaded, use_account},
    model::{self, Moderation, PartnerComment, PartnerPost, PartnerPresence, Subject, Viewer},
    rooms::{Board, Community, CommunityEvent, ModerationEvent, Moderators},
};

#[component]
pub fn CommunityPage() -> impl IntoView {
    let slug = use_param("community");
    let changes = use_account().changes;
    let page = Resource::new(
        move || (slug.get(), changes.get()),
        |(slug, _)| load_community(slug),
    );
    loaded(page, |page| view! { <Page page/> })
}

#[component]
fn Page(page: model::CommunityPage) -> impl IntoView {
    let room = Community(page.community.id);
    let since = page.view.position;
    use_first_view(page.view);
    let partners = RwSignal::new(page.partners);
    let comments = RwSignal::new(page.partner_comments);
    let slug = page.community.slug.clone();
    use_room_events(room.clone(), since, move |update| match update {
        RoomUpdate::Event(event) => match event.data {
            CommunityEvent::PartnerPost(shared) => {
                put(partners, shared, |shared| shared.post.id);
            }
            CommunityEvent::PartnerComment(shared) => put(comments, shared, |shared| shared.id),
        },
        RoomUpdate::Reset(_) => {
            let slug = slug.clone();
            spawn_local(async move {
                if let Ok(page) = load_community(slug).await {
                    partners.try_set(page.partners);
                    comments.try_set(page.partner_comments);
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
    let moderated = page.moderation.map(|moderation| {
        view! { <ForModerators community=page.community.id moderation/> }
    });
    let manage = page.viewer.as_ref().is_some_and(Viewer::administers).then(|| {
        view! { <p class="manage"><a href=format!("/c/{}/manage", page.community.slug)>"Partners and roles"</a></p> }
    });
    view! {
        <About title=page.community.name.clone() description=page.community.about.clone()/>
        <div class="columns">
            <BoardList community=page.community.clone() boards=page.boards/>
            <aside class="side">
                <WhoIsHere room places/>
                <ThereNow presence=page.partner_presence/>
            </aside>
            <section class="talk">
                <h1>{page.community.name}</h1>
                <p class="lead">{page.community.about}</p>
                {manage}
                <ul class="entries">{entries}</ul>
                <FromPartners partners comments/>
                {moderated}
            </section>
        </div>
    }
    .into_any()
}

/// The most posts, and comments, of partners to show.
const SHOWN: usize = 5;

/// Adds something, or replaces it: an event may tell of what the page has already. The newest first.
fn put<T: Send + Sync + 'static>(list: RwSignal<Vec<T>>, shared: T, id: impl Fn(&T) -> i64) {
    list.update(|list| {
        list.retain(|known| id(known) != id(&shared));
        let place = list.partition_point(|known| id(known) > id(&shared));
        list.insert(place, shared);
        list.truncate(SHOWN);
    });
}

/// How many people are in partner communities, as it was when the page was loaded.
#[component]
fn ThereNow(presence: Vec<PartnerPresence>) -> impl IntoView {
    let lines = presence
        .into_iter()
        .map(|there| {
            let people = match there.people {
                0 => "nobody just now".to_owned(),
                1 => "one person".to_owned(),
                people => format!("{people} people"),
            };
            view! {
                <li><a href=format!("/c/{}", there.community.slug)>{there.community.name}</a> ": " {people}</li>
            }
        })
        .collect::<Vec<_>>();
    (!lines.is_empty()).then(|| {
        view! {
            <section class="there" aria-labelledby="there">
                <h2 id="there">"At our partners"</h2>
                <ul>{lines}</ul>
            </section>
        }
    })
}

#[component]
fn FromPartners(
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
                    <For each=move || partners.get() key=|shared| shared.post.id let:shared>
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
                    <For each=move || comments.get() key=|shared| shared.id let:shared>
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

/// What moderators did, for the others, live.
#[component]
fn ForModerators(community: i64, moderation: Moderation) -> impl IntoView {
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

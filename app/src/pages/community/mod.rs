//! A community: its boards, who is in it, and what its partners share.

mod membership;
mod moderated;
mod partners;

use leptos::{prelude::*, task::spawn_local};
use leptos_realtime::{
    Member, Room, RoomId, RoomUpdate, Status,
    hooks::{UsePresenceReturn, use_first_view},
    use_presence, use_room_events,
};

use self::{
    membership::Membership,
    moderated::ForModerators,
    partners::{FromPartners, ThereNow, put},
};

use super::use_param;
use crate::{
    api::load_community,
    components::{About, BoardList, KnownPlace, Last, WhoIsHere, loaded, use_account},
    model::{self, Viewer},
    rooms::{Board, Community, CommunityEvent},
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

/// How many of those in the community are at one of its boards; nothing where not all of them are known.
fn here(presence: UsePresenceReturn, board: &RoomId) -> Option<String> {
    let (known, here) = presence.members.with(|members| {
        let shown = || {
            members
                .iter()
                .filter(|member| member.status != Status::Invisible)
        };
        let at_board = |member: &&Member| member.at.iter().any(|place| place.room == *board);
        (shown().count(), shown().filter(at_board).count())
    });
    (here > 0 && known >= presence.count.get()).then(|| format!(" · {here} there now"))
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
            CommunityEvent::PartnerPostDeleted { post } => {
                partners.update(|list| list.retain(|shared| shared.post.id != post));
                comments.update(|list| list.retain(|shared| shared.post != post));
            }
            CommunityEvent::PartnerComment(shared) => put(comments, shared, |shared| shared.id),
            CommunityEvent::PartnerCommentDeleted { comment } => {
                comments.update(|list| list.retain(|shared| shared.id != comment));
            }
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
    let presence = use_presence(room.clone());
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
            let last = page.latest.iter().find(|last| last.board == board.id);
            let room = Board(board.id).room_id();
            view! {
                <li class="entry">
                    <h2><a href=format!("/c/{}/{}", page.community.slug, board.slug)>{board.name.clone()}</a></h2>
                    <p>{board.about.clone()}</p>
                    <p class="meta">{posts} {move || here(presence, &room)}</p>
                    {last.cloned().map(|post| view! { <Last post/> })}
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
                <ThereNow community=page.community.id presence=page.partner_presence/>
            </aside>
            <section class="talk">
                <h1>{page.community.name}</h1>
                <p class="lead">{page.community.about}</p>
                <div class="membership-line">
                    <Membership community=page.community.id viewer=page.viewer open=page.open/>
                    {manage}
                </div>
                <ul class="entries">{entries}</ul>
                <FromPartners partners comments/>
                {moderated}
            </section>
        </div>
    }
    .into_any()
}

//! A community: its boards, and who is in it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{Room, hooks::use_first_view};

use super::use_param;
use crate::{
    api::load_community,
    components::{BoardList, KnownPlace, WhoIsHere, loaded},
    model,
    rooms::{Board, Community},
};

#[component]
pub fn CommunityPage() -> impl IntoView {
    let slug = use_param("community");
    let page = Resource::new(move || slug.get(), load_community);
    loaded(page, |page| view! { <Page page/> })
}

#[component]
fn Page(page: model::CommunityPage) -> impl IntoView {
    use_first_view(page.view);
    let room = Community(page.community.id);
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
            </section>
        </div>
    }
    .into_any()
}

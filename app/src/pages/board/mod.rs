//! A board: its posts, live, and the form that adds one.

mod composer;
mod list;
mod posts;

use leptos::prelude::*;
use leptos_realtime::{Room as _, RoomUpdate, hooks::use_first_view, use_room_events};

use self::{composer::Composer, list::PostList, posts::Posts};
use super::{use_number, use_param};
use crate::{
    api::load_board,
    components::{About, BoardList, KnownPlace, WhoIsHere, loaded, use_account},
    model,
    rooms::{Board, BoardEvent, Post},
};

#[component]
pub fn BoardPage() -> impl IntoView {
    let (community, board) = (use_param("community"), use_param("board"));
    let before = use_number("before");
    let changes = use_account().changes;
    let page = Resource::new(
        move || (community.get(), board.get(), before.get(), changes.get()),
        |(community, board, before, _)| load_board(community, board, before),
    );
    loaded(page, move |page| {
        let newest = before.get_untracked().is_none();
        view! { <Page page newest/> }
    })
}

#[component]
fn Page(
    page: model::BoardPage,
    /// Whether it shows the newest posts, where new ones belong.
    newest: bool,
) -> impl IntoView {
    let room = Board(page.board.id);
    let since = page.view.position;
    use_first_view(page.view);
    let posts = Posts::new(page.board.id, page.posts);
    let address = (page.community.slug.clone(), page.board.slug.clone());
    let home = format!("/c/{}/{}", address.0, address.1);
    use_room_events(room.clone(), since, move |update| match update {
        RoomUpdate::Event(event) => match event.data {
            BoardEvent::PostCreated(post) if newest => posts.arrive(post),
            BoardEvent::PostCreated(_) => {}
            BoardEvent::PostChanged(post) => posts.follow(post),
            BoardEvent::Voted { post, votes } => {
                posts.change(post, |post| post.votes.follow(votes));
            }
            BoardEvent::Commented { post, comments } => {
                posts.change(post, |post| post.comments.follow(comments));
            }
        },
        RoomUpdate::Reset(_) if newest => posts.look_again(address.clone(), 0),
        // Older posts are as they were; or of a newer server: the page goes on without it until it is loaded anew.
        _ => {}
    });
    // Who reads one of the posts is named with it.
    let at = home.clone();
    let places = Memo::new(move |_| {
        posts.list.with(|posts| {
            let place = |post: &model::Post| KnownPlace {
                room: Post(post.id).room_id(),
                name: format!("reads “{}”", post.title),
                href: format!("{at}/{}", post.id),
            };
            let shown = posts.iter().filter(|post| !post.deleted);
            shown.map(place).collect::<Vec<_>>()
        })
    });
    let person = page.viewer.as_ref().map(|viewer| viewer.person.id);
    view! {
        <About title=page.board.name.clone() description=format!("{} {}", page.board.about, page.community.about)/>
        <div class="columns">
            <BoardList community=page.community boards=page.boards/>
            <aside class="side"><WhoIsHere room=room.clone() places/></aside>
            <section class="talk">
                <h1>{page.board.name}</h1>
                <p class="lead">{page.board.about}</p>
                {(!newest).then(|| view! { <p class="older"><a href=home.clone()>"To the newest posts"</a></p> })}
                <Composer room posts person/>
                <PostList posts home=home.clone() signed_in=person.is_some()/>
            </section>
        </div>
    }
    .into_any()
}

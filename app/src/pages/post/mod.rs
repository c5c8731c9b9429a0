//! A post with its comments, live.

mod article;
mod comment;
mod forms;
mod talk;
mod threads;

use leptos::prelude::*;
use leptos_realtime::{
    InboxState, Mark, Notification, RoomUpdate, TypingIndicator, hooks::use_first_view,
    use_notifications, use_presence, use_room_events,
};
use leptos_router::hooks::use_location;

use self::{
    article::Article,
    comment::CommentList,
    forms::{CommentForm, Unsent},
    talk::{Open, Talk},
};
use super::{use_number, use_param};
use crate::{
    api::load_post,
    components::{About, BoardList, WhoIsHere, comments_in_words, loaded, use_account},
    model,
    notice::Notice,
    rooms::{Board, Post, PostEvent},
};

#[component]
pub fn PostPage() -> impl IntoView {
    let (community, board, post) = (
        use_param("community"),
        use_param("board"),
        use_param("post"),
    );
    let after = use_number("after");
    let changes = use_account().changes;
    let page = Resource::new(
        move || {
            (
                community.get(),
                board.get(),
                post.get(),
                after.get(),
                changes.get(),
            )
        },
        |(community, board, post, after, _)| async move {
            // What is no number is no post's.
            load_post(community, board, post.parse().unwrap_or_default(), after).await
        },
    );
    loaded(page, move |page| {
        let oldest = after.get_untracked().is_none();
        view! { <Page page oldest/> }
    })
}

/// Who opens a post has read what they were told of it by then.
fn mark_read(post: i64) {
    let inbox = use_notifications::<Notice>();
    Effect::new(move |done: Option<bool>| {
        if done == Some(true) || inbox.state.get() != InboxState::Ready {
            return done == Some(true);
        }
        let about = |one: &&Notification<Notice>| one.is_unread() && one.data.is_of(post);
        let told: Vec<_> = inbox.items.with_untracked(|items| {
            let told = items.iter().filter(about);
            told.map(|one| one.id).collect()
        });
        if !told.is_empty() {
            inbox.mark.run((told, Mark::Read));
        }
        true
    });
}

/// How many people are at the post's board. Whoever reads the post is there too.
#[component]
fn AtTheBoard(board: i64, name: String, href: String) -> impl IntoView {
    let presence = use_presence(Board(board));
    let people = move || match presence.count.get() {
        0 => None,
        1 => Some("One person".to_owned()),
        count => Some(format!("{count} people")),
    };
    view! {
        <p class="at-board">
            {move || people().map(|people| {
                view! { {people} " at " <a href=href.clone()>{name.clone()}</a> }
            })}
        </p>
    }
}

#[component]
fn Page(
    page: model::PostPage,
    /// Whether it begins with the oldest comment.
    oldest: bool,
) -> impl IntoView {
    let room = Post(page.post.id);
    let since = page.view.position;
    use_first_view(page.view);
    mark_read(page.post.id);
    let address = [page.community.slug.clone(), page.board.slug.clone()];
    let home = format!("/c/{}/{}", address[0], address[1]);
    let href = format!("{home}/{}", page.post.id);
    let deleted = page.post.deleted;
    let (title, text) = (page.post.title.clone(), page.post.body.clone());
    let talk = Talk::new(
        page.post,
        page.comments,
        page.viewer,
        Open::of_query(),
        href.clone(),
    );
    use_room_events(room.clone(), since, move |update| match update {
        RoomUpdate::Event(event) => match event.data {
            PostEvent::Changed(post) => talk.post.update(|known| known.follow(post)),
            PostEvent::Voted(votes) => talk.post.update(|known| known.votes.follow(votes)),
            PostEvent::Commented(comments) => {
                talk.post.update(|known| known.comments.follow(comments));
            }
            PostEvent::CommentCreated(comment) => talk.arrive(comment),
            PostEvent::CommentChanged(comment) => {
                talk.change(comment.id, |known| known.follow(comment));
            }
            PostEvent::CommentVoted { comment, votes } => {
                talk.change(comment, |known| known.votes.follow(votes));
            }
        },
        RoomUpdate::Reset(_) => talk.look_again(address.clone(), 0),
        // Of a newer server: the page goes on without it until it is loaded anew.
        _ => {}
    });
    // What the address names may not have been there when the address was followed.
    let hash = use_location().hash;
    Effect::new(move |_| {
        let named = hash.get();
        let named = named
            .strip_prefix("#comment-")
            .and_then(|id| id.parse().ok());
        if let Some(id) = named
            && talk.open.get_untracked().is_none()
        {
            talk::focus(id);
        }
    });
    let name = if deleted {
        "A deleted post".to_owned()
    } else {
        title
    };
    let count = move || comments_in_words(talk.post.with(|post| post.comments.count));
    let may_answer = move || talk.signed_in() && !talk.post.with(|post| post.deleted);
    let sign_in = format!("/sign-in?next={href}");
    view! {
        <About title=name description=text/>
        <div class="columns">
            <BoardList community=page.community boards=page.boards/>
            <aside class="side">
                <WhoIsHere room=room.clone()/>
                <AtTheBoard board=page.board.id name=page.board.name.clone() href=home.clone()/>
            </aside>
            <section class="talk">
                <p class="back"><a href=home>{page.board.name}</a></p>
                <Article talk mine=page.mine/>
                <section id="comments" aria-labelledby="comments-heading">
                    <h2 id="comments-heading">{count}</h2>
                    {(!oldest).then(|| view! { <p class="older"><a href=href.clone()>"From the first comment"</a></p> })}
                    <Show
                        when=may_answer
                        fallback=move || {
                            let sign_in = sign_in.clone();
                            match talk.signed_in() {
                                true => view! { <Unsent talk/> }.into_any(),
                                false => view! {
                                    <p class="invitation"><a href=sign_in>"Sign in"</a> " to comment."</p>
                                }
                                .into_any(),
                            }
                        }
                    >
                        <CommentForm talk parent=None/>
                    </Show>
                    <TypingIndicator room/>
                    <CommentList talk/>
                </section>
            </section>
        </div>
    }
    .into_any()
}

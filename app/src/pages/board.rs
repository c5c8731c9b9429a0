//! A board: its posts, live, and the form that adds one.

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_realtime::{
    RoomUpdate, TimeAgo, TypingIndicator, hooks::use_first_view, use_room_events, use_typing,
};
use leptos_router::hooks::use_location;

use super::use_param;
use crate::{
    api::{CreatePost, MAX_BODY, MAX_TITLE, load_board},
    components::{BoardList, OnlineDot, Separator, WhoIsHere, loaded, use_account},
    model::{self, Post},
    rooms::{Board, BoardEvent},
};

#[component]
pub fn BoardPage() -> impl IntoView {
    let (community, board) = (use_param("community"), use_param("board"));
    let page = Resource::new(
        move || (community.get(), board.get()),
        |(community, board)| load_board(community, board),
    );
    loaded(page, |page| view! { <Page page/> })
}

/// How long to wait before looking again, in seconds, one try after the other; the last one goes on.
const PATIENCE: [u64; 4] = [1, 2, 5, 15];

/// The posts of the page as they change, and those that arrived while it was open.
#[derive(Clone, Copy)]
struct Posts {
    list: RwSignal<Vec<Post>>,
    fresh: RwSignal<Vec<i64>>,
}

impl Posts {
    /// Loads the posts again, because what was missed cannot be replayed. What is being written stays as it is.
    fn look_again(self, address: (String, String), tries: usize) {
        spawn_local(async move {
            if self.list.is_disposed() {
                return;
            }
            match load_board(address.0.clone(), address.1.clone()).await {
                Ok(page) => self.replace(page.posts),
                Err(_) => {
                    let wait = PATIENCE[tries.min(PATIENCE.len() - 1)];
                    let again = move || self.look_again(address, tries + 1);
                    set_timeout(again, Duration::from_secs(wait));
                }
            }
        });
    }

    /// Shows these posts, and those that have come since they were read.
    fn replace(self, posts: Vec<Post>) {
        // The page may have been left meanwhile.
        let Some(known) = self.list.try_get_untracked() else {
            return;
        };
        let newest = posts.first().map_or(0, |post| post.id);
        let fresh = posts
            .iter()
            .filter(|post| !known.iter().any(|known| known.id == post.id));
        self.fresh
            .update(|ids| ids.extend(fresh.map(|post| post.id)));
        self.list.set(
            known
                .into_iter()
                .take_while(|post| post.id > newest)
                .chain(posts)
                .collect(),
        );
    }

    /// Adds a post, or replaces it: an event may tell of what the page has already.
    fn put(self, post: Post) {
        self.list.update(
            |list| match list.iter_mut().find(|known| known.id == post.id) {
                Some(known) => *known = post,
                None => {
                    self.fresh.update(|fresh| fresh.push(post.id));
                    let place = list.partition_point(|known| known.id > post.id);
                    list.insert(place, post);
                }
            },
        );
    }
}

#[component]
fn Page(page: model::BoardPage) -> impl IntoView {
    let room = Board(page.board.id);
    let since = page.view.position;
    use_first_view(page.view);
    let posts = Posts {
        list: RwSignal::new(page.posts),
        fresh: RwSignal::new(Vec::new()),
    };
    let address = (page.community.slug.clone(), page.board.slug.clone());
    use_room_events(room.clone(), since, move |update| match update {
        RoomUpdate::Event(event) => match event.data {
            BoardEvent::PostCreated(post) => posts.put(post),
        },
        RoomUpdate::Reset(_) => posts.look_again(address.clone(), 0),
        // Of a newer server: the page goes on without it until it is loaded anew.
        _ => {}
    });
    view! {
        <Title text=page.board.name.clone()/>
        <div class="columns">
            <BoardList community=page.community boards=page.boards/>
            <aside class="side"><WhoIsHere room=room.clone()/></aside>
            <section class="talk">
                <h1>{page.board.name}</h1>
                <p class="lead">{page.board.about}</p>
                <Transition>
                    <Composer room posts/>
                </Transition>
                <PostList posts/>
            </section>
        </div>
    }
    .into_any()
}

/// Of how many authors is shown whether they are online: a connection has at most 64 rooms, and each is one.
const AUTHORS: usize = 20;

/// The authors of the newest posts.
fn newest_authors(posts: &[Post]) -> Vec<i64> {
    let mut authors = Vec::new();
    for post in posts {
        if authors.len() < AUTHORS && !authors.contains(&post.author.id) {
            authors.push(post.author.id);
        }
    }
    authors
}

#[component]
fn PostList(posts: Posts) -> impl IntoView {
    let empty = move || posts.list.with(Vec::is_empty);
    let authors = Memo::new(move |_| posts.list.with(|posts| newest_authors(posts)));
    view! {
        <ol class="posts" aria-label="Posts, the newest first">
            <For each=move || posts.list.get() key=|post| post.id let:post>
                <PostCard fresh=posts.fresh.with_untracked(|fresh| fresh.contains(&post.id)) authors post/>
            </For>
        </ol>
        <Show when=empty>
            <p class="empty">"Nothing here yet. The first word is yours."</p>
        </Show>
    }
    .into_any()
}

#[component]
fn PostCard(post: Post, fresh: bool, authors: Memo<Vec<i64>>) -> impl IntoView {
    let author = post.author.id;
    let known = move || authors.with(|authors| authors.contains(&author));
    view! {
        <li class="post" class:fresh=fresh id=format!("post-{}", post.id)>
            <article>
                <h2 dir="auto">{post.title}</h2>
                <p class="meta">
                    <bdi>{post.author.name}</bdi>
                    " " <Show when=known fallback=Separator><OnlineDot person=author/></Show> " "
                    <TimeAgo at=post.created.unsigned_abs()/>
                </p>
                <p class="body" dir="auto">{post.body}</p>
            </article>
        </li>
    }
    .into_any()
}

/// The form that posts, for people who are signed in.
#[component]
fn Composer(room: Board, posts: Posts) -> impl IntoView {
    let account = use_account();
    let create = ServerAction::<CreatePost>::new();
    let path = use_location().pathname;
    move || {
        let room = room.clone();
        Suspend::new(async move {
            match account.person.await {
                Ok(Some(_)) => view! { <ComposerForm room create posts/> }.into_any(),
                _ => view! {
                    <p class="invitation">
                        <a href=move || format!("/sign-in?next={}", path.get())>"Sign in"</a> " to write here."
                    </p>
                    <TypingIndicator room/>
                }
                .into_any(),
            }
        })
    }
}

#[component]
fn ComposerForm(room: Board, create: ServerAction<CreatePost>, posts: Posts) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let title = NodeRef::<html::Input>::new();
    let typing = use_typing(room.clone());
    let board = room.0;
    Effect::new(move |_| {
        if let Some(Ok(post)) = create.value().get() {
            posts.put(post);
            typing.stop.run(());
            if let Some(form) = form.get_untracked() {
                form.reset();
            }
            // Where the next post begins; the button that had the focus was out of order meanwhile.
            if let Some(title) = title.get_untracked() {
                let _ = title.focus();
            }
        }
    });
    let error = move || {
        create
            .value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
    };
    let sending = move || create.pending().get();
    view! {
        <ActionForm action=create node_ref=form attr:class="form composer" attr:aria-label="Write a post">
            <input type="hidden" name="board" value=board/>
            <label for="title">"Title"</label>
            <input
                id="title"
                node_ref=title
                readonly=sending
                on:blur=move |_| typing.stop.run(())
                name="title"
                type="text"
                required
                maxlength=MAX_TITLE
                dir="auto"
                autocomplete="off"
                on:input=move |_| typing.start.run(())
            />
            <label for="body">"Text"</label>
            <textarea
                id="body"
                readonly=sending
                on:blur=move |_| typing.stop.run(())
                name="body"
                rows="3"
                required
                maxlength=MAX_BODY
                dir="auto"
                on:input=move |_| typing.start.run(())
            ></textarea>
            <p class="error" role="alert">{error}</p>
            <button class="button" type="submit" disabled=sending>
                {move || if sending() { "Posting…" } else { "Post" }}
            </button>
        </ActionForm>
        <TypingIndicator room/>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Person;

    #[test]
    fn the_authors_of_the_newest_posts_are_followed_each_once_and_not_more_than_there_is_room_for()
    {
        let post = |id: i64, author: i64| Post {
            id,
            author: Person {
                id: author,
                name: String::new(),
            },
            title: String::new(),
            body: String::new(),
            created: 0,
        };
        assert_eq!(
            newest_authors(&[post(3, 7), post(2, 5), post(1, 7)]),
            [7, 5]
        );
        let many: Vec<_> = (0..100).map(|id| post(id, id)).collect();
        assert_eq!(newest_authors(&many).len(), AUTHORS);
    }
}

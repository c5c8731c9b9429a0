//! A board's posts, the newest first.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use super::posts::Posts;
use crate::{
    components::{Edited, OnlineDot, Separator, Votes, Written, comments_in_words},
    model::{Post, Subject},
};

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
pub(super) fn PostList(
    posts: Posts,
    /// The board's address.
    home: String,
    signed_in: bool,
) -> impl IntoView {
    let empty = move || posts.list.with(Vec::is_empty);
    let authors = Memo::new(move |_| posts.list.with(|posts| newest_authors(posts)));
    let older = home.clone();
    let home = StoredValue::new(home);
    view! {
        <Waiting posts/>
        <ol class="posts" aria-label="Posts, the newest first">
            <For each=move || posts.list.get() key=|post| post.id let:post>
                <PostCard posts authors post home signed_in/>
            </For>
        </ol>
        <Show when=empty>
            <p class="empty">"Nothing here yet. The first word is yours."</p>
        </Show>
        {move || {
            let older = older.clone();
            posts.next.get().map(|next| view! {
                <p class="more">
                    <a
                        class="button quiet"
                        rel="external"
                        href=format!("{older}?before={next}")
                        aria-busy=move || posts.loading.get().to_string()
                        on:click=move |event| {
                            event.prevent_default();
                            posts.load_more();
                        }
                    >
                        {move || if posts.loading.get() { "Loading…" } else { "Older posts" }}
                    </a>
                    <span class="error" role="alert">
                        {move || posts.failed.get().then_some("They did not come. Please try again.")}
                    </span>
                </p>
            })
        }}
    }
    .into_any()
}

/// What has arrived while the reader was further down.
#[component]
fn Waiting(posts: Posts) -> impl IntoView {
    let text = move || match posts.waiting.with(Vec::len) {
        0 => None,
        1 => Some("1 new post".to_owned()),
        count => Some(format!("{count} new posts")),
    };
    let show = move |_| {
        posts.show_waiting();
        window().scroll_to_with_x_and_y(0.0, 0.0);
    };
    view! {
        <div class="pill-line" aria-live="polite">
            {move || text().map(|text| view! { <button type="button" class="pill" on:click=show>{text}</button> })}
        </div>
    }
}

#[component]
fn PostCard(
    posts: Posts,
    post: Post,
    authors: Memo<Vec<i64>>,
    home: StoredValue<String>,
    signed_in: bool,
) -> impl IntoView {
    let (id, author) = (post.id, post.author.clone());
    let fresh = posts.fresh.with_untracked(|fresh| fresh.contains(&id));
    let mine = RwSignal::new(posts.mine.with_untracked(|mine| own(mine, id)));
    let known = move || authors.with(|authors| authors.contains(&author.id));
    let created = post.created.unsigned_abs();
    let now = Memo::new(move |before: Option<&Post>| {
        let found = posts
            .list
            .with(|list| list.iter().find(|post| post.id == id).cloned());
        found
            .or_else(|| before.cloned())
            .unwrap_or_else(|| post.clone())
    });
    let href = home.with_value(|home| format!("{home}/{id}"));
    let comments = href.clone() + "#comments";
    let deleted = Memo::new(move |_| now.with(|post| post.deleted));
    let body = move || {
        if deleted.get() {
            return view! { <p class="deleted">"This post was deleted."</p> }.into_any();
        }
        let (href, comments) = (href.clone(), comments.clone());
        view! {
            <h2 dir="auto"><a href=href.clone()>{move || now.with(|post| post.title.clone())}</a></h2>
            <p class="meta">
                <bdi>{author.name.clone()}</bdi>
                " " <Show when=known fallback=Separator><OnlineDot person=author.id/></Show> " "
                <TimeAgo at=created/>
                <Edited at=Signal::derive(move || now.with(|post| post.edited))/>
            </p>
            <div class="clamp"><Written html=Signal::derive(move || now.with(|post| post.html.clone()))/></div>
            {move || now.with(|post| is_long(&post.body)).then(|| {
                let title = now.with_untracked(|post| post.title.clone());
                view! {
                    <a class="action read-on" href=href.clone()>
                        "Read on" <span class="visually-hidden">" in “" {title} "”"</span>
                    </a>
                }
            })}
            <div class="below">
                <Votes
                    subject=Subject::Post id mine may_vote=signed_in
                    votes=Signal::derive(move || now.with(|post| post.votes))
                />
                <a class="action" href=comments>
                    {move || comments_in_words(now.with(|post| post.comments.count))}
                    <span class="visually-hidden">" on “" {move || now.with(|post| post.title.clone())} "”"</span>
                </a>
            </div>
        }
        .into_any()
    };
    view! {
        <li class="post" class:fresh=fresh id=format!("post-{id}")>
            <article>{body}</article>
        </li>
    }
    .into_any()
}

/// Whether a board cuts a text off: not on a wide page before that, on a phone sooner.
fn is_long(text: &str) -> bool {
    text.len() > 1_000 || text.lines().count() > 11
}

/// A viewer's own vote, of those that are known.
fn own(mine: &[(i64, i64)], id: i64) -> i64 {
    mine.iter()
        .find(|(of, _)| *of == id)
        .map_or(0, |(_, vote)| *vote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, Tally};

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
            html: String::new(),
            created: 0,
            edited: None,
            deleted: false,
            version: 1,
            votes: Tally::default(),
            comments: Tally::default(),
        };
        assert_eq!(
            newest_authors(&[post(3, 7), post(2, 5), post(1, 7)]),
            [7, 5]
        );
        let many: Vec<_> = (0..100).map(|id| post(id, id)).collect();
        assert_eq!(newest_authors(&many).len(), AUTHORS);
    }
}

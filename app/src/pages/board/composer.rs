//! The form that posts, for people who are signed in.

use leptos::{html, prelude::*};
use leptos_realtime::{TypingIndicator, use_typing};
use leptos_router::hooks::use_location;

use super::posts::Posts;
use crate::{
    api::{CreatePost, MAX_TITLE},
    components::Draft,
    model::Post,
    rooms::Board,
};

#[component]
pub(super) fn Composer(
    room: Board,
    posts: Posts,
    /// Who looks at the page.
    person: Option<i64>,
) -> impl IntoView {
    let path = use_location().pathname;
    if let Some(person) = person {
        return view! { <ComposerForm room posts person/> }.into_any();
    }
    view! {
        <p class="invitation">
            <a href=move || format!("/sign-in?next={}", path.get())>"Sign in"</a> " to write here."
        </p>
        <TypingIndicator room/>
    }
    .into_any()
}

#[component]
fn ComposerForm(room: Board, posts: Posts, person: i64) -> impl IntoView {
    let create = ServerAction::<CreatePost>::new();
    let form = NodeRef::<html::Form>::new();
    let title = NodeRef::<html::Input>::new();
    let text = NodeRef::<html::Textarea>::new();
    let typing = use_typing(room.clone());
    let board = room.0;
    let draft = |part: &str| Draft::new(person, format_args!("board/{board}/{part}"));
    let (titled, written) = (draft("title"), draft("text"));
    Effect::new(move |_| {
        if let (Some(title), Some(kept)) = (title.get(), titled.read())
            && title.value().is_empty()
        {
            title.set_value(&kept);
        }
        if let (Some(text), Some(kept)) = (text.get(), written.read())
            && text.value().is_empty()
        {
            text.set_value(&kept);
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(post)) = create.value().get() {
            posts.put(post);
            typing.stop.run(());
            titled.forget();
            written.forget();
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
    // It was hidden while it was sent: whoever was in it goes on there.
    Effect::new(move |_| {
        if error().is_some()
            && let Some(text) = text.get_untracked()
        {
            request_animation_frame(move || drop(text.focus()));
        }
    });
    let sending = move || create.pending().get();
    // What is sent shows at once; where that fails it is a text to be changed again.
    let pending = move || {
        let post = create.pending().get().then(|| create.input().get())??;
        let known = |known: &Post| known.title == post.title.trim() && known.author.id == person;
        let heard_of = posts.list.with(|list| {
            let mut fresh = list
                .iter()
                .take_while(|known| posts.fresh.with(|fresh| fresh.contains(&known.id)));
            fresh.any(known)
        });
        (!heard_of).then_some(post)
    };
    view! {
        {move || pending().map(|post| view! {
            <div class="post pending" aria-busy="true">
                <h2 dir="auto">{post.title}</h2>
                <p class="body plain" dir="auto">{post.body}</p>
                <p class="meta" role="status">"Posting…"</p>
            </div>
        })}
        <ActionForm
            action=create node_ref=form attr:class="form composer post-form" attr:aria-label="Write a post"
            attr:hidden=move || pending().is_some()
        >
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
                placeholder="Write a post: first its title"
                maxlength=MAX_TITLE
                dir="auto"
                autocomplete="off"
                on:input=move |event| {
                    titled.keep(&event_target_value(&event));
                    typing.start.run(());
                }
            />
            <label for="body">"Text"</label>
            <textarea
                id="body"
                node_ref=text
                readonly=sending
                on:blur=move |_| typing.stop.run(())
                name="body"
                rows="3"
                placeholder=" "
                required
                dir="auto"
                aria-describedby="body-help"
                on:input=move |event| {
                    written.keep(&event_target_value(&event));
                    typing.start.run(());
                }
            ></textarea>
            <p class="help" id="body-help">"Markdown works: **bold**, *italic*, [links](https://…), lists."</p>
            <p class="error" role="alert">{error}</p>
            <button class="button" type="submit" disabled=sending>
                {move || if sending() { "Posting…" } else { "Post" }}
            </button>
        </ActionForm>
        <TypingIndicator room/>
    }
    .into_any()
}

//! The post itself, with what may be done with it.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use super::{
    forms::Confirm,
    talk::{Open, Talk},
};
use crate::{
    api::{EditPost, MAX_TITLE},
    components::{Edited, OnlineDot, Opener, Votes, Written},
    model::Subject,
};

#[component]
pub(super) fn Article(
    talk: Talk,
    /// The viewer's own vote.
    mine: i64,
) -> impl IntoView {
    let (id, author, created) = talk
        .post
        .with_untracked(|post| (post.id, post.author.clone(), post.created.unsigned_abs()));
    let mine = RwSignal::new(mine);
    let edit = ServerAction::<EditPost>::new();
    Effect::new(move |_| {
        if let Some(Ok(post)) = edit.value().get() {
            talk.post.update(|known| known.follow(post));
            talk.open.set(None);
        }
    });
    let deleted = Memo::new(move |_| talk.post.with(|post| post.deleted));
    let may_edit = talk.viewer_is(|viewer| viewer.person.id == author.id);
    let editing = Memo::new(move |_| may_edit && talk.open.get() == Some(Open::EditPost));
    let deleting = move || talk.open.get() == Some(Open::DeletePost);
    let may_delete = talk.viewer_is(|viewer| viewer.may_delete(&author));
    let actions = move || {
        view! {
            {may_edit.then(|| view! {
                <Opener
                    href=talk.href(Some(Open::EditPost)) label="Edit" about="the post"
                    open=move || talk.open.set(Some(Open::EditPost))
                />
            })}
            {may_delete.then(|| view! {
                <Opener
                    href=talk.href(Some(Open::DeletePost)) label="Delete" about="the post"
                    open=move || talk.open.set(Some(Open::DeletePost))
                />
            })}
        }
    };
    let shown = move || {
        let author = author.clone();
        if deleted.get() {
            return view! {
                <h1 class="deleted">"This post was deleted."</h1>
                <p class="meta">"Its comments stay."</p>
            }
            .into_any();
        }
        if editing.get() {
            return view! { <EditForm talk edit/> }.into_any();
        }
        view! {
            <h1 dir="auto">{move || talk.post.with(|post| post.title.clone())}</h1>
            <p class="meta">
                <bdi>{author.name}</bdi> " " <OnlineDot person=author.id/> " "
                <TimeAgo at=created/>
                <Edited at=Signal::derive(move || talk.post.with(|post| post.edited))/>
            </p>
            <Written html=Signal::derive(move || talk.post.with(|post| post.html.clone()))/>
            <div class="below">
                <Votes
                    subject=Subject::Post id mine may_vote=talk.signed_in()
                    votes=Signal::derive(move || talk.post.with(|post| post.votes))
                />
                {actions()}
            </div>
            <Show when=move || deleting() && may_delete>
                <Confirm
                    talk subject=Subject::Post id
                    question="Delete the post for everybody? Its comments stay."
                />
            </Show>
        }
        .into_any()
    };
    view! { <article class="post-alone">{shown}</article> }
}

#[component]
fn EditForm(talk: Talk, edit: ServerAction<EditPost>) -> impl IntoView {
    let (id, title, body) = talk
        .post
        .with_untracked(|post| (post.id, post.title.clone(), post.body.clone()));
    let error = move || {
        edit.value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
    };
    let sending = move || edit.pending().get();
    view! {
        <ActionForm action=edit attr:class="form composer" attr:aria-label="Edit the post">
            <input type="hidden" name="post" value=id/>
            <label for="edit-title">"Title"</label>
            <input
                id="edit-title" name="title" type="text" required maxlength=MAX_TITLE dir="auto"
                autocomplete="off" value=title autofocus readonly=sending
            />
            <label for="edit-body">"Text"</label>
            <textarea id="edit-body" name="body" rows="6" required dir="auto" readonly=sending>{body}</textarea>
            <p class="error" role="alert">{error}</p>
            <div class="form-buttons">
                <button class="button" type="submit" disabled=sending>
                    {move || if sending() { "Saving…" } else { "Save" }}
                </button>
                <a
                    class="action" rel="external" href=talk.href(None)
                    on:click=move |event| {
                        event.prevent_default();
                        talk.open.set(None);
                    }
                >
                    "Cancel"
                </a>
            </div>
        </ActionForm>
    }
}

//! The comments on a post, each with what may be done with it.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use super::{
    forms::{CommentForm, Confirm, EditForm},
    talk::{Open, Place, Talk},
    threads::{Row, rows},
};
use crate::{
    api::EditComment,
    components::{Edited, Opener, Votes, Written},
    model::{Comment, Subject},
};

#[component]
pub(super) fn CommentList(talk: Talk) -> impl IntoView {
    let shown = Memo::new(move |_| talk.comments.with(|list| rows(list)));
    let edit = ServerAction::<EditComment>::new();
    Effect::new(move |_| {
        if let Some(Ok(comment)) = edit.value().get() {
            talk.draft_of(Place::Edit(comment.id)).forget();
            talk.change(comment.id, |known| known.follow(comment));
            talk.open.set(None);
        }
    });
    let more = move || {
        talk.next.get().map(|next| {
            view! {
                <p class="more">
                    <a
                        class="button quiet"
                        rel="external"
                        href=format!("{}?after={next}#comments", talk.href(None))
                        aria-busy=move || talk.loading.get().to_string()
                        on:click=move |event| {
                            event.prevent_default();
                            talk.load_more();
                        }
                    >
                        {move || if talk.loading.get() { "Loading…" } else { "More comments" }}
                    </a>
                    <span class="error" role="alert">
                        {move || talk.failed.get().then_some("They did not come. Please try again.")}
                    </span>
                </p>
            }
        })
    };
    view! {
        <ol class="comments" aria-label="Comments">
            <For each=move || shown.get() key=|row| *row let:row>
                <CommentCard talk row edit/>
            </For>
        </ol>
        {more}
    }
    .into_any()
}

#[component]
fn CommentCard(talk: Talk, row: Row, edit: ServerAction<EditComment>) -> impl IntoView {
    let id = row.id;
    let find = move || {
        talk.comments
            .with(|list| list.iter().find(|comment| comment.id == id).cloned())
    };
    let Some(first) = untrack(find) else {
        return ().into_any();
    };
    let (author, parent) = (first.author.clone(), first.parent);
    let created = first.created.unsigned_abs();
    let now = Memo::new(move |before: Option<&Comment>| {
        find()
            .or_else(|| before.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let fresh = talk.fresh.with_untracked(|fresh| fresh.contains(&id));
    let mine = talk.mine.with_untracked(|mine| {
        let own = mine.iter().find(|(of, _)| *of == id);
        RwSignal::new(own.map_or(0, |(_, vote)| *vote))
    });
    let may_edit = talk.viewer_is(|viewer| viewer.person.id == author.id);
    let may_delete = talk.viewer_is(|viewer| viewer.may_delete(&author));
    // Memos: what changes elsewhere on the page must not make this anew, with what is being written in it.
    let may_answer = Memo::new(move |_| talk.signed_in() && !talk.post.with(|post| post.deleted));
    let is_open = move |what: Open| talk.open.get() == Some(what);
    let editing = Memo::new(move |_| may_edit && is_open(Open::Edit(id)));
    let deleted = Memo::new(move |_| now.with(|comment| comment.deleted));
    // Whom it answers, where that does not stand right above.
    let answers = parent.and_then(|parent| {
        let author = talk.comments.with_untracked(|list| {
            list.iter()
                .find(|comment| comment.id == parent)
                .map(|comment| comment.author.name.clone())
        })?;
        Some(view! { <span class="visually-hidden">", answering " {author}</span> })
    });
    let name = author.name.clone();
    let opener = move |what: Open, label: &'static str| {
        let about = format!("the comment by {name}");
        view! { <Opener href=talk.href(Some(what)) label about open=move || talk.open.set(Some(what))/> }
    };
    let shown = move || {
        if deleted.get() {
            return view! { <p class="deleted">"This comment was deleted."</p> }.into_any();
        }
        if editing.get() {
            return view! { <EditForm talk edit id/> }.into_any();
        }
        let opener = opener.clone();
        view! {
            <Written html=Signal::derive(move || now.with(|comment| comment.html.clone()))/>
            <div class="below">
                <Votes
                    subject=Subject::Comment id mine may_vote=talk.signed_in()
                    votes=Signal::derive(move || now.with(|comment| comment.votes))
                />
                {may_answer.get().then(|| opener(Open::Reply(id), "Reply"))}
                {may_edit.then(|| opener(Open::Edit(id), "Edit"))}
                {may_delete.then(|| opener(Open::Delete(id), "Delete"))}
            </div>
            <Show when=move || is_open(Open::Delete(id)) && may_delete>
                <Confirm talk subject=Subject::Comment id question="Delete the comment for everybody? Answers to it stay."/>
            </Show>
            <Show when=move || is_open(Open::Reply(id)) && may_answer.get()>
                <CommentForm talk parent=Some(id)/>
            </Show>
        }
        .into_any()
    };
    view! {
        <li
            class="comment"
            class:fresh=fresh
            id=format!("comment-{id}")
            tabindex="-1"
            data-depth=row.depth.to_string()
        >
            <article>
                <p class="meta">
                    <bdi class="comment-author">{author.name}</bdi>
                    {answers}
                    " · " <TimeAgo at=created/>
                    <Edited at=Signal::derive(move || now.with(|comment| comment.edited))/>
                </p>
                {shown}
            </article>
        </li>
    }
    .into_any()
}

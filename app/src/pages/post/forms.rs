//! The forms below a post: a comment, an answer, a change, and the question before something is deleted.

use leptos::{html, prelude::*};

use super::talk::{Place, Talk};
use crate::{api::EditComment, components::Draft, model::Subject};

/// Writes a comment, or an answer to one. What is sent shows at once, and is a text to be changed again where that failed.
#[component]
pub(super) fn CommentForm(talk: Talk, parent: Option<i64>) -> impl IntoView {
    let create = talk.create;
    let text = NodeRef::<html::Textarea>::new();
    let form = NodeRef::<html::Form>::new();
    let post = talk.post.with_untracked(|post| post.id);
    // What this form has sent, of all that the page has.
    let sent = move || {
        let input = create.input().get()?;
        (input.parent == parent).then_some(input.body)
    };
    // Where it is heard of before it is answered, it is shown once.
    let pending = move || {
        let body = create.pending().get().then(sent).flatten()?;
        (!talk.has_heard_of(parent, &body)).then_some(body)
    };
    let error = move || {
        let refused = create
            .value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))?;
        let ours = match talk.sent.get() {
            Some(sent) => sent == parent,
            // Without JavaScript nobody knows which form it was: the first says it.
            None => parent.is_none(),
        };
        (ours && !create.pending().get()).then_some(refused)
    };
    let draft = talk.draft_of(Place::of(parent));
    // The page's action knows what was sent by the form that was open before.
    let before = create.version().get_untracked();
    Effect::new(move |_| {
        if create.version().get() == before {
            return;
        }
        let Some(Ok(comment)) = create.value().get() else {
            return;
        };
        if comment.parent == parent
            && let Some(form) = form.get_untracked()
        {
            form.reset();
        }
    });
    Effect::new(move |_| {
        if let (Some(text), Some(kept)) = (text.get(), draft.read())
            && text.value().is_empty()
        {
            text.set_value(&kept);
        }
    });
    // It was hidden while it was sent: whoever was in it goes on there.
    Effect::new(move |_| {
        if error().is_some()
            && let Some(text) = text.get_untracked()
        {
            request_animation_frame(move || drop(text.focus()));
        }
    });
    if parent.is_some() {
        // Whoever opened it wants to write.
        Effect::new(move |_| {
            if let Some(text) = text.get() {
                let _ = text.focus();
            }
        });
    }
    let field = parent.map_or_else(
        || "comment-body".to_owned(),
        |parent| format!("reply-{parent}"),
    );
    let (title, label, send) = match parent {
        None => ("Write a comment", "Your comment", "Comment"),
        Some(_) => ("Write an answer", "Your answer", "Answer"),
    };
    let (start, stop) = (talk.typing.start, talk.typing.stop);
    view! {
        <div class="answering">
            {move || pending().map(|body| view! {
                <div class="comment pending" aria-busy="true">
                    <p class="body plain" dir="auto">{body}</p>
                    <p class="meta" role="status">"Sending…"</p>
                </div>
            })}
            <ActionForm
                action=create node_ref=form attr:class="form comment-form" attr:aria-label=title
                attr:hidden=move || pending().is_some()
            >
                <input type="hidden" name="post" value=post/>
                {parent.map(|parent| view! { <input type="hidden" name="parent" value=parent/> })}
                <label for=field.clone()>{label}</label>
                <textarea
                    id=field node_ref=text name="body" rows="2" required dir="auto"
                    on:input=move |event| {
                        draft.keep(&event_target_value(&event));
                        start.run(());
                    }
                    on:blur=move |_| stop.run(())
                ></textarea>
                <p class="error" role="alert">{error}</p>
                <div class="form-buttons">
                    <button class="button" type="submit">{send}</button>
                    {parent.map(|_| view! { <Cancel talk draft/> })}
                </div>
            </ActionForm>
        </div>
    }
    .into_any()
}

/// What was being written when the post was deleted: nobody can send it there any more, and its writer may still want
/// it.
#[component]
pub(super) fn Unsent(talk: Talk) -> impl IntoView {
    let kept = RwSignal::new(Vec::<(Draft, String)>::new());
    Effect::new(move |_| {
        let ids: Vec<_> = talk
            .comments
            .with_untracked(|list| list.iter().map(|comment| comment.id).collect());
        let of_comments = ids
            .into_iter()
            .flat_map(|id| [Place::Answer(id), Place::Edit(id)]);
        let drafts = std::iter::once(Place::Comment)
            .chain(of_comments)
            .map(|place| talk.draft_of(place));
        let found = drafts.filter_map(|draft| Some((draft, draft.read()?)));
        kept.set(found.collect());
    });
    let discard = move |_| {
        for (draft, _) in kept.get_untracked() {
            draft.forget();
        }
        kept.set(Vec::new());
    };
    view! {
        <Show when=move || kept.with(|kept| !kept.is_empty())>
            <div class="form unsent" role="status">
                <label for="unsent">"The post was deleted. This is what you were writing:"</label>
                <textarea id="unsent" readonly rows="3" dir="auto" prop:value=move || {
                    let texts: Vec<_> = kept.get().into_iter().map(|(_, text)| text).collect();
                    texts.join("\n\n")
                }></textarea>
                <button type="button" class="quiet" on:click=discard>"Discard it"</button>
            </div>
        </Show>
    }
    .into_any()
}

/// Changes a comment.
#[component]
pub(super) fn EditForm(talk: Talk, edit: ServerAction<EditComment>, id: i64) -> impl IntoView {
    let body = talk.comments.with_untracked(|list| {
        list.iter()
            .find(|comment| comment.id == id)
            .map(|comment| comment.body.clone())
            .unwrap_or_default()
    });
    let text = NodeRef::<html::Textarea>::new();
    let draft = talk.draft_of(Place::Edit(id));
    Effect::new(move |_| {
        if let Some(text) = text.get() {
            if let Some(kept) = draft.read() {
                text.set_value(&kept);
            }
            let _ = text.focus();
        }
    });
    let error = move || {
        edit.value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
    };
    let sending = move || edit.pending().get();
    view! {
        <ActionForm action=edit attr:class="form comment-form" attr:aria-label="Edit the comment">
            <input type="hidden" name="comment" value=id/>
            <label for=format!("edit-{id}")>"Your comment, changed"</label>
            <textarea
                id=format!("edit-{id}") node_ref=text name="body" rows="3" required dir="auto"
                readonly=sending
                on:input=move |event| draft.keep(&event_target_value(&event))
            >{body}</textarea>
            <p class="error" role="alert">{error}</p>
            <div class="form-buttons">
                <button class="button" type="submit" disabled=sending>
                    {move || if sending() { "Saving…" } else { "Save" }}
                </button>
                <Cancel talk draft/>
            </div>
        </ActionForm>
    }
    .into_any()
}

/// Asks before something is deleted.
#[component]
pub(super) fn Confirm(
    talk: Talk,
    subject: Subject,
    id: i64,
    question: &'static str,
) -> impl IntoView {
    let action = talk.delete;
    let error = move || {
        action
            .value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
    };
    let sending = move || action.pending().get();
    let button = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = button.get() {
            let _ = button.focus();
        }
    });
    view! {
        <ActionForm action attr:class="confirm" attr:aria-label="Delete">
            <input type="hidden" name="subject" value=subject.name()/>
            <input type="hidden" name="id" value=id/>
            <p>{question}</p>
            <p class="error" role="alert">{error}</p>
            <div class="form-buttons">
                <button class="button" node_ref=button type="submit" disabled=sending>"Delete it"</button>
                <Cancel talk/>
            </div>
        </ActionForm>
    }
    .into_any()
}

/// Closes what is open.
#[component]
fn Cancel(
    talk: Talk,
    /// What is not wanted any more.
    #[prop(optional)]
    draft: Option<Draft>,
) -> impl IntoView {
    view! {
        <a
            class="action"
            rel="external"
            href=talk.href(None)
            on:click=move |event| {
                event.prevent_default();
                if let Some(draft) = draft {
                    draft.forget();
                }
                talk.open.set(None);
            }
        >
            "Cancel"
        </a>
    }
}

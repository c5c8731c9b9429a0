//! The list of notifications.

use std::marker::PhantomData;

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::{Wording, wording};
use crate::{
    components::TimeAgo,
    hooks::{InboxState, Notifications},
    protocol::{Mark, NotificationData, NotificationId, WireNotification},
    server_fns::{MarkAllRead, MarkNotifications},
};

/// The inbox of whoever is signed in: newest first, all or only what is unread, to be marked as read or put away, one or
/// all. What is marked is marked without JavaScript too; filters and older pages need it.
///
/// The type says how notifications are worded.
///
/// ```
/// # use leptos::prelude::*;
/// # use leptos_realtime::{Notification, NotificationData, NotificationInbox};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Mention { post: i64 }
/// # impl NotificationData for Mention {
/// #     fn kind(&self) -> &'static str { "mention" }
/// #     fn title(notification: &Notification<Self>) -> String { format!("{} mentioned you", notification.who()) }
/// # }
/// #[component]
/// fn InboxPage() -> impl IntoView {
///     view! { <NotificationInbox<Mention>/> }
/// }
/// ```
#[component]
pub fn NotificationInbox<D: NotificationData>(
    /// Never given: it carries the type.
    #[prop(optional)]
    _data: PhantomData<D>,
) -> impl IntoView {
    let Some(all) = use_context::<Notifications>() else {
        return ().into_any();
    };
    shown(all, wording::<D>)
}

/// Not generic, so that its code is there once.
fn shown(all: Notifications, words: Wording) -> AnyView {
    let only_unread = RwSignal::new(false);
    let list = move || {
        let mut list = all.list();
        list.retain(|one| !only_unread.get() || one.is_unread());
        list
    };
    let view = move || {
        let nothing = move || all.state() == InboxState::Ready && list().is_empty();
        let failed = move || match all.state() {
            InboxState::Failed(error) => Some(error.message),
            _ => all.failed().map(|error| error.message),
        };
        let filter = move |name: &'static str, unread: bool| {
            let pressed = move || (only_unread.get() == unread).to_string();
            view! {
                <button type="button" aria-pressed=pressed on:click=move |_| only_unread.set(unread)>{name}</button>
            }
        };
        view! {
            <div class="rt-inbox">
                <div class="rt-inbox-bar">
                    <div class="rt-inbox-filters" role="group" aria-label="Show">
                        {filter("All", false)} {filter("Unread", true)}
                    </div>
                    <form
                        method="post"
                        action=MarkAllRead::url()
                        on:submit=move |event| instead(&event, || all.mark_all_read())
                    >
                        <input type="hidden" name="up_to" value=move || all.change().to_string()/>
                        <button type="submit" disabled=move || all.unread() == 0>"Mark all as read"</button>
                    </form>
                </div>
                <p class="rt-inbox-error" role="alert">{failed}</p>
                <Show when=move || matches!(all.state(), InboxState::Failed(_))>
                    <button type="button" class="rt-inbox-more" on:click=move |_| all.first.refetch()>"Try again"</button>
                </Show>
                <Show when=move || all.state() == InboxState::SignedOut>
                    <p class="rt-inbox-empty">"Sign in to see what concerns you."</p>
                </Show>
                <ul class="rt-inbox-list" aria-label="Notifications, the newest first">
                    <For each=list key=|one| (one.id, one.change, one.read, one.archived) let:one>
                        <Item one all words/>
                    </For>
                </ul>
                <Show when=nothing>
                    <p class="rt-inbox-empty">
                        {move || if only_unread.get() { "Nothing unread." } else { "Nothing here yet. What concerns you will be." }}
                    </p>
                </Show>
                <Show when=move || all.has_more()>
                    <button
                        type="button"
                        class="rt-inbox-more"
                        disabled=move || all.is_loading_more()
                        on:click=move |_| all.load_more()
                    >
                        {move || if all.is_loading_more() { "Loading…" } else { "Show older ones" }}
                    </button>
                </Show>
            </div>
        }
    };
    let skeleton = || {
        view! {
            <div class="rt-inbox" aria-busy="true" aria-label="Loading your notifications">
                <span class="rt-inbox-skeleton"></span>
                <span class="rt-inbox-skeleton"></span>
                <span class="rt-inbox-skeleton"></span>
            </div>
        }
    };
    view! {
        <Transition fallback=skeleton>
            {Suspend::new(async move {
                let _ = all.first.await;
                view()
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Item(one: WireNotification, all: Notifications, words: Wording) -> impl IntoView {
    let worded = words(&one);
    let (id, unread) = (one.id, one.is_unread());
    let mark = move |mark| all.mark_these(vec![id], mark);
    let read = move |_| {
        if unread {
            mark(Mark::Read);
        }
    };
    let title = match worded.link {
        Some(link) => view! { <a href=link on:click=read dir="auto">{worded.title}</a> }.into_any(),
        None => view! { <span dir="auto">{worded.title}</span> }.into_any(),
    };
    let (toggle, toggle_name) = match unread {
        true => (Mark::Read, "Mark as read"),
        false => (Mark::Unread, "Mark as unread"),
    };
    view! {
        <li class="rt-notification" data-unread=unread.to_string() data-kind=one.kind>
            <div class="rt-notification-text">
                <p class="rt-notification-title">
                    {unread.then(|| view! { <span class="rt-visually-hidden">"Unread: "</span> })}
                    {title}
                </p>
                {worded.body.map(|body| view! { <p class="rt-notification-body" dir="auto">{body}</p> })}
                <p class="rt-notification-meta">
                    {one.origin.map(|origin| view! { <span class="rt-notification-origin">"from " <bdi>{origin}</bdi></span> })}
                    <TimeAgo at=one.updated/>
                </p>
            </div>
            <div class="rt-notification-actions">
                <MarkForm id mark=toggle name=toggle_name done=move || mark(toggle)/>
                <MarkForm id mark=Mark::Archived name="Put away" done=move || mark(Mark::Archived)/>
            </div>
        </li>
    }
}

/// A button that marks one notification: by itself where there is no JavaScript.
#[component]
fn MarkForm(
    id: NotificationId,
    mark: Mark,
    name: &'static str,
    done: impl Fn() + 'static,
) -> impl IntoView {
    let value = serde_json::to_value(mark).ok();
    let value = value
        .as_ref()
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned();
    view! {
        <form method="post" action=MarkNotifications::url() on:submit=move |event| instead(&event, &done)>
            <input type="hidden" name="ids[]" value=id.to_string()/>
            <input type="hidden" name="mark" value=value.clone()/>
            <button type="submit" data-mark=value>{name}</button>
        </form>
    }
}

/// Does it here instead of sending the form.
fn instead(event: &SubmitEvent, done: impl FnOnce()) {
    event.prevent_default();
    done();
}

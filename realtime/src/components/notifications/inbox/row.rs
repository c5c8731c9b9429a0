//! One notification. Its row stays the same element while the notification changes, so that nothing loses the focus.

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::ServerFn};

use super::{super::Wording, instead};
use crate::{
    components::TimeAgo,
    protocol::{Mark, NotificationId, WireNotification},
    server_fns::MarkNotifications,
};

/// The row's element.
pub(super) fn row_id(id: NotificationId) -> String {
    format!("rt-notification-{id}")
}

#[component]
pub(super) fn Row(
    /// As it is now.
    first: WireNotification,
    /// As they are later.
    by_id: Memo<BTreeMap<NotificationId, WireNotification>>,
    /// Whose it is.
    user: impl Fn() -> Option<String> + Copy + Send + Sync + 'static,
    words: Wording,
    mark: impl Fn(NotificationId, Mark) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let (id, kind) = (first.id, first.kind.clone());
    let one = Memo::new(move |last: Option<&WireNotification>| {
        let now = by_id.with(|all| all.get(&id).cloned());
        // A row that leaves stays as it was.
        now.unwrap_or_else(|| last.unwrap_or(&first).clone())
    });
    let worded = Memo::new(move |_| one.with(words));
    let unread = Memo::new(move |_| one.with(WireNotification::is_unread));
    let archived = Memo::new(move |_| one.with(|one| one.archived.is_some()));
    // For as long as it is on the page: that it was seen is known only because it is here.
    let new = Memo::new(move |was: Option<&bool>| {
        one.with(|one| one.is_unread() && (was == Some(&true) || one.seen.is_none()))
    });
    let link = Memo::new(move |_| worded.with(|worded| worded.link.clone()));
    let body = Memo::new(move |_| worded.with(|worded| worded.body.clone()));
    let updated = Memo::new(move |_| one.with(|one| one.updated));
    let origin = Memo::new(move |_| one.with(|one| one.origin.clone()));
    let title = move || worded.with(|worded| worded.title.clone());
    let read = move |_| {
        if unread.get_untracked() {
            mark(id, Mark::Read);
        }
    };
    let title = move || match link.get() {
        // A sentence in the page's own direction, whatever that of the names in it.
        Some(link) => view! { <a href=link on:click=read>{title}</a> }.into_any(),
        None => view! { <span>{title}</span> }.into_any(),
    };
    let toggle = Signal::derive(move || match unread.get() {
        true => (Mark::Read, "Mark as read"),
        false => (Mark::Unread, "Mark as unread"),
    });
    let put = Signal::derive(move || match archived.get() {
        true => (Mark::Unarchived, "Move to inbox"),
        false => (Mark::Archived, "Archive"),
    });
    let title_id = format!("{}-title", row_id(id));
    let of = StoredValue::new(title_id.clone());
    view! {
        <li
            class="rt-notification"
            id=row_id(id)
            tabindex="-1"
            data-unread=move || unread.get().to_string()
            data-new=move || new.get().to_string()
            data-kind=kind
        >
            <div class="rt-notification-text">
                <p class="rt-notification-title" id=title_id>
                    {move || unread.get().then(|| view! { <span class="rt-visually-hidden">"Unread: "</span> })}
                    {title}
                </p>
                {move || body.get().map(|body| view! { <p class="rt-notification-body" dir="auto">{body}</p> })}
                <p class="rt-notification-meta">
                    {move || new.get().then(|| view! { <span class="rt-notification-new">"New"</span> })}
                    {move || {
                        origin.get().map(|origin| view! { <span class="rt-notification-origin">"from " <bdi>{origin}</bdi></span> })
                    }}
                    {move || view! { <TimeAgo at=updated.get()/> }}
                </p>
            </div>
            <div class="rt-notification-actions">
                <Show when=move || !archived.get()>
                    <MarkForm id of what=toggle user mark/>
                </Show>
                <MarkForm id of what=put user mark/>
            </div>
        </li>
    }
}

/// A button that marks one notification: by itself where there is no JavaScript.
#[component]
fn MarkForm(
    id: NotificationId,
    /// The element that says which it is.
    of: StoredValue<String>,
    /// The mark, and what the button is called.
    what: Signal<(Mark, &'static str)>,
    user: impl Fn() -> Option<String> + Copy + Send + Sync + 'static,
    mark: impl Fn(NotificationId, Mark) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let name = move || what.get().1;
    let value = move || {
        let value = serde_json::to_value(what.get().0).ok();
        value.and_then(|value| value.as_str().map(str::to_owned))
    };
    let done = move || mark(id, what.get_untracked().0);
    view! {
        <form method="post" action=MarkNotifications::url() on:submit=move |event| instead(&event, done)>
            <input type="hidden" name="ids[]" value=id.to_string()/>
            <input type="hidden" name="mark" value=value/>
            <input type="hidden" name="user" value=user/>
            <button type="submit" class="rt-button" data-mark=value aria-describedby=of.get_value()>{name}</button>
        </form>
    }
}

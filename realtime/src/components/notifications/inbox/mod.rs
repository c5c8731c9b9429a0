//! The list of notifications.

mod filters;
mod row;

use std::{collections::BTreeMap, marker::PhantomData};

use filters::Filters;
use leptos::{
    ev::{MouseEvent, SubmitEvent},
    prelude::*,
    server_fn::ServerFn,
};
use row::{Row, row_id};

use super::{NotificationKind, Wording, focus, wording};
use crate::{
    core::inbox::{Seen, Shown},
    hooks::{InboxList, InboxState, Notifications},
    protocol::{Mark, NotificationData, NotificationId, WireNotification},
    server_fns::{MAX_MARKED, MarkAllRead},
};

/// Where the focus goes when the list is empty.
const EMPTY: &str = "rt-inbox-empty";

/// The inbox of whoever is signed in: newest first, all, only what is unread, or what was put away; of one kind, where
/// `kinds` names them. Each can be marked as read or put away, and all at once be marked as read. What is shown is marked
/// as seen.
///
/// With the page's query in `search`, filters and older pages are links that work without JavaScript, as buttons do; the
/// names in the query are `show`, `kind` and `before`. Without it they are chosen in the page alone.
///
/// The type says how notifications are worded.
///
/// ```
/// # use leptos::prelude::*;
/// # use leptos_realtime::{Notification, NotificationData, NotificationInbox, NotificationKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Mention { post: i64 }
/// # impl NotificationData for Mention {
/// #     fn kind(&self) -> &'static str { "mention" }
/// #     fn title(notification: &Notification<Self>) -> String { format!("{} mentioned you", notification.who()) }
/// # }
/// #[component]
/// fn InboxPage(
///     /// With `leptos_router`: `use_location().search`.
///     search: Memo<String>,
/// ) -> impl IntoView {
///     view! { <NotificationInbox<Mention> search kinds=vec![NotificationKind::new("mention", "Mentions")]/> }
/// }
/// ```
#[component]
pub fn NotificationInbox<D: NotificationData>(
    /// The query of the page's address.
    #[prop(optional, into)]
    search: Option<Signal<String>>,
    /// The host's kinds, to choose from.
    #[prop(optional)]
    kinds: Vec<NotificationKind>,
    /// Never given: it carries the type.
    #[prop(optional)]
    _data: PhantomData<D>,
) -> impl IntoView {
    let Some(all) = use_context::<Notifications>() else {
        return ().into_any();
    };
    shown(all, wording::<D>, search, kinds)
}

/// What is shown, and how to show something else.
#[derive(Clone, Copy)]
struct Address {
    search: Option<Signal<String>>,
    /// Where the host gives no query.
    chosen: RwSignal<Shown>,
    shown: Memo<Shown>,
}

impl Address {
    fn new(search: Option<Signal<String>>) -> Self {
        let chosen = RwSignal::new(Shown::default());
        let shown = Memo::new(move |_| match search {
            Some(search) => search.with(|search| Shown::read(search)),
            None => chosen.get(),
        });
        Self {
            search,
            chosen,
            shown,
        }
    }

    /// The address of a page that shows something else.
    fn of(self, shown: impl FnOnce() -> Shown) -> String {
        let search = self.search.map(|search| search.get()).unwrap_or_default();
        shown().write(&search)
    }

    /// Shows it here, where no router follows the link.
    fn follow(self, click: &MouseEvent, shown: Shown) {
        if self.search.is_none() && focus::is_plain(click) {
            click.prevent_default();
            self.chosen.set(shown);
        }
    }
}

/// Not generic, so that its code is there once.
fn shown(
    all: Notifications,
    words: Wording,
    search: Option<Signal<String>>,
    kinds: Vec<NotificationKind>,
) -> AnyView {
    let address = Address::new(search);
    let list = all.list_of(address.shown);
    let kinds = StoredValue::new(kinds);
    let view = move || {
        let items = Memo::new(move |_| list.items());
        let by_id = Memo::new(move |_| {
            let items = items.get().into_iter();
            items.map(|one| (one.id, one)).collect::<BTreeMap<_, _>>()
        });
        mark_seen(all, items);
        let ready = move || all.state() == InboxState::Ready;
        let loaded = Memo::new(move |_| list.is_loaded());
        let next = Memo::new(move |_| list.next());
        let failed = move || match all.state() {
            InboxState::Failed(error) => Some(error.message),
            _ => list.failed().map(|error| error.message),
        };
        let left = move |gone: NotificationId, before: &[NotificationId]| {
            let after = ids(items);
            if !after.contains(&gone) {
                let row = crate::core::inbox::next_to(gone, before, &after).map(row_id);
                focus::move_to(row.into_iter().chain([EMPTY.to_owned()]).collect());
            }
        };
        let mark = move |id: NotificationId, mark: Mark| {
            let (before, focused) = (ids(items), focus::is_in(&row_id(id)));
            all.mark_these(vec![id], mark);
            if focused {
                left(id, &before);
            }
        };
        let user = move || all.user().map(|user| user.to_string());
        let none_unread = move || all.unread() == 0;
        view! {
            <div class="rt-inbox">
                <div class="rt-inbox-bar" hidden=move || all.state() == InboxState::SignedOut>
                    <Filters address kinds=kinds.get_value()/>
                    <form
                        method="post"
                        action=MarkAllRead::url()
                        on:submit=move |event| {
                            instead(&event, || if !untrack(none_unread) { all.mark_all_read() });
                        }
                    >
                        <input type="hidden" name="up_to" value=move || all.change().to_string()/>
                        <input type="hidden" name="user" value=user/>
                        // It keeps the focus where there is nothing left to do.
                        <button type="submit" class="rt-button rt-button-quiet" aria-disabled=move || none_unread().to_string()>
                            "Mark all as read"
                        </button>
                    </form>
                </div>
                <p class="rt-inbox-error" role="alert">{failed}</p>
                <Show when=move || matches!(all.state(), InboxState::Failed(_))>
                    <button type="button" class="rt-button rt-inbox-more" on:click=move |_| all.first.refetch()>"Try again"</button>
                </Show>
                <Show when=move || all.state() == InboxState::SignedOut>
                    <p class="rt-inbox-empty">"Sign in to see what concerns you."</p>
                </Show>
                <Show when=move || address.shown.with(|shown| shown.before.is_some())>
                    <Newest address/>
                </Show>
                <ul class="rt-inbox-list" aria-label="Notifications, the newest first">
                    <For each=move || items.get() key=|one| one.id let:one>
                        <Row first=one by_id user words mark/>
                    </For>
                </ul>
                <Show when=move || ready() && !loaded.get() && list.failed().is_none()>
                    <Skeleton/>
                </Show>
                <Show when=move || ready() && loaded.get() && next.get().is_none() && items.with(Vec::is_empty)>
                    <p class="rt-inbox-empty" id=EMPTY tabindex="-1">{move || address.shown.with(nothing)}</p>
                </Show>
                <Show when=move || next.get().is_some()>
                    <Older address list items/>
                </Show>
            </div>
        }
    };
    view! {
        <Transition fallback=|| view! { <div class="rt-inbox"><Skeleton/></div> }>
            {Suspend::new(async move {
                list.ready().await;
                view()
            })}
        </Transition>
    }
    .into_any()
}

fn ids(items: Memo<Vec<WireNotification>>) -> Vec<NotificationId> {
    items.with_untracked(|items| items.iter().map(|one| one.id).collect())
}

/// Why a list is empty.
fn nothing(shown: &Shown) -> &'static str {
    match (&shown.filter, shown.before) {
        (_, Some(_)) => "Nothing older.",
        (filter, _) if filter.archived => "Nothing is put away here.",
        (filter, _) if filter.unread => "Nothing unread.",
        (filter, _) if filter.kind.is_some() => "Nothing of this kind.",
        _ => "Nothing yet. What concerns you will show up here.",
    }
}

/// Of the size of what comes.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="rt-inbox-loading" role="status">
            <span class="rt-visually-hidden">"Loading your notifications…"</span>
            <span class="rt-inbox-skeleton"></span>
            <span class="rt-inbox-skeleton"></span>
            <span class="rt-inbox-skeleton"></span>
        </div>
    }
}

/// Back to where the list begins.
#[component]
fn Newest(address: Address) -> impl IntoView {
    let to = move || Shown {
        before: None,
        ..address.shown.get()
    };
    view! {
        <a
            class="rt-button rt-inbox-more"
            href=move || address.of(to)
            on:click=move |click| address.follow(&click, untrack(to))
        >
            "Show the newest"
        </a>
    }
}

/// A link to the next page; here, it adds that page to the list.
#[component]
fn Older(address: Address, list: InboxList, items: Memo<Vec<WireNotification>>) -> impl IntoView {
    let loading = move || list.is_loading_more();
    let to = move || Shown {
        before: list.next(),
        ..address.shown.get()
    };
    // The row below which it goes on, for who came here by the keyboard.
    let last = StoredValue::new(None::<NotificationId>);
    Effect::new(move |_| {
        let ids = items.with(|items| items.iter().map(|one| one.id).collect::<Vec<_>>());
        let at = last
            .get_value()
            .and_then(|last| ids.iter().position(|id| *id == last));
        if let Some(next) = at.and_then(|at| ids.get(at + 1)) {
            focus::move_to(vec![row_id(*next)]);
            last.set_value(None);
        }
    });
    let load = move |click: MouseEvent| {
        if focus::is_plain(&click) {
            click.prevent_default();
            last.set_value(ids(items).last().copied());
            list.load_more();
        }
    };
    view! {
        <a
            class="rt-button rt-inbox-more"
            href=move || address.of(to)
            aria-busy=move || loading().to_string()
            on:click=load
        >
            {move || if loading() { "Loading…" } else { "Show older ones" }}
        </a>
    }
}

/// What a visible page shows is marked as seen.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn mark_seen(all: Notifications, items: Memo<Vec<WireNotification>>) {
    /// So that what comes together is marked together.
    const SOON: std::time::Duration = std::time::Duration::from_millis(500);
    let seen = StoredValue::new(Seen::default());
    let look = move || {
        if document().hidden() {
            return;
        }
        let new = items
            .try_with_untracked(|items| seen.try_update_value(|seen| seen.take(items, MAX_MARKED)));
        if let Some(Some(new)) = new.filter(|new| new.as_ref().is_some_and(|new| !new.is_empty())) {
            all.mark_these(new, Mark::Seen);
        }
    };
    let soon = StoredValue::new(None::<TimeoutHandle>);
    let look_soon = move || {
        if let Some(earlier) = soon.get_value() {
            earlier.clear();
        }
        soon.set_value(set_timeout_with_handle(look, SOON).ok());
    };
    Effect::new(move |_| {
        items.track();
        look_soon();
    });
    let shown_again = window_event_listener_untyped("visibilitychange", move |_| look_soon());
    on_cleanup(move || {
        shown_again.remove();
        if let Some(soon) = soon.get_value() {
            soon.clear();
        }
    });
}

#[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
fn mark_seen(_all: Notifications, _items: Memo<Vec<WireNotification>>) {
    let _ = (MAX_MARKED, Seen::take);
}

/// Does it here instead of sending the form.
fn instead(event: &SubmitEvent, done: impl FnOnce()) {
    event.prevent_default();
    done();
}

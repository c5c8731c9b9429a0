//! What has just come, for a moment.

use std::marker::PhantomData;

use leptos::prelude::*;

use super::{Wording, wording};
use crate::{
    hooks::Notifications,
    protocol::{Mark, NotificationData},
};

/// The most toasts at a time: the newest.
const MAX_SHOWN: usize = 2;

/// How long a toast stays.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
const STAYS: std::time::Duration = std::time::Duration::from_secs(6);

/// Shows what concerns the person when it comes, at most two at a time. A toast stays for six seconds, and for as long as
/// the pointer or the focus is on it; it is read out when there is a pause. Once, at the end of the app.
///
/// ```
/// # use leptos::prelude::*;
/// # use leptos_realtime::{Notification, NotificationData, NotificationToasts};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Mention { post: i64 }
/// # impl NotificationData for Mention {
/// #     fn kind(&self) -> &'static str { "mention" }
/// #     fn title(notification: &Notification<Self>) -> String { format!("{} mentioned you", notification.who()) }
/// # }
/// #[component]
/// fn Footer() -> impl IntoView {
///     view! { <NotificationToasts<Mention>/> }
/// }
/// ```
#[component]
pub fn NotificationToasts<D: NotificationData>(
    /// Never given: it carries the type.
    #[prop(optional)]
    _data: PhantomData<D>,
) -> impl IntoView {
    use_context::<Notifications>().map(|all| toasts(all, wording::<D>))
}

/// Not generic, so that its code is there once.
fn toasts(all: Notifications, words: Wording) -> AnyView {
    let news = all.news();
    let (pointed, focused) = (RwSignal::new(false), RwSignal::new(false));
    let held = Signal::derive(move || pointed.get() || focused.get());
    let shown = move || {
        let mut shown = news.get();
        shown.drain(..shown.len().saturating_sub(MAX_SHOWN));
        shown
    };
    pass(news, held);
    let dismiss = move |id| {
        // The button that had the focus goes, and not every browser says that it has left.
        focused.set(false);
        news.update(|news| news.retain(|one| one.id != id));
    };
    let follow = move |id| {
        dismiss(id);
        all.mark_these(vec![id], Mark::Read);
    };
    view! {
        <div
            class="rt-toasts"
            role="status"
            aria-live="polite"
            aria-atomic="false"
            on:pointerenter=move |_| pointed.set(true)
            on:pointerleave=move |_| pointed.set(false)
            on:focusin=move |_| focused.set(true)
            on:focusout=move |_| focused.set(false)
        >
            <For each=shown key=|one| (one.id, one.change) let:one>
                {
                    let (id, worded) = (one.id, words(&one));
                    let title = match worded.link {
                        Some(link) => view! { <a href=link on:click=move |_| follow(id)>{worded.title}</a> }.into_any(),
                        None => view! { <span>{worded.title}</span> }.into_any(),
                    };
                    view! {
                        <div class="rt-toast">
                            <p>{title}</p>
                            <button type="button" aria-label="Dismiss" on:click=move |_| dismiss(id)>"×"</button>
                        </div>
                    }
                }
            </For>
        </div>
    }
    .into_any()
}

/// Takes toasts away when their time is over: all of them, some time after the last one came or was let go.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn pass(news: RwSignal<Vec<crate::protocol::WireNotification>>, held: Signal<bool>) {
    Effect::new(move |_| {
        if held.get() || news.with(Vec::is_empty) {
            return;
        }
        let over = set_timeout_with_handle(move || news.set(Vec::new()), STAYS).ok();
        on_cleanup(move || {
            if let Some(over) = over {
                over.clear();
            }
        });
    });
}

#[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
fn pass(_news: RwSignal<Vec<crate::protocol::WireNotification>>, _held: Signal<bool>) {}

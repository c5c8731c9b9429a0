//! Which notifications are shown: links, each a page of its own.

use leptos::{ev::MouseEvent, prelude::*};

use super::{super::NotificationKind, Address};
use crate::{core::inbox::Shown, protocol::InboxFilter};

/// A part of the filter that one of several links says.
type Part = Box<dyn Fn(InboxFilter) -> InboxFilter + Send + Sync>;

#[component]
pub(super) fn Filters(address: Address, kinds: Vec<NotificationKind>) -> impl IntoView {
    let show = |unread, archived| -> Part {
        Box::new(move |filter| InboxFilter {
            unread,
            archived,
            ..filter
        })
    };
    let of_kind = |kind: Option<String>| -> Part {
        Box::new(move |filter| InboxFilter {
            kind: kind.clone(),
            ..filter
        })
    };
    let by_kind = (!kinds.is_empty()).then(|| {
        let kinds = kinds.into_iter().map(|kind| {
            view! { <Choice address name=kind.name part=of_kind(Some(kind.id)) class="rt-inbox-kind"/> }
        });
        view! {
            <nav class="rt-inbox-kinds" aria-label="Of which kind">
                <Choice address name="Every kind".to_owned() part=of_kind(None) class="rt-inbox-kind"/>
                {kinds.collect_view()}
            </nav>
        }
    });
    view! {
        <nav class="rt-inbox-filters" aria-label="Which notifications">
            <Choice address name="All".to_owned() part=show(false, false) class="rt-button"/>
            <Choice address name="Unread".to_owned() part=show(true, false) class="rt-button"/>
            <Choice address name="Archive".to_owned() part=show(false, true) class="rt-button"/>
        </nav>
        {by_kind}
    }
}

/// A link that says one part of the filter and leaves the other.
#[component]
fn Choice(address: Address, name: String, part: Part, class: &'static str) -> impl IntoView {
    let to = Memo::new(move |_| Shown {
        filter: part(address.shown.get().filter),
        before: None,
    });
    let current = move || {
        let filter = address.shown.with(|shown| shown.filter.clone());
        (to.get().filter == filter).then_some("true")
    };
    let follow = move |click: MouseEvent| address.follow(&click, to.get_untracked());
    view! {
        <a class=class href=move || address.of(|| to.get()) aria-current=current data-noscroll="" on:click=follow>
            {name}
        </a>
    }
}

//! What somebody wrote, and who may do what with it.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

/// A text as it is shown. It comes from the server, sanitised.
#[component]
pub fn Written(#[prop(into)] html: Signal<String>) -> impl IntoView {
    view! { <div class="body" dir="auto" inner_html=html></div> }
}

/// That something was changed, and when.
#[component]
pub fn Edited(#[prop(into)] at: Signal<Option<i64>>) -> impl IntoView {
    move || {
        at.get().map(|at| {
            view! { <span class="edited">" · edited " <TimeAgo at=at.unsigned_abs()/></span> }
        })
    }
}

/// How many comments there are, in words.
pub fn comments_in_words(count: i64) -> String {
    match count {
        0 => "No comments yet".to_owned(),
        1 => "1 comment".to_owned(),
        count => format!("{count} comments"),
    }
}

/// A link that opens something on the page. Without JavaScript it loads the page with that open.
#[component]
pub fn Opener(
    href: String,
    label: &'static str,
    /// What it is about, for those who only hear the link.
    #[prop(into)]
    about: String,
    open: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <a
            class="action"
            rel="external"
            href=href
            on:click=move |event| {
                event.prevent_default();
                open();
            }
        >
            {label}
            <span class="visually-hidden">" " {about}</span>
        </a>
    }
}

//! Whether somebody is online, as a small dot.

use leptos::prelude::*;
use leptos_realtime::{Status, UserId, use_online};

/// A status as styles and tests know it.
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::Online => "online",
        Status::Away => "away",
        Status::Invisible => "invisible",
    }
}

/// Whether a person is online, wherever they are. It takes as much room as the separator that stands there otherwise,
/// so that nothing moves when they come and go.
#[component]
pub fn OnlineDot(person: i64) -> impl IntoView {
    let presence = use_online(UserId::from(person));
    let status = move || {
        presence
            .member
            .with(|member| member.as_ref().map(|member| status_name(member.status)))
    };
    let label = move || status().unwrap_or_default();
    view! {
        <span class="dot" data-status=move || status().unwrap_or("gone") title=label>
            <span class="visually-hidden">{label}</span>
        </span>
    }
    .into_any()
}

/// The same, where it is not known.
#[component]
pub fn Separator() -> impl IntoView {
    view! { <span class="dot" data-status="gone" aria-hidden="true"></span> }
}

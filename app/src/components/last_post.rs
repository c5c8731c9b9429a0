//! The newest post of a place, in a line.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use crate::model::LastPost;

#[component]
pub fn Last(post: LastPost) -> impl IntoView {
    view! {
        <p class="meta last">
            <a href=post.href dir="auto">{post.title}</a>
            <span class="by"><bdi>{post.author}</bdi> ", " <TimeAgo at=post.created.unsigned_abs()/></span>
        </p>
    }
    .into_any()
}

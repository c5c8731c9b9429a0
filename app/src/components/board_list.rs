//! A community's boards.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::model::{BoardSummary, CommunitySummary};

/// Links to a community and its boards; the one that is open is marked.
#[component]
pub fn BoardList(community: CommunitySummary, boards: Vec<BoardSummary>) -> impl IntoView {
    let home = format!("/c/{}", community.slug);
    let links = boards
        .into_iter()
        .map(|board| {
            let href = format!("{home}/{}", board.slug);
            view! { <li><A href>{board.name}</A></li> }
        })
        .collect_view();
    view! {
        <nav class="boards" aria-label="Boards">
            <A href=home exact=true attr:class="boards-home">{community.name}</A>
            <ul>{links}</ul>
        </nav>
    }
    .into_any()
}

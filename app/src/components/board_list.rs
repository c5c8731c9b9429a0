//! A community's boards.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::model::{BoardSummary, CommunitySummary};

/// Links to a community and its boards; the one that is open is marked. On a phone they are a sheet, which the browser
/// itself opens and closes.
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
    let name = community.name.clone();
    view! {
        <button type="button" class="boards-button" popovertarget="boards">
            <bdi>{name}</bdi> <span class="visually-hidden">", its boards"</span>
            <svg class="caret" viewBox="0 0 10 6" aria-hidden="true"><path d="M1 1l4 4 4-4"/></svg>
        </button>
        <nav class="boards" id="boards" popover="auto" aria-label="Boards">
            <A href=home exact=true attr:class="boards-home">{community.name}</A>
            <ul>{links}</ul>
            <button type="button" class="quiet boards-close" popovertarget="boards" popovertargetaction="hide">"Close"</button>
        </nav>
    }
    .into_any()
}

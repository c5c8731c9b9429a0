//! What a page is called, in tabs, in search results and where its link is shared.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// The longest description.
const MOST: usize = 160;

/// A page's title and description.
#[component]
pub fn About(#[prop(into)] title: String, #[prop(into)] description: String) -> impl IntoView {
    let description: String = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let description: String = description.chars().take(MOST).collect();
    view! {
        <Title text=title.clone()/>
        <Meta name="description" content=description.clone()/>
        <Meta property="og:title" content=title/>
        <Meta property="og:description" content=description/>
    }
}

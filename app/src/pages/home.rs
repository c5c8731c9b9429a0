//! The communities.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use crate::{api::communities, components::loaded, model::CommunitySummary};

#[component]
pub fn HomePage() -> impl IntoView {
    let list = Resource::new(|| (), |()| communities());
    view! {
        <Title text=""/>
        <Meta name="description" content="Communities with boards, where you see who is there."/>
        {loaded(list, |list| view! { <Communities list/> })}
    }
}

#[component]
fn Communities(list: Vec<CommunitySummary>) -> impl IntoView {
    let cards = list
        .into_iter()
        .map(|community| {
            view! {
                <li class="entry">
                    <h2><a href=format!("/c/{}", community.slug)>{community.name}</a></h2>
                    <p>{community.about}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="page">
            <h1>"Communities"</h1>
            <p class="lead">"Pick a place, and see who is there."</p>
            <ul class="entries">{cards}</ul>
        </section>
    }
}

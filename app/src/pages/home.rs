//! The communities.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use crate::{api::load_home, components::loaded, model::CommunityCard};

#[component]
pub fn HomePage() -> impl IntoView {
    let list = Resource::new(|| (), |()| load_home());
    view! {
        <Title text=""/>
        <Meta name="description" content="Communities with boards, where you see who is there."/>
        {loaded(list, |list| view! { <Communities list/> })}
    }
}

#[component]
fn Communities(list: Vec<CommunityCard>) -> impl IntoView {
    let cards = list
        .into_iter()
        .map(|CommunityCard { community, people }| {
            view! {
                <li class="entry">
                    <h2><a href=format!("/c/{}", community.slug)>{community.name}</a></h2>
                    <p>{community.about}</p>
                    {people.map(|people| view! { <Now people/> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="page">
            <h1>"Communities"</h1>
            <p class="lead">"Neighbourhood forums where you see who is there, as it happens. Pick a place."</p>
            <ul class="entries">{cards}</ul>
        </section>
    }
}

/// How many people are there; nothing where it is nobody.
#[component]
fn Now(people: u32) -> impl IntoView {
    let words = match people {
        0 => return None,
        1 => "One person there now".to_owned(),
        people => format!("{people} people there now"),
    };
    Some(
        view! { <p class="meta now"><span class="dot" data-status="online"></span> " " {words}</p> },
    )
}

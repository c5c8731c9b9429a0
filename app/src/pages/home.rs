//! The communities.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_realtime::Avatar;

use crate::{
    api::load_home,
    components::{Last, keep_asking, loaded},
    model::{CommunityCard, Crowd},
};

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
    let list = RwSignal::new(list);
    keep_asking(list, load_home);
    view! {
        <section class="page">
            <h1>"Communities"</h1>
            <p class="lead">"Neighbourhood forums where you see who is there, as it happens. Pick a place."</p>
            <ul class="entries">
                <For each=move || list.get() key=|card| card.community.id let:card>
                    <Card card list/>
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Card(
    card: CommunityCard,
    /// All of them, as they are now.
    list: RwSignal<Vec<CommunityCard>>,
) -> impl IntoView {
    let id = card.community.id;
    let now = move |list: &Vec<CommunityCard>| {
        let found = list.iter().find(|card| card.community.id == id);
        found.cloned()
    };
    // Each by itself: a face that has the focus keeps it when somebody posts.
    let people = Memo::new(move |_| list.with(now).and_then(|card| card.people));
    let last = Memo::new(move |_| list.with(now).and_then(|card| card.last));
    let community = card.community;
    view! {
        <li class="entry">
            <h2><a href=format!("/c/{}", community.slug)>{community.name}</a></h2>
            <p>{community.about}</p>
            {move || people.get().map(|people| view! { <There people/> })}
            {move || last.get().map(|post| view! { <Last post/> })}
        </li>
    }
    .into_any()
}

/// Who is there: the first few faces, and how many they are. Nothing where it is nobody.
#[component]
fn There(people: Crowd) -> impl IntoView {
    let words = match people.count {
        0 => return None,
        1 => "one person there now".to_owned(),
        count => format!("{count} people there now"),
    };
    let faces = people.faces.into_iter();
    let faces = faces.map(|member| view! { <li><Avatar member/></li> });
    Some(view! {
        <div class="there-now">
            <ul class="rt-avatars" aria-label="Some of them">{faces.collect_view()}</ul>
            <p class="meta">{words}</p>
        </div>
    })
}

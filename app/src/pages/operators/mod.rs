//! How the instances are, live: for those who look after the site. It is built with the module itself: each instance
//! signals its figures into a room that only operators see, and this page makes of them what it shows.

mod figures;
mod follow;
mod table;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{PresenceAvatars, use_first_view};

use self::{
    figures::{Redis, Together, Trouble},
    follow::follow,
    table::Instances,
};
use crate::{
    OPERATORS,
    api::load_operators,
    components::{PageError, Skeleton, use_account},
    operators::{self, Nodes, concerns},
};

#[component]
pub fn OperatorsPage() -> impl IntoView {
    let changes = use_account().changes;
    let page = Resource::new(move || changes.get(), |_| load_operators());
    let shown = move || {
        Suspend::new(async move {
            match page.await {
                Ok(loaded) => view! { <Page page=loaded again=move || page.refetch()/> }.into_any(),
                Err(error) => view! {
                    <PageError error retry=move || page.refetch() only_for="This page is for operators."/>
                }
                .into_any(),
            }
        })
    };
    view! { <Transition fallback=Skeleton>{shown}</Transition> }
}

#[component]
fn Page(
    page: operators::OperatorsPage,
    /// Loads it again: whoever may not see it any more is told so.
    again: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    if let Some(view) = page.view {
        use_first_view(view);
    }
    let nodes = RwSignal::new(Nodes::begin(page.own, page.known));
    follow(nodes, again);
    view! {
        <Title text="Operations"/>
        <section class="operations">
            <div class="heading">
                <h1>"Operations"</h1>
                <div class="looking"><span class="meta">"Looking now"</span> <PresenceAvatars room=OPERATORS max=5/></div>
            </div>
            <Concerns nodes/>
            <Together nodes/>
            <Instances nodes/>
            <div class="facts-of">
                <Redis nodes/>
                <Trouble nodes/>
            </div>
        </section>
    }
    .into_any()
}

/// What there is to look at, or that there is nothing.
#[component]
fn Concerns(nodes: RwSignal<Nodes>) -> impl IntoView {
    let said = Memo::new(move |_| nodes.with(concerns));
    let well = Memo::new(move |_| match nodes.with(|nodes| nodes.heard().count()) {
        1 => "All is well: one instance.".to_owned(),
        all => format!("All is well: {all} instances."),
    });
    view! {
        <div class="concerns" role="status">
            {move || match said.with(Vec::is_empty) {
                true => view! { <p class="well">{well.get()}</p> }.into_any(),
                false => view! {
                    <ul>{said.get().into_iter().map(|one| view! { <li>{one}</li> }).collect_view()}</ul>
                }
                .into_any(),
            }}
        </div>
    }
}

//! What the person wants to hear of.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{NotificationKind, NotificationPreferences};

use crate::{
    api::communities,
    components::{loaded, use_account},
    notice::Notice,
};

#[component]
pub fn SettingsPage() -> impl IntoView {
    let account = use_account();
    let list = Resource::new(|| (), |()| communities());
    view! {
        <Title text="Settings"/>
        <section class="page">
            <h1>"Settings"</h1>
            <h2>"What I hear of"</h2>
            {loaded(account.person, move |person| match person {
                Some(_) => loaded(list, |communities| {
                    let communities = communities
                        .into_iter()
                        .map(|community| NotificationKind::new(community.slug, community.name))
                        .collect::<Vec<_>>();
                    view! { <NotificationPreferences kinds=Notice::kinds() communities/> }
                })
                .into_any(),
                None => view! { <p><a href="/sign-in?next=/settings">"Sign in"</a> " to choose."</p> }.into_any(),
            })}
        </section>
    }
}

//! What the person wants to hear of, where, and where they are signed in.

mod channels;
mod sessions;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{NotificationKind, NotificationPreferences};

use self::{channels::Channels, sessions::Sessions};
use crate::{api::communities, components::use_account, notice::Notice};

#[component]
pub fn SettingsPage() -> impl IntoView {
    let account = use_account();
    let list = Resource::new(|| (), |()| communities());
    let named = Signal::derive(move || {
        let communities = list.get().and_then(Result::ok).unwrap_or_default();
        let named = communities.into_iter();
        named
            .map(|community| NotificationKind::new(community.slug, community.name))
            .collect::<Vec<_>>()
    });
    let guest = move || {
        Suspend::new(async move {
            let signed_in = matches!(account.person.await, Ok(Some(_)));
            (!signed_in).then(
                || view! { <p><a href="/sign-in?next=/settings">"Sign in"</a> " to choose."</p> },
            )
        })
    };
    view! {
        <Title text="Settings"/>
        <section class="page">
            <h1>"Settings"</h1>
            <h2>"What I hear of"</h2>
            <Transition>{guest}</Transition>
            <NotificationPreferences kinds=Notice::kinds() communities=named/>
            <Channels/>
            <Sessions/>
        </section>
    }
}

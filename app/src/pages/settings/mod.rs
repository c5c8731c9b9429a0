//! Who the person is here, what they want to hear of, where, and where they are signed in.

mod channels;
mod profile;
mod sessions;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{NotificationKind, NotificationPreferences};

use self::{channels::Channels, profile::Profile, sessions::Sessions};
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
    let person = move || {
        Suspend::new(async move {
            match account.signed_in.await {
                Ok(Some(account)) => view! {
                    <Profile person=account.person/>
                    <h2>"Notifications"</h2>
                }
                .into_any(),
                _ => view! { <p><a href="/sign-in?next=/settings">"Sign in"</a> " to choose."</p> }
                    .into_any(),
            }
        })
    };
    view! {
        <Title text="Settings"/>
        <section class="page">
            <h1>"Settings"</h1>
            <Transition>{person}</Transition>
            <NotificationPreferences kinds=Notice::kinds() communities=named/>
            <Channels/>
            <Sessions/>
        </section>
    }
}

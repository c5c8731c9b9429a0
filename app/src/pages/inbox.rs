//! What concerns the person.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::NotificationInbox;
use leptos_router::hooks::use_location;

use crate::notice::Notice;

#[component]
pub fn InboxPage() -> impl IntoView {
    view! {
        <Title text="Notifications"/>
        <section class="page">
            <div class="heading">
                <h1>"Notifications"</h1>
                <a href="/settings">"Notification settings"</a>
            </div>
            <NotificationInbox<Notice> search=use_location().search kinds=Notice::kinds()/>
        </section>
    }
}

//! The HTML document, and the app inside it.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_realtime::{
    ConnectionBadge, NotificationToasts, RealtimeStyles, provide_notifications, provide_realtime,
};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    components::{Header, keep_place, provide_account},
    notice::Notice,
    pages::{
        BoardPage, CommunityPage, HomePage, InboxPage, ManagePage, NotFound, OperatorsPage,
        PostPage, SettingsPage, SignInPage, SignUpPage,
    },
};

/// The document around the app.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::policy::tell(&options);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options=options.clone()/>
                <RealtimeStyles/>
                // In the folder of the scripts, whose name has the site's version.
                <HashedStylesheet options id="forum"/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The forum.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_realtime();
    provide_notifications();
    provide_account();
    keep_place();
    // Pages are sent whole, so that they are complete without JavaScript.
    view! {
        // While a page is on its way it has none of its own.
        <Title text="" formatter=|title: String| if title.is_empty() { "Curia".to_owned() } else { format!("{title} · Curia") }/>
        <Router>
            // Not a page of the router's.
            <a class="skip" href="#main" rel="external">"Skip to the content"</a>
            <Header/>
            <main id="main" tabindex="-1">
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                    <Route path=path!("/sign-up") view=SignUpPage ssr=SsrMode::Async/>
                    <Route path=path!("/inbox") view=InboxPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("/admin/realtime") view=OperatorsPage ssr=SsrMode::Async/>
                    <Route path=path!("/c/:community") view=CommunityPage ssr=SsrMode::Async/>
                    <Route path=path!("/c/:community/manage") view=ManagePage ssr=SsrMode::Async/>
                    <Route path=path!("/c/:community/:board") view=BoardPage ssr=SsrMode::Async/>
                    <Route path=path!("/c/:community/:board/:post") view=PostPage ssr=SsrMode::Async/>
                </Routes>
            </main>
            <NotificationToasts<Notice>/>
            <ConnectionBadge/>
        </Router>
    }
}

use leptos::prelude::*;
use leptos_meta::{provide_meta_context, MetaTags, Stylesheet, Title};
pub use leptos_realtime::*;
use leptos_router::{
    components::{Route, Router, Routes},
    StaticSegment,
};

rooms! { Lobby(u8) }

#[server]
async fn wave() -> Result<u64, ServerFnError> {
    let (realtime, me) = (expect_realtime(), signed_in().await?);
    let (here, wave) = (realtime.presence(Lobby(1)).await?, format!("{me} waves"));
    Ok(realtime.notify(here, Notice::new(&wave).by(&me)).await?)
}

pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <RealtimeStyles/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_notifications();

    view! {
        <Stylesheet id="leptos" href="/pkg/embed.css"/>
        <Title text="Welcome to Leptos"/>
        <Router>
            <main>
                <Routes fallback=|| "Page not found.".into_view()>
                    <Route path=StaticSegment("") view=HomePage ssr=leptos_router::SsrMode::Async/>
                </Routes>
            </main>
        </Router>
    }
}

#[component]
fn HomePage() -> impl IntoView {
    let count = RwSignal::new(0);
    let on_click = move |_| *count.write() += 1;

    view! {
        <h1>"Welcome to Leptos!"</h1>
        <button on:click=on_click>"Click Me: " {count}</button>
        <NotificationBell href="#inbox"/>
        <WithFirstView room=Lobby(1)><PresenceAvatars room=Lobby(1)/></WithFirstView>
        <ActionForm action={ServerAction::<Wave>::new()}><button>"Wave"</button></ActionForm>
        <section id="inbox"><NotificationInbox<String>/></section>
    }
}

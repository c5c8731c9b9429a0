//! Who is signed in on this page, and the bar that shows it.

use leptos::prelude::*;
use leptos_realtime::{ConnectionState, NotificationBell, use_connection, use_status};
use leptos_router::{components::A, hooks::use_location};

use super::AppearOffline;
use crate::{
    api::{ApiError, SignIn, SignOut, current_person},
    model::Person,
};

/// Signing in and out, and who is signed in.
#[derive(Clone, Copy)]
pub struct Account {
    pub person: Resource<Result<Option<Person>, ApiError>>,
    pub sign_in: ServerAction<SignIn>,
    pub sign_out: ServerAction<SignOut>,
}

/// Makes [`use_account`] work below.
pub fn provide_account() {
    let sign_in = ServerAction::<SignIn>::new();
    let sign_out = ServerAction::<SignOut>::new();
    // Counted where it succeeded: a name that was refused changes nothing.
    let changes = RwSignal::new(0_u32);
    let changed = move || {
        changes.update(|changes| *changes += 1);
        tabs::tell();
    };
    Effect::new(move |_| {
        if sign_in.value().with(|value| matches!(value, Some(Ok(_)))) {
            changed();
        }
    });
    Effect::new(move |_| {
        if sign_out.value().with(|value| matches!(value, Some(Ok(())))) {
            changed();
        }
    });
    // The cookie is one for all tabs, so they follow.
    Effect::new(move |_| tabs::listen(move || changes.update(|changes| *changes += 1)));
    let person = Resource::new(move || changes.get(), |_| current_person());
    // The socket was opened as somebody else.
    let reconnect = use_connection().reconnect;
    Effect::new(move |_| {
        if changes.get() > 0 {
            reconnect.run(());
        }
    });
    provide_context(Account {
        person,
        sign_in,
        sign_out,
    });
}

/// See [`Account`].
pub fn use_account() -> Account {
    expect_context()
}

/// The bar at the top of every page.
#[component]
pub fn Header() -> impl IntoView {
    view! {
        <header class="bar">
            <A href="/" attr:class="brand">"Curia"</A>
            <nav class="account" aria-label="Account">
                <NotificationBell href="/inbox"/>
                <Transition fallback=|| view! { <span class="account-name" aria-busy="true">"…"</span> }>
                    <Who/>
                </Transition>
            </nav>
        </header>
    }
}

#[component]
fn Who() -> impl IntoView {
    let account = use_account();
    let location = use_location();
    let (connection, status) = (use_connection(), use_status());
    // How others see the person, as far as this page knows.
    let seen = Memo::new(move |_| match connection.state.get() {
        ConnectionState::Live if status.invisible.get() => "invisible",
        ConnectionState::Live => "online",
        _ => "gone",
    });
    let sign_in_link = move || match location.pathname.get().as_str() {
        "/sign-in" => "/sign-in".to_owned(),
        path => format!("/sign-in?next={path}"),
    };
    move || {
        Suspend::new(async move {
            match account.person.await {
                Ok(Some(person)) => view! {
                    <button type="button" class="account-button" popovertarget="account-menu">
                        <span class="dot" data-status=seen></span>
                        <bdi class="account-name">{person.name}</bdi>
                        <Show when=move || seen.get() == "invisible">
                            <span class="visually-hidden">", appearing offline"</span>
                        </Show>
                        <svg class="caret" viewBox="0 0 10 6" aria-hidden="true"><path d="M1 1l4 4 4-4"/></svg>
                    </button>
                    // Opened, and closed by Escape or a click elsewhere, by the browser: without JavaScript too.
                    <div id="account-menu" class="menu" popover="auto">
                        <AppearOffline status/>
                        <a class="menu-item" href="/settings">"Settings"</a>
                        <ActionForm action=account.sign_out>
                            <button class="menu-item" type="submit">"Sign out"</button>
                        </ActionForm>
                    </div>
                }
                .into_any(),
                _ => view! { <a class="button" href=sign_in_link>"Sign in"</a> }.into_any(),
            }
        })
    }
}

/// Word between the tabs of one browser.
#[cfg(feature = "hydrate")]
mod tabs {
    use leptos::{ev, prelude::*};

    /// What changes in the storage that they share.
    const KEY: &str = "forum.account";

    /// Tells the other tabs that the account changed.
    pub(super) fn tell() {
        let storage = window().local_storage().ok().flatten();
        if let Some(storage) = storage {
            // Any new value will do: what counts is that it changes.
            let now = web_sys::js_sys::Date::now().to_string();
            let _ = storage.set_item(KEY, &now);
        }
    }

    /// Hears the other tabs, until the owner ends.
    pub(super) fn listen(hear: impl Fn() + 'static) {
        let handle = window_event_listener(ev::storage, move |event| {
            if event.key().as_deref() == Some(KEY) {
                hear();
            }
        });
        on_cleanup(move || handle.remove());
    }
}

#[cfg(not(feature = "hydrate"))]
mod tabs {
    pub(super) fn tell() {}

    pub(super) fn listen(_hear: impl Fn() + 'static) {}
}

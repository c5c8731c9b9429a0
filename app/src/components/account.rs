//! Who is signed in on this page, and the bar that shows it.

use leptos::{html, prelude::*, server_fn::ServerFn};
use leptos_realtime::{ConnectionState, NotificationBell, UserId, use_connection, use_status};
use leptos_router::{components::A, hooks::use_location};

use super::AppearOffline;
use crate::{
    api::{ApiError, LookAround, SignIn, SignOut, SignOutEverywhere, SignUp, current_account},
    model,
};

/// Signing up, in and out, and who is signed in.
#[derive(Clone, Copy)]
pub struct Account {
    pub signed_in: Resource<Result<Option<model::Account>, ApiError>>,
    /// Counts how often that changed while the page was open: what was loaded for somebody else is loaded anew.
    pub changes: ReadSignal<u32>,
    pub sign_up: ServerAction<SignUp>,
    pub sign_in: ServerAction<SignIn>,
    pub look_around: ServerAction<LookAround>,
    pub sign_out: ServerAction<SignOut>,
    pub sign_out_everywhere: ServerAction<SignOutEverywhere>,
    /// To be called when the person has another name.
    pub changed: Callback<()>,
}

/// Makes [`use_account`] work below.
pub fn provide_account() {
    let (sign_up, sign_in) = (ServerAction::<SignUp>::new(), ServerAction::<SignIn>::new());
    let look_around = ServerAction::<LookAround>::new();
    let sign_out = ServerAction::<SignOut>::new();
    let sign_out_everywhere = ServerAction::<SignOutEverywhere>::new();
    // Counted where it succeeded: a name that was refused changes nothing.
    let changes = RwSignal::new(0_u32);
    let changed = move || {
        changes.update(|changes| *changes += 1);
        tabs::tell();
    };
    on_success(sign_up, changed);
    on_success(sign_in, changed);
    on_success(look_around, changed);
    on_success(sign_out, changed);
    on_success(sign_out_everywhere, changed);
    // The cookie is one for all tabs, so they follow.
    Effect::new(move |_| tabs::listen(move || changes.update(|changes| *changes += 1)));
    let signed_in = Resource::new(move || changes.get(), |_| current_account());
    let connection = use_connection();
    // Whom the server took the page's person for last.
    let taken_for =
        Memo::new(
            move |before: Option<&Option<UserId>>| match connection.state.get() {
                ConnectionState::Live => connection.user.get().map(|user| user.id),
                _ => before.cloned().flatten(),
            },
        );
    Effect::new(move |before: Option<Option<UserId>>| {
        let now = taken_for.get();
        let shown = signed_in.with_untracked(|account| match account {
            Some(Ok(Some(account))) => Some(UserId::from(account.person.id)),
            _ => None,
        });
        // Their session was ended, in another browser.
        if before
            .flatten()
            .is_some_and(|was| Some(&was) != now.as_ref() && Some(was) == shown)
        {
            changes.update(|changes| *changes += 1);
        }
        now
    });
    // The socket was opened as somebody else.
    let reconnect = connection.reconnect;
    Effect::new(move |_| {
        if changes.get() > 0 {
            reconnect.run(());
        }
    });
    provide_context(Account {
        signed_in,
        changes: changes.read_only(),
        sign_up,
        sign_in,
        look_around,
        sign_out,
        sign_out_everywhere,
        changed: Callback::new(move |()| changed()),
    });
}

/// Calls this whenever an action has succeeded.
fn on_success<S>(action: ServerAction<S>, done: impl Fn() + 'static)
where
    S: ServerFn + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
    S::Error: Send + Sync + 'static,
{
    let value = action.value();
    Effect::new(move |_| {
        if value.with(|value| matches!(value, Some(Ok(_)))) {
            done();
        }
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
    // It belongs to the page on which it was opened.
    let menu = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        location.pathname.track();
        if let Some(menu) = menu.get_untracked() {
            let _ = menu.hide_popover();
        }
    });
    let sign_in_link = move || match location.pathname.get().as_str() {
        "/sign-in" | "/sign-up" => "/sign-in".to_owned(),
        path => format!("/sign-in?next={path}"),
    };
    move || {
        Suspend::new(async move {
            match account.signed_in.await {
                Ok(Some(model::Account { person, operator })) => view! {
                    <button type="button" class="account-button" popovertarget="account-menu">
                        <span class="dot" data-status=seen></span>
                        <bdi class="account-name">{person.name}</bdi>
                        <Show when=move || seen.get() == "invisible">
                            <span class="visually-hidden">", appearing offline"</span>
                        </Show>
                        <svg class="caret" viewBox="0 0 10 6" aria-hidden="true"><path d="M1 1l4 4 4-4"/></svg>
                    </button>
                    // Opened, and closed by Escape or a click elsewhere, by the browser: without JavaScript too.
                    <div id="account-menu" class="menu" popover="auto" node_ref=menu>
                        <AppearOffline status described_by="appear-offline-help"/>
                        <a class="menu-item" href="/settings">"Settings"</a>
                        {operator.then(|| view! { <a class="menu-item" href="/admin/realtime">"Operations"</a> })}
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

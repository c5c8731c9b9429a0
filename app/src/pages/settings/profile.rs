//! Under which name the person is here, whether others see them, and their password.

use leptos::{html, prelude::*};
use leptos_realtime::use_status;

use crate::{
    api::{ChangePassword, MAX_NAME, MIN_PASSWORD, Rename},
    components::{AppearOffline, use_account},
    model::Person,
    pages::sign_in::refusal,
};

#[component]
pub(super) fn Profile(person: Person) -> impl IntoView {
    view! {
        <section class="profile" aria-labelledby="profile">
            <h2 id="profile">"Who I am"</h2>
            <Name name=person.name/>
            <div class="status-setting"><AppearOffline status=use_status() described_by="settings-offline-help"/></div>
            <Password/>
        </section>
    }
}

#[component]
fn Name(name: String) -> impl IntoView {
    let account = use_account();
    let action = ServerAction::<Rename>::new();
    Effect::new(move |_| {
        if let Some(Ok(_)) = action.value().get() {
            account.changed.run(());
        }
    });
    let error = move || refusal(action.value());
    let sending = move || action.pending().get();
    view! {
        <ActionForm action attr:class="form" attr:aria-label="Name">
            <label for="profile-name">"Name"</label>
            <input
                id="profile-name" name="name" type="text" required maxlength=MAX_NAME autocomplete="username" dir="auto"
                value=name aria-describedby="profile-name-help profile-name-error"
            />
            <p id="profile-name-help" class="help">"What others see. You sign in with it too."</p>
            <p id="profile-name-error" class="error" role="alert">{error}</p>
            <button class="button" type="submit" disabled=sending>
                {move || if sending() { "Saving…" } else { "Save the name" }}
            </button>
        </ActionForm>
    }
}

#[component]
fn Password() -> impl IntoView {
    let action = ServerAction::<ChangePassword>::new();
    let form = NodeRef::<html::Form>::new();
    let done = move || action.value().with(|value| matches!(value, Some(Ok(()))));
    Effect::new(move |_| {
        if done()
            && let Some(form) = form.get_untracked()
        {
            form.reset();
        }
    });
    let error = move || refusal(action.value());
    let sending = move || action.pending().get();
    let said = move || done().then_some("Changed. All other browsers were signed out.");
    view! {
        <details class="password-setting" open=move || error().is_some()>
            <summary>"Change the password"</summary>
            <ActionForm action node_ref=form attr:class="form" attr:aria-label="Password">
                <label for="current-password">"Present password"</label>
                <input id="current-password" name="current" type="password" required autocomplete="current-password"/>
                <label for="new-password">"New password"</label>
                <input
                    id="new-password" name="new" type="password" required minlength=MIN_PASSWORD autocomplete="new-password"
                    aria-describedby="new-password-help new-password-error"
                />
                <p id="new-password-help" class="help">
                    {format!("At least {MIN_PASSWORD} characters. You are signed out everywhere else.")}
                </p>
                <p id="new-password-error" class="error" role="alert">{error}</p>
                <button class="button" type="submit" disabled=sending>"Change it"</button>
            </ActionForm>
        </details>
        <p role="status">{said}</p>
    }
}

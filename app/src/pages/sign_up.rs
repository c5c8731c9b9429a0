//! Making an account.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{sign_in::refusal, use_next};
use crate::{
    api::{MAX_NAME, MIN_PASSWORD, SignUp},
    components::use_account,
};

#[component]
pub fn SignUpPage() -> impl IntoView {
    let account = use_account();
    let next = use_next();
    // As on the page for signing in: this one knows what a form sent without JavaScript was answered.
    let by_hand = ServerAction::<SignUp>::new();
    let error = move || refusal(account.sign_up.value()).or_else(|| refusal(by_hand.value()));
    view! {
        <Title text="Make an account"/>
        <section class="page narrow">
            <h1>"Make an account"</h1>
            <p class="lead">
                "You have one? " <a href=move || format!("/sign-in?next={}", next.get())>"Sign in"</a> "."
            </p>
            <ActionForm action=account.sign_up attr:class="form">
                <label for="name">"Name"</label>
                <input
                    id="name"
                    name="name"
                    type="text"
                    required
                    maxlength=MAX_NAME
                    autocomplete="username"
                    dir="auto"
                    aria-describedby="name-help sign-up-error"
                />
                <p id="name-help" class="help">"What others see. Letters, digits and spaces."</p>
                <label for="password">"Password"</label>
                <input
                    id="password"
                    name="password"
                    type="password"
                    required
                    minlength=MIN_PASSWORD
                    autocomplete="new-password"
                    aria-describedby="password-help sign-up-error"
                />
                <p id="password-help" class="help">{format!("At least {MIN_PASSWORD} characters: a few words make a good one.")}</p>
                <input type="hidden" name="next" value=next/>
                <p id="sign-up-error" class="error" role="alert">{error}</p>
                <button class="button" type="submit" disabled=move || account.sign_up.pending().get()>"Make the account"</button>
            </ActionForm>
        </section>
    }
}

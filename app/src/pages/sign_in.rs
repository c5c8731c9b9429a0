//! Signing in by name: for development, until there are accounts.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::{MAX_NAME, SignIn},
    components::use_account,
};

#[component]
pub fn SignInPage() -> impl IntoView {
    let account = use_account();
    let query = use_query_map();
    let next = move || query.with(|query| query.get("next").unwrap_or_else(|| "/".to_owned()));
    // The account's action was made outside of the routes, and does not know what a form sent without JavaScript was
    // answered; one made here does.
    let by_hand = ServerAction::<SignIn>::new();
    let refusal = |action: ServerAction<SignIn>| {
        action
            .value()
            .with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
    };
    let error = move || refusal(account.sign_in).or_else(|| refusal(by_hand));
    view! {
        <Title text="Sign in"/>
        <section class="page narrow">
            <h1>"Come in"</h1>
            <p class="lead">"Say your name; this is a development forum, there is no password yet."</p>
            <ActionForm action=account.sign_in attr:class="form">
                <label for="name">"Your name"</label>
                <input
                    id="name"
                    name="name"
                    type="text"
                    required
                    maxlength=MAX_NAME
                    autocomplete="nickname"
                    aria-describedby="sign-in-error"
                />
                <input type="hidden" name="next" value=next/>
                <p id="sign-in-error" class="error" role="alert">{error}</p>
                <button class="button" type="submit" disabled=move || account.sign_in.pending().get()>"Sign in"</button>
            </ActionForm>
        </section>
    }
}

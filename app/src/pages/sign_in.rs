//! Signing in.

use leptos::prelude::*;
use leptos_meta::Title;

use super::use_next;
use crate::{
    api::{ApiError, LookAround, MAX_NAME, SignIn, may_look_around},
    components::use_account,
};

/// People of the seed, to look around as.
const PEOPLE: [&str; 3] = ["Maren Holt", "Lena Arvidsson", "Jonas Blum"];

/// Why an action was refused.
pub(super) fn refusal<T: Clone + Send + Sync + 'static>(
    value: impl With<Value = Option<Result<T, ApiError>>>,
) -> Option<String> {
    value.with(|value| value.as_ref()?.as_ref().err().map(ToString::to_string))
}

#[component]
pub fn SignInPage() -> impl IntoView {
    let account = use_account();
    let next = use_next();
    // The account's action was made outside of the routes, and does not know what a form sent without JavaScript was
    // answered; one made here does.
    let by_hand = ServerAction::<SignIn>::new();
    let error = move || refusal(account.sign_in.value()).or_else(|| refusal(by_hand.value()));
    let demo = Resource::new(|| (), |()| may_look_around());
    view! {
        <Title text="Sign in"/>
        <section class="page narrow">
            <h1>"Come in"</h1>
            <p class="lead">
                "New here? " <a href=move || format!("/sign-up?next={}", next.get())>"Make an account"</a> "."
            </p>
            <ActionForm action=account.sign_in attr:class="form">
                <label for="name">"Name"</label>
                <input
                    id="name"
                    name="name"
                    type="text"
                    required
                    maxlength=MAX_NAME
                    autocomplete="username"
                    aria-describedby="sign-in-error"
                />
                <label for="password">"Password"</label>
                <input
                    id="password"
                    name="password"
                    type="password"
                    required
                    autocomplete="current-password"
                    aria-describedby="sign-in-error"
                />
                <input type="hidden" name="next" value=next/>
                <p id="sign-in-error" class="error" role="alert">{error}</p>
                <button class="button" type="submit" disabled=move || account.sign_in.pending().get()>"Sign in"</button>
            </ActionForm>
            <Transition>
                {move || Suspend::new(async move {
                    matches!(demo.await, Ok(true)).then(|| view! { <LookAroundForm/> })
                })}
            </Transition>
        </section>
    }
}

/// Signing in by a name alone, in development.
#[component]
fn LookAroundForm() -> impl IntoView {
    let account = use_account();
    let next = use_next();
    let by_hand = ServerAction::<LookAround>::new();
    let error = move || refusal(account.look_around.value()).or_else(|| refusal(by_hand.value()));
    let sending = move || account.look_around.pending().get();
    let people = PEOPLE.map(|name| {
        view! {
            <ActionForm action=account.look_around>
                <input type="hidden" name="next" value=next/>
                <button class="quiet" type="submit" name="name" value=name disabled=sending>{name}</button>
            </ActionForm>
        }
    });
    view! {
        <section class="look-around" aria-labelledby="look-around">
            <h2 id="look-around">"Or look around"</h2>
            <p class="help">"This forum is being developed: any name will do, without a password."</p>
            <div class="look-around-people">{people.into_iter().collect_view()}</div>
            <ActionForm action=account.look_around attr:class="form">
                <label for="demo-name">"Your name"</label>
                <input
                    id="demo-name"
                    name="name"
                    type="text"
                    required
                    maxlength=MAX_NAME
                    autocomplete="nickname"
                    aria-describedby="look-around-error"
                />
                <input type="hidden" name="next" value=next/>
                <p id="look-around-error" class="error" role="alert">{error}</p>
                <button class="button" type="submit" disabled=sending>"Look around"</button>
            </ActionForm>
        </section>
    }
    .into_any()
}

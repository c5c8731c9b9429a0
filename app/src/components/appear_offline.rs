//! The switch with which a person hides from everybody else.

use leptos::prelude::*;
use leptos_realtime::{UseStatusReturn, core::session::Answer};

/// A switch. What is asked for shows at once, and goes back where it did not work.
#[component]
pub fn AppearOffline(
    status: UseStatusReturn,
    /// The id of what explains it: one for each place on a page.
    described_by: &'static str,
) -> impl IntoView {
    let action = status.set_invisible;
    let pending = action.pending();
    let on = move || match (pending.get(), action.input().get()) {
        (true, Some(asked)) => asked,
        _ => status.invisible.get(),
    };
    let failed = move || {
        let answered = action.value().with(|value| {
            value
                .as_ref()
                .is_some_and(|answer| *answer != Answer::Acknowledged)
        });
        (answered && !pending.get()).then_some("That did not work. Please try again.")
    };
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            aria-checked=move || on().to_string()
            aria-describedby=described_by
            aria-busy=move || pending.get().to_string()
            on:click=move |_| {
                if !pending.get_untracked() {
                    action.dispatch(!status.invisible.get_untracked());
                }
            }
        >
            <span>"Appear offline"</span>
            <span class="switch-track" aria-hidden="true"></span>
        </button>
        <p id=described_by class="menu-help">"Others do not see you come, write or go, on any of your devices."</p>
        <p class="error" role="alert">{failed}</p>
    }
    .into_any()
}

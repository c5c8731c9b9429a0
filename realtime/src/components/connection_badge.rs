//! The line that tells when the connection is in trouble.

use leptos::prelude::*;

use crate::{
    hooks::{ConnectionState, use_connection},
    protocol::CloseAction,
};

/// How long trouble stays unsaid: most of it is over by then.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
const QUIET: std::time::Duration = std::time::Duration::from_secs(2);

/// A quiet line while the connection is lost: nothing when all is well, nothing in the first two seconds of trouble.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::ConnectionBadge;
///
/// #[component]
/// fn Footer() -> impl IntoView {
///     view! { <ConnectionBadge/> }
/// }
/// ```
#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let connection = use_connection();
    let troubled = Memo::new(move |_| {
        !matches!(
            connection.state.get(),
            ConnectionState::Idle | ConnectionState::Live
        )
    });
    let shown = RwSignal::new(false);
    let now = RwSignal::new(0_u64);
    watch_trouble(troubled, shown, now);
    let text = move || match (shown.get(), connection.state.get()) {
        (false, _) | (_, ConnectionState::Idle | ConnectionState::Live) => String::new(),
        (_, ConnectionState::Connecting) => "Reconnecting…".to_owned(),
        (_, ConnectionState::Waiting { next_try, .. }) => {
            waiting(next_try.saturating_sub(now.get()))
        }
        (_, ConnectionState::Stopped(goodbye)) => stopped(goodbye.action).to_owned(),
    };
    view! {
        <div class="rt-connection" role="status" aria-live="polite" data-shown=move || (!text().is_empty()).to_string()>
            <span>{text}</span>
            <Show when=move || shown.get() && matches!(connection.state.get(), ConnectionState::Stopped(_))>
                <button type="button" on:click=move |_| connection.reconnect.run(())>"Connect"</button>
            </Show>
        </div>
    }
    .into_any()
}

fn waiting(wait_ms: u64) -> String {
    match wait_ms.div_ceil(1_000) {
        0 => "Reconnecting…".to_owned(),
        seconds => format!("Reconnecting… (next try in {seconds} s)"),
    }
}

fn stopped(action: CloseAction) -> &'static str {
    match action {
        CloseAction::SignIn => "Live updates have stopped: please sign in again.",
        CloseAction::Reload => "There is a new version: please load the page again.",
        CloseAction::Stop | CloseAction::Retry => "Live updates have stopped.",
    }
}

/// Shows trouble once it has lasted, and keeps the countdown going.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn watch_trouble(troubled: Memo<bool>, shown: RwSignal<bool>, now: RwSignal<u64>) {
    Effect::new(move |_| {
        if !troubled.get() {
            shown.set(false);
            return;
        }
        let tick = move || now.set(js_sys::Date::now() as u64);
        tick();
        let quiet = set_timeout_with_handle(move || shown.set(true), QUIET).ok();
        let clock = set_interval_with_handle(tick, std::time::Duration::from_millis(500)).ok();
        on_cleanup(move || {
            if let Some(quiet) = quiet {
                quiet.clear();
            }
            if let Some(clock) = clock {
                clock.clear();
            }
        });
    });
}

#[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
fn watch_trouble(_troubled: Memo<bool>, _shown: RwSignal<bool>, _now: RwSignal<u64>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_countdown_rounds_up_and_ends_in_a_try() {
        assert_eq!(waiting(3_001), "Reconnecting… (next try in 4 s)");
        assert_eq!(waiting(1), "Reconnecting… (next try in 1 s)");
        assert_eq!(waiting(0), "Reconnecting…");
    }
}

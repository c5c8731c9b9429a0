//! The line that tells when the connection is in trouble.

use leptos::prelude::*;

use crate::{
    hooks::{ConnectionState, use_connection, use_update},
    protocol::{BuildId, CloseAction},
};

/// How long trouble stays unsaid: most of it is over by then.
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
const QUIET: std::time::Duration = std::time::Duration::from_secs(2);

/// A quiet line while the connection is lost, or the server is cut off from the other instances: nothing when all is
/// well, nothing in the first two seconds of trouble. Also where a newer version of the page is there: until the person
/// loads it, or wants to do so later.
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
    let troubled = Memo::new(move |_| match connection.state.get() {
        ConnectionState::Idle => false,
        ConnectionState::Live => connection.degraded.get(),
        _ => true,
    });
    let shown = RwSignal::new(false);
    let now = RwSignal::new(0_u64);
    // The first connection is no reconnection.
    let was_live = RwSignal::new(false);
    Effect::new(move |_| {
        if connection.state.get() == ConnectionState::Live {
            was_live.set(true);
        }
    });
    watch_trouble(troubled, shown, now);
    let update = use_update();
    let put_off = RwSignal::new(None::<BuildId>);
    let news = Memo::new(move |_| {
        let build = update.build.get();
        let live = connection.state.get() == ConnectionState::Live && !troubled.get();
        live && build.is_some() && build != put_off.get()
    });
    let later = move |_| put_off.set(update.build.get_untracked());
    let text = move || match (shown.get(), connection.state.get()) {
        (_, ConnectionState::Live) if news.get() => "A new version is here.",
        (true, ConnectionState::Live) if connection.degraded.get() => {
            "Live with some delay: not everyone is reached right now."
        }
        (false, _) | (_, ConnectionState::Idle | ConnectionState::Live) => "",
        (_, ConnectionState::Connecting { .. } | ConnectionState::Waiting { .. }) => {
            if was_live.get() {
                "Reconnecting…"
            } else {
                "Connecting…"
            }
        }
        (_, ConnectionState::Offline) => "You are offline. Live updates go on when you are back.",
        (_, ConnectionState::Stopped(goodbye)) => stopped(goodbye.action),
    };
    let countdown = move || match (shown.get(), connection.state.get()) {
        (true, ConnectionState::Waiting { next_try, .. }) => {
            countdown(next_try.saturating_sub(now.get()))
        }
        _ => String::new(),
    };
    let way_out = move || match (shown.get(), connection.state.get()) {
        (true, ConnectionState::Stopped(goodbye)) => Some(goodbye.action),
        _ => None,
    };
    let is_old = move || way_out() == Some(CloseAction::Reload);
    let has_stopped = move || way_out().is_some_and(|action| action != CloseAction::Reload);
    view! {
        <div class="rt-connection" data-state=move || name(&connection.state.get(), connection.degraded.get()) data-shown=move || (!text().is_empty()).to_string()>
            <span role="status">{text}</span>
            // Not read out: it changes every second.
            <span aria-hidden="true">{countdown}</span>
            <Show when=has_stopped>
                <button type="button" on:click=move |_| connection.reconnect.run(())>"Connect"</button>
            </Show>
            <Show when=move || is_old() || news.get()>
                <button type="button" on:click=move |_| update.reload.run(())>"Reload"</button>
            </Show>
            <Show when=move || news.get()>
                <button type="button" class="rt-connection-later" on:click=later>"Later"</button>
            </Show>
        </div>
    }
    .into_any()
}

/// The state, for styles and tests.
fn name(state: &ConnectionState, degraded: bool) -> &'static str {
    match state {
        ConnectionState::Live if degraded => "degraded",
        ConnectionState::Idle => "idle",
        ConnectionState::Connecting { .. } => "connecting",
        ConnectionState::Live => "live",
        ConnectionState::Waiting { .. } => "waiting",
        ConnectionState::Offline => "offline",
        ConnectionState::Stopped(_) => "stopped",
    }
}

fn countdown(wait_ms: u64) -> String {
    match wait_ms.div_ceil(1_000) {
        0 => String::new(),
        seconds => format!("(next try in {seconds} s)"),
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
        assert_eq!(countdown(3_001), "(next try in 4 s)");
        assert_eq!(countdown(1), "(next try in 1 s)");
        assert_eq!(countdown(0), "");
    }
}

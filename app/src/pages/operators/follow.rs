//! What keeps the page alive: what instances say, the clock, and asking where nothing is heard.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use leptos_realtime::{ViewState, use_presence, use_signals};

use crate::{
    OPERATORS,
    api::{ApiError, load_operators},
    operators::{EVERY, Nodes},
};

/// After how long without a word the instance that serves the page is asked each time, in milliseconds: while Redis is
/// away, nobody's signals come.
const PATIENCE: u64 = 2 * EVERY + EVERY / 2;

/// Keeps the instances as they are, from hydration until the component ends. `again` is called when the page may not be
/// seen any more.
pub(super) fn follow(nodes: RwSignal<Nodes>, again: impl Fn() + Copy + Send + Sync + 'static) {
    let signalled = StoredValue::new(0);
    use_signals(OPERATORS, move |from, report| {
        // Of the host alone: nobody else may speak there.
        if from.is_none() {
            signalled.set_value(now());
            nodes.update(|nodes| nodes.hear(report, now()));
        }
    });
    // Whoever is no operator any more is taken out of the room.
    let state = use_presence(OPERATORS).state;
    Effect::new(move |was_live: Option<bool>| {
        let state = state.get();
        // Only where it was theirs before: what was refused from the beginning would be refused again and again.
        if was_live == Some(true) && matches!(state, ViewState::Refused(_)) {
            again();
        }
        state == ViewState::Live
    });
    Effect::new(move |_| {
        let asking = StoredValue::new(false);
        signalled.set_value(now());
        nodes.update(|nodes| nodes.pass(now()));
        let tick = move || {
            nodes.update(|nodes| nodes.pass(now()));
            let silence = now().saturating_sub(signalled.get_value());
            if silence < PATIENCE || asking.get_value() || document().hidden() {
                return;
            }
            asking.set_value(true);
            spawn_local(async move {
                let asked = load_operators().await;
                // The page may have been left.
                if asking.try_set_value(false).is_some() {
                    return;
                }
                match asked {
                    Ok(page) => nodes.update(|nodes| nodes.hear(page.own, now())),
                    Err(ApiError::SignIn | ApiError::Denied(_)) => again(),
                    // It is tried again with the next tick, and the page says meanwhile that nobody is heard.
                    Err(_) => {}
                }
            });
        };
        if let Ok(clock) = set_interval_with_handle(tick, Duration::from_millis(EVERY)) {
            on_cleanup(move || clock.clear());
        }
    });
}

/// The browser's clock, in milliseconds.
fn now() -> u64 {
    #[cfg(feature = "hydrate")]
    return web_sys::js_sys::Date::now() as u64;
    #[cfg(not(feature = "hydrate"))]
    0
}

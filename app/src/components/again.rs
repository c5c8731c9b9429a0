//! What is asked again and again, for as long as a page is seen.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, task::spawn_local};

use crate::api::ApiError;

/// How often.
const EVERY: Duration = Duration::from_secs(15);

/// Keeps what a page shows as the server has it, where no room tells of it. Where there is no answer, what is known
/// stays.
pub fn keep_asking<T, Asked>(shown: RwSignal<T>, ask: impl Fn() -> Asked + Copy + 'static)
where
    T: PartialEq + Send + Sync + 'static,
    Asked: Future<Output = Result<T, ApiError>> + 'static,
{
    Effect::new(move |_| {
        let again = move || {
            if document().hidden() {
                return;
            }
            spawn_local(async move {
                if let Ok(now) = ask().await {
                    // The page may have been left.
                    shown.try_maybe_update(|known| {
                        let changed = *known != now;
                        *known = now;
                        (changed, ())
                    });
                }
            });
        };
        if let Ok(asking) = set_interval_with_handle(again, EVERY) {
            on_cleanup(move || asking.clear());
        }
    });
}

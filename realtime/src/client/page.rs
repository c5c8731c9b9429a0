//! What the page and its machine do: shown or hidden, used, with a network or without.

use std::{cell::Cell, rc::Rc};

use js_sys::Reflect;
use leptos::prelude::{WindowListenerHandle, window, window_event_listener_untyped};
use web_sys::{Event, VisibilityState};

use crate::core::session::Input;

/// The least time between two reports of use, in milliseconds.
const USED_EVERY_MS: u64 = 1_000;

/// Listens until it is dropped.
pub(super) struct Page(Vec<WindowListenerHandle>);

impl Page {
    /// Tells the session what happens from now on, and how things are, by its time.
    pub(super) fn follow(
        now: impl Fn() -> u64 + Clone + 'static,
        tell: impl Fn(Input<'_>) + Clone + 'static,
    ) -> Self {
        let mut handles = Vec::new();
        for (name, there) in [("online", true), ("offline", false)] {
            let tell = tell.clone();
            handles.push(window_event_listener_untyped(name, move |_| {
                tell(Input::Network(there));
            }));
        }
        let is_visible = || {
            let document = window().document();
            document.is_none_or(|document| document.visibility_state() == VisibilityState::Visible)
        };
        // The change of visibility happens to the document, and bubbles.
        for name in ["visibilitychange", "pageshow"] {
            let tell = tell.clone();
            handles.push(window_event_listener_untyped(name, move |event| {
                // A page that comes back from the browser's cache has slept, its socket has not lived.
                if is_persisted(&event) {
                    tell(Input::Closed);
                }
                let visible = is_visible();
                // It may have slept when the network came back. That there is none is only believed as it happens.
                if visible && window().navigator().on_line() {
                    tell(Input::Network(true));
                }
                tell(Input::Visible(visible));
            }));
        }
        let used_at = Rc::new(Cell::new(None::<u64>));
        for name in [
            "pointerdown",
            "pointermove",
            "keydown",
            "wheel",
            "touchstart",
        ] {
            let (now, tell, used_at) = (now.clone(), tell.clone(), used_at.clone());
            handles.push(window_event_listener_untyped(name, move |_| {
                let now = now();
                if used_at.get().is_none_or(|at| now - at >= USED_EVERY_MS) {
                    used_at.set(Some(now));
                    tell(Input::Used);
                }
            }));
        }
        tell(Input::Used);
        tell(Input::Visible(is_visible()));
        // Browsers that say so wrongly say that there is a network.
        if !window().navigator().on_line() {
            tell(Input::Network(false));
        }
        Self(handles)
    }
}

/// Whether a `pageshow` is that of a page from the browser's cache.
fn is_persisted(event: &Event) -> bool {
    Reflect::get(event, &"persisted".into()).is_ok_and(|persisted| persisted.is_truthy())
}

impl Drop for Page {
    fn drop(&mut self) {
        for handle in self.0.drain(..) {
            handle.remove();
        }
    }
}

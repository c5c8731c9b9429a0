//! What the page and its machine do: shown or hidden, used, with a network or without.

use std::{cell::Cell, rc::Rc};

use leptos::prelude::{WindowListenerHandle, window, window_event_listener_untyped};
use web_sys::VisibilityState;

use crate::core::session::Input;

/// The least time between two reports of use, in milliseconds.
const USED_EVERY_MS: f64 = 5_000.0;

/// Listens until it is dropped.
pub(super) struct Page(Vec<WindowListenerHandle>);

impl Page {
    /// Tells the session what happens from now on, and how things are.
    pub(super) fn follow(tell: impl Fn(Input<'_>) + Clone + 'static) -> Self {
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
        let on_visibility = tell.clone();
        // It happens to the document, and bubbles.
        handles.push(window_event_listener_untyped(
            "visibilitychange",
            move |_| {
                on_visibility(Input::Visible(is_visible()));
            },
        ));
        // A page that comes back from the browser's cache has slept, its socket has not lived.
        let on_show = tell.clone();
        handles.push(window_event_listener_untyped("pageshow", move |_| {
            on_show(Input::Visible(is_visible()));
        }));
        let used_at = Rc::new(Cell::new(f64::NEG_INFINITY));
        for name in [
            "pointerdown",
            "pointermove",
            "keydown",
            "wheel",
            "touchstart",
        ] {
            let (tell, used_at) = (tell.clone(), used_at.clone());
            handles.push(window_event_listener_untyped(name, move |_| {
                let now = js_sys::Date::now();
                if now - used_at.get() >= USED_EVERY_MS {
                    used_at.set(now);
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

impl Drop for Page {
    fn drop(&mut self) {
        for handle in self.0.drain(..) {
            handle.remove();
        }
    }
}

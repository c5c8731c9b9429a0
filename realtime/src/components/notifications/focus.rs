//! Where the keyboard's focus goes when what had it leaves the page.

use leptos::{
    prelude::{document, request_animation_frame},
    wasm_bindgen::JsCast as _,
    web_sys::{Element, Event, HtmlElement, KeyboardEvent, MouseEvent},
};

/// Whether something in this element has the focus.
pub(super) fn is_in(id: &str) -> bool {
    let element = document().get_element_by_id(id);
    element.is_some_and(|element| element.contains(document().active_element().as_deref()))
}

/// Moves it to the first of these elements that is there once the page has changed.
pub(super) fn move_to(ids: Vec<String>) {
    request_animation_frame(move || {
        let mut elements = ids.iter().filter_map(|id| document().get_element_by_id(id));
        focus(elements.next());
    });
}

/// Folds a `details` and gives the focus back to what unfolded it.
pub(super) fn fold(event: &Event) {
    let within = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let details = within.and_then(|element| element.closest("details[open]").ok().flatten());
    if let Some(details) = details {
        let _ = details.remove_attribute("open");
        focus(details.query_selector("summary").ok().flatten());
    }
}

/// As [`fold`], by the key for it.
pub(super) fn fold_by_escape(event: &KeyboardEvent) {
    if event.key() == "Escape" {
        fold(event);
    }
}

/// Whether a click follows a link here, and not in another tab or window.
pub(super) fn is_plain(click: &MouseEvent) -> bool {
    let held = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
    click.button() == 0 && !held
}

fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

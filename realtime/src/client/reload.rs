//! Loading the page again: because the person wants to, or once because it is not served any more.

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::{Document, window};

use super::identity::session_storage;
use crate::{
    core::builds::{Builds, reload_once},
    protocol::{PROTOCOL_VERSION, ProtocolError},
};

/// The builds that the tab has known.
const BUILDS: &str = "leptos_realtime.builds";

/// When the page loaded itself again last, and why.
const RELOADED: &str = "leptos_realtime.reloaded";

/// What can be written into. Others have a value by themselves.
const FIELDS: &str = "textarea, input:not([type]), input[type=text], input[type=search], input[type=email], \
    input[type=url], input[type=tel], input[type=number], input[type=password]";

pub(super) fn known_builds() -> String {
    let stored = || session_storage()?.get_item(BUILDS).ok()?;
    stored().unwrap_or_default()
}

pub(super) fn store_builds(builds: &Builds) {
    if let Some(storage) = session_storage() {
        let _ = storage.set_item(BUILDS, &builds.remembered());
    }
}

pub(super) fn now() {
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

/// The server does not serve this page: loads it again, unless that was tried before, somebody is writing, or nothing
/// can be remembered. Whether it does.
pub(super) fn once(error: &ProtocolError) -> bool {
    if is_written_in() {
        return false;
    }
    let Some(storage) = session_storage() else {
        return false;
    };
    let before = storage.get_item(RELOADED).ok().flatten();
    let why = format!("{PROTOCOL_VERSION} {error}");
    let now_ms = js_sys::Date::now() as u64;
    let Some(done) = reload_once(before.as_deref(), &why, now_ms) else {
        return false;
    };
    if storage.set_item(RELOADED, &done).is_err() {
        return false;
    }
    now();
    true
}

/// Whether somebody has written something into the page that loading it again may lose.
fn is_written_in() -> bool {
    let Some(document) = window().and_then(|window| window.document()) else {
        return false;
    };
    has_changed_field(&document) || is_in_editor(&document)
}

fn has_changed_field(document: &Document) -> bool {
    let Ok(fields) = document.query_selector_all(FIELDS) else {
        return false;
    };
    let text = |field: &JsValue, property: &str| {
        let found = Reflect::get(field, &property.into());
        found.ok().and_then(|value| value.as_string())
    };
    let mut fields = (0..fields.length()).filter_map(|place| fields.get(place));
    fields.any(|field| text(&field, "value") != text(&field, "defaultValue"))
}

/// Whether the focus is in something that is written in and is no field.
fn is_in_editor(document: &Document) -> bool {
    document.active_element().is_some_and(|element| {
        let editable = Reflect::get(&element, &"isContentEditable".into());
        editable.is_ok_and(|editable| editable.is_truthy())
    })
}

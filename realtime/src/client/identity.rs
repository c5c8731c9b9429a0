//! What the browser remembers: the tab's session across reloads, the device across tabs.

use js_sys::Uint8Array;
use web_sys::{Storage, window};

use crate::protocol::{Auth, BuildId, DeviceId, DeviceKind, SessionId};

const SESSION: &str = "leptos_realtime.session";
const INCARNATION: &str = "leptos_realtime.incarnation";
const DEVICE: &str = "leptos_realtime.device";

/// A random number of the browser's own source.
pub(super) fn entropy() -> u64 {
    let bytes = Uint8Array::new_with_length(8);
    let crypto = window().and_then(|window| window.crypto().ok());
    if crypto.is_none_or(|crypto| {
        crypto
            .get_random_values_with_array_buffer_view(&bytes)
            .is_err()
    }) {
        // Only an insecure page on a strange host has no crypto; then this must do.
        return (js_sys::Math::random() * 2f64.powi(52)) as u64;
    }
    let mut number = [0; 8];
    bytes.copy_to(&mut number);
    u64::from_le_bytes(number)
}

fn random_id(prefix: char) -> String {
    format!("{prefix}{:016x}{:016x}", entropy(), entropy())
}

pub(super) fn session_storage() -> Option<Storage> {
    window()?.session_storage().ok()?
}

fn local_storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

/// The handshake of this tab, as remembered or new. Without storage (blocked, or full) nothing is remembered, and a
/// reload is a new session.
pub(super) fn load() -> Auth {
    let stored = |key| session_storage()?.get_item(key).ok()?;
    let session = stored(SESSION).and_then(|id| SessionId::try_from(id).ok());
    let incarnation = stored(INCARNATION)
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    Auth {
        session: session.or_else(|| SessionId::try_from(random_id('s')).ok()),
        incarnation,
        device: device(),
        device_kind: device_kind(),
        build: build(),
        ..Auth::default()
    }
}

/// How far the tab's session has counted its connections: another page may have gone on with it while this one lay in
/// the browser's cache.
pub(super) fn counted(auth: &Auth) -> Option<u64> {
    let storage = session_storage()?;
    let session = storage.get_item(SESSION).ok()??;
    let is_same = auth
        .session
        .as_ref()
        .is_some_and(|id| id.as_str() == session);
    let counted = storage.get_item(INCARNATION).ok()??;
    counted.parse().ok().filter(|_| is_same)
}

/// Remembers the session for the next page of this tab.
pub(super) fn store(auth: &Auth) {
    if let (Some(storage), Some(session)) = (session_storage(), &auth.session) {
        let _ = storage.set_item(SESSION, session.as_str());
        let _ = storage.set_item(INCARNATION, &auth.incarnation.to_string());
    }
}

/// What the page was made from: the server that wrote its HTML wrote that into it, and it has named the client's files
/// of the same build.
fn build() -> Option<BuildId> {
    let document = window()?.document()?;
    let found = document.query_selector(&format!("meta[name='{}']", BuildId::META));
    BuildId::try_from(found.ok()??.get_attribute("content")?).ok()
}

fn device() -> Option<DeviceId> {
    let storage = local_storage()?;
    let known = storage
        .get_item(DEVICE)
        .ok()
        .flatten()
        .and_then(|id| DeviceId::try_from(id).ok());
    known.or_else(|| {
        let id = random_id('d');
        storage.set_item(DEVICE, &id).ok()?;
        DeviceId::try_from(id).ok()
    })
}

fn device_kind() -> DeviceKind {
    match window().and_then(|window| window.navigator().user_agent().ok()) {
        Some(agent) if agent.contains("Mobi") || agent.contains("Android") => DeviceKind::Mobile,
        Some(_) => DeviceKind::Desktop,
        None => DeviceKind::Other,
    }
}

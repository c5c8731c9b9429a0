//! What is being written and not sent yet, kept in the tab: a page that is loaded again, whatever for, has it still.

use std::fmt::Display;

use leptos::prelude::*;

/// What one person is writing in one place.
#[derive(Clone, Copy, Debug)]
pub struct Draft(StoredValue<String>);

impl Draft {
    /// Of this person, in the place that this names among all of the site.
    pub fn new(person: i64, place: impl Display) -> Self {
        Self(StoredValue::new(format!("draft/{person}/{place}")))
    }

    /// What was kept.
    pub fn read(self) -> Option<String> {
        self.0.with_value(|key| storage::read(key))
    }

    /// Keeps what is written by now.
    pub fn keep(self, text: &str) {
        self.0.with_value(|key| match text.trim().is_empty() {
            true => storage::remove(key),
            false => storage::write(key, text),
        });
    }

    /// It was sent, or is not wanted any more.
    pub fn forget(self) {
        self.0.with_value(|key| storage::remove(key));
    }
}

/// The tab's own storage. Where a browser allows none, nothing is kept.
#[cfg(feature = "hydrate")]
mod storage {
    use leptos::prelude::window;

    fn open() -> Option<web_sys::Storage> {
        window().session_storage().ok().flatten()
    }

    pub(super) fn read(key: &str) -> Option<String> {
        open()?.get_item(key).ok().flatten()
    }

    pub(super) fn write(key: &str, text: &str) {
        if let Some(storage) = open() {
            let _ = storage.set_item(key, text);
        }
    }

    pub(super) fn remove(key: &str) {
        if let Some(storage) = open() {
            let _ = storage.remove_item(key);
        }
    }
}

#[cfg(not(feature = "hydrate"))]
mod storage {
    pub(super) fn read(_key: &str) -> Option<String> {
        None
    }

    pub(super) fn write(_key: &str, _text: &str) {}

    pub(super) fn remove(_key: &str) {}
}

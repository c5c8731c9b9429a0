//! What a page tells the module to do.

use std::sync::Arc;

use leptos::prelude::*;

/// Something that a page can do, as [`run`](Self::run): like leptos' `Callback`, and nothing once its component is gone. A
/// field that has the focus when it is taken away is still told that it lost it.
#[derive(Clone, Copy)]
pub struct Command(StoredValue<Arc<dyn Fn() + Send + Sync>>);

impl Command {
    pub(super) fn new(does: impl Fn() + Send + Sync + 'static) -> Self {
        Self(StoredValue::new(Arc::new(does)))
    }

    /// Does it.
    pub fn run(&self, (): ()) {
        if let Some(does) = self.0.try_get_value() {
            does();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_does_nothing_once_its_owner_is_gone() {
        let (owner, done) = (Owner::new(), Arc::new(AtomicU32::new(0)));
        let count = done.clone();
        let command = owner.with(|| {
            Command::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            })
        });
        command.run(());
        owner.cleanup();
        command.run(());
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}

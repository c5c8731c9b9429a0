//! Tells clients whether this instance is cut off from the others.

use std::{sync::atomic::Ordering, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Gateway;
use crate::protocol::Degraded;

/// How often is looked for clients that could not be told at once.
const AGAIN: Duration = Duration::from_secs(2);

impl Gateway {
    /// Tells every client whenever the link to the meeting point breaks or is mended, until the module ends.
    pub(super) async fn tell_degraded(self, stop: CancellationToken) {
        let mut link = self.0.hub.broker().link();
        loop {
            let degraded = !link.borrow_and_update().up;
            let connections: Vec<_> = self.connections().values().cloned().collect();
            for connection in connections {
                let told = &connection.told_degraded;
                if told.load(Ordering::Relaxed) != degraded
                    && connection.emit("degraded", &Degraded { degraded }).is_ok()
                {
                    told.store(degraded, Ordering::Relaxed);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = link.changed() => if changed.is_err() {
                    // The link of a single instance never changes.
                    return;
                },
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}

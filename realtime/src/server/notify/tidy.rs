//! What is old is put away, and what was put away long ago is deleted.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::server::{
    clock::unix_millis,
    store::{InboxStore, Leases, StoreError, Written},
};

/// How often is looked for what is old, and how soon again while there is more.
const EVERY: (Duration, Duration) = (Duration::from_secs(600), Duration::from_millis(200));

/// For how long one instance is the one that tidies up, from each step.
const LEASE: u64 = 60_000;

/// Its name.
const NAME: &str = "tidy inboxes";

/// Tidies up for as long as it is not dropped. Of several instances one does at a time.
pub(crate) async fn tidy(
    inboxes: Arc<InboxStore>,
    leases: Leases,
    retention: Duration,
    written: impl Fn(Written) + Send + Sync + 'static,
) {
    let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    let step = async || -> Result<bool, StoreError> {
        let now = unix_millis();
        let until = now.saturating_add(LEASE);
        if !leases.take(NAME, inboxes.writer(), until, now).await? {
            return Ok(false);
        }
        let before = now.saturating_sub(retention);
        inboxes.tidy(before, now, &written).await
    };
    loop {
        let more = step().await;
        let more = more.unwrap_or_else(|error| {
            tracing::warn!(%error, "old notifications could not be put away");
            false
        });
        sleep(if more { EVERY.1 } else { EVERY.0 }).await;
    }
}

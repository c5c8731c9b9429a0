//! What is old is put away, and what was put away long ago is deleted.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::server::{
    clock::unix_millis,
    store::{InboxStore, Written},
};

/// How often is looked for what is old, and how soon again while there is more.
const EVERY: (Duration, Duration) = (Duration::from_secs(600), Duration::from_millis(200));

/// Tidies up for as long as it is not dropped.
pub(crate) async fn tidy(
    inboxes: Arc<InboxStore>,
    retention: Duration,
    written: impl Fn(Written) + Send + Sync + 'static,
) {
    let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    loop {
        let now = unix_millis();
        let more = inboxes
            .tidy(now.saturating_sub(retention), now, &written)
            .await;
        let more = more.unwrap_or_else(|error| {
            tracing::warn!(%error, "old notifications could not be put away");
            false
        });
        sleep(if more { EVERY.1 } else { EVERY.0 }).await;
    }
}

//! The host's callbacks, which may hang.

use std::{future::Future, time::Duration};

use crate::protocol::{ErrorCode, ProtocolError};

/// How long a callback may take.
const MOST: Duration = Duration::from_secs(10);

/// Waits for a callback, but not for ever: whoever asked is told to try again.
pub(super) async fn in_time<T>(callback: impl Future<Output = T>) -> Result<T, ProtocolError> {
    tokio::time::timeout(MOST, callback).await.map_err(|_| {
        tracing::error!(
            "a callback of the host did not answer in {} s",
            MOST.as_secs()
        );
        let sentence = "sign-in and rights cannot be checked right now";
        ProtocolError::new(ErrorCode::Unavailable, sentence)
    })
}

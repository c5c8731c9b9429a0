//! Taking back what people were told.

use serde::{Deserialize, Serialize};

use super::{notice::MAX_KEY, wanted};
use crate::{
    NotifyError, Realtime,
    protocol::reserved::notify_room,
    server::{clock::unix_millis, outbox::HostTransaction},
};

/// How many keys are taken back in one go.
const KEYS_AT_ONCE: usize = 200;

/// What was told with these keys is taken back.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::server) struct Withdraw {
    #[serde(rename = "withdraw")]
    pub(in crate::server) keys: Vec<String>,
}

impl Realtime {
    /// Takes back what people were told with these [keys](super::Notice::key), because it was deleted, or is not for
    /// them any more: it is gone from their inboxes, from the unread count and from every page that they have open, and
    /// what still waits for a [channel](crate::Channel) is not sent. Nobody is told with these keys from now on.
    /// Returns from how many people something was taken back.
    ///
    /// Where other events with keys joined the notification, they stay: it says what the last of them said, and who did
    /// them. What was sent to a channel already stays there. What was told without a key cannot be named; what joined one
    /// that has none left goes with it.
    ///
    /// ```no_run
    /// # use leptos_realtime::{NotifyError, Realtime};
    /// # async fn example(realtime: Realtime) -> Result<(), NotifyError> {
    /// realtime.withdraw(["comment:17"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a key has more than 128 bytes, there is no database, or the database refuses.
    pub async fn withdraw(
        &self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<u64, NotifyError> {
        let (inboxes, outbox) = self.inboxes().ok_or(NotifyError::NoDatabase)?;
        let mut withdrawn = 0;
        for keys in checked(keys)?.chunks(KEYS_AT_ONCE) {
            let written = |written| outbox.written(written);
            withdrawn += inboxes.withdraw(keys, unix_millis(), written).await?;
        }
        let counters = self.0.hub.counters();
        counters
            .withdrawn
            .add(usize::try_from(withdrawn).unwrap_or(usize::MAX));
        Ok(withdrawn)
    }

    /// The same as part of the host's transaction: it is taken back if and only if that commits, also when the process
    /// dies right after.
    ///
    /// # Errors
    /// As [`withdraw`](Self::withdraw), and when the transaction is of another kind of database. The transaction is then
    /// the host's to roll back.
    pub async fn withdraw_in<T: HostTransaction>(
        &self,
        tx: &mut T,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<(), NotifyError> {
        let (_, outbox) = self.inboxes().ok_or(NotifyError::NoDatabase)?;
        if !outbox.is_of(tx) {
            return Err(NotifyError::OtherDatabase);
        }
        for keys in checked(keys)?.chunks(KEYS_AT_ONCE) {
            let keys = keys.to_vec();
            let row = wanted(&Withdraw { keys })?;
            outbox.write(tx, &notify_room(), &row).await?;
        }
        Ok(())
    }
}

/// In order, each once.
fn checked(keys: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<String>, NotifyError> {
    let mut keys: Vec<String> = keys.into_iter().map(Into::into).collect();
    keys.sort_unstable();
    keys.dedup();
    match keys.iter().find(|key| !super::notice::fits(key, MAX_KEY)) {
        Some(key) => Err(NotifyError::Name {
            what: "key",
            length: key.len(),
            most: MAX_KEY,
        }),
        None => Ok(keys),
    }
}

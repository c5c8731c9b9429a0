//! The crate's own tables: what is known of people beyond their connections, and the outbox and the inboxes.
//!
//! One trait, three implementations, one test suite: `memory` for hosts without a database, `sqlite` and `postgres` in
//! the host's own, with the same `statements` wherever the two understand the same. A database has an `outbox` too. The
//! crate makes and changes its tables itself, at start (`migrate`).

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod channels;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inbox;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod lease;
mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod statements;
#[cfg(test)]
mod suite;

use async_trait::async_trait;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use channels::{ChannelStore, Delivery, Redeemed};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::Database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::Kind;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use inbox::{InboxStore, NewNotification, PEOPLE_AT_ONCE, Which, Written};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use lease::Leases;
pub(crate) use memory::MemoryStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use outbox::{Derived, OutboxPage, OutboxRow, OutboxStore, UnreadableRow, to_stored};

use crate::protocol::{UnixMillis, UserId};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be reached, or refuses. The source is sqlx's error.
    #[error("the realtime tables cannot be read or written")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// What is known of a person beyond their connections. The default is true of everyone without a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(dead_code, reason = "presence and sign-in read what is kept here")]
pub(crate) struct PersonRecord {
    /// Shown to nobody, wherever they are.
    pub(crate) invisible: bool,
    /// When their last connection ended.
    pub(crate) last_seen: Option<UnixMillis>,
    /// What was signed in before this is not accepted any more.
    pub(crate) not_before: Option<UnixMillis>,
}

/// A person's row: invisible, last_seen, not_before.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
type StoredPerson = (i64, Option<i64>, Option<i64>);

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<StoredPerson> for PersonRecord {
    fn from((invisible, last_seen, not_before): StoredPerson) -> Self {
        Self {
            invisible: invisible != 0,
            last_seen: last_seen.map(outbox::from_stored),
            not_before: not_before.map(outbox::from_stored),
        }
    }
}

/// People's records, as the module uses them.
#[async_trait]
#[allow(dead_code, reason = "presence and sign-in use it")]
pub(crate) trait Store: Send + Sync + 'static {
    /// A person's record; the default where there is none.
    async fn person(&self, user: &UserId) -> Result<PersonRecord, StoreError>;

    /// Makes a person invisible, or visible again.
    async fn set_invisible(&self, user: &UserId, invisible: bool) -> Result<(), StoreError>;

    /// Accepts nothing any more that was signed in before this. An earlier time than the stored one changes nothing.
    async fn set_not_before(&self, user: &UserId, at: UnixMillis) -> Result<(), StoreError>;

    /// Notes when people were last here. An earlier time than the stored one changes nothing.
    async fn seen(&self, people: &[(UserId, UnixMillis)]) -> Result<(), StoreError>;

    /// Whether every instance reads and writes the same.
    fn is_shared(&self) -> bool {
        true
    }

    /// From now on another instance uses it too.
    #[cfg(feature = "testing")]
    fn share(&self) {}

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

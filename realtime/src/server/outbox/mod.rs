//! The outbox: an event that is published in the host's transaction is delivered if and only if it commits.
//!
//! ```text
//! host's transaction ── publish_in ──► realtime_outbox ◄── unpublished, in order ── worker ── append ──► Broker
//!        │ commit                             ▲                                        │
//!        └── NOTIFY (Postgres) ─────► wake    └──────── mark, once it has a place ─────┘
//! ```
//!
//! The row is part of the transaction, so it lasts as the host's own rows do. The worker of any instance publishes
//! it, and marks it once it has a place in its room's order: whatever dies in between, the row is published again with
//! the same event id, which changes nothing ([`Broker::append`](super::broker::Broker::append)). It looks when
//! it is told of a commit or may expect one; what nobody tells it of, its poll finds. What it cannot read, a newer
//! instance wrote: it is left for that.

#[cfg(feature = "postgres")]
mod listen;
mod publish;
mod transaction;
mod unknown;
mod unrelayed;
mod wake;
mod worker;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
#[cfg(feature = "postgres")]
pub(crate) use transaction::CHANNEL;
pub use transaction::HostTransaction;
use transaction::OutgoingRow;
use wake::Wake;
use worker::Worker;

use super::{
    clock::unix_millis,
    config::RealtimeConfig,
    handle::{PublishError, Realtime, hosts},
    hub::Hub,
    relay::Relay,
    store::{Database, InboxStore, Kind, OutboxStore, StoreError, Written},
    tasks::TaskTracker,
};
use crate::{
    core::message::NewEvent,
    protocol::{Draft, EventId, Room, RoomId},
};

/// What [`Realtime::publish_in`] needs of the outbox.
pub(super) struct Outbox {
    kind: Kind,
    wake: Arc<Wake>,
    /// Tells this instance's rows from those of others: whoever wrote a row is the first to publish it.
    writer: String,
}

/// What the worker works with.
pub(super) struct Means {
    pub(super) store: Arc<dyn OutboxStore>,
    pub(super) inboxes: Arc<InboxStore>,
    pub(super) relay: Arc<Relay>,
    pub(super) hub: Arc<Hub>,
}

impl Outbox {
    /// Starts the worker, which ends with the token.
    pub(super) fn start(
        database: &Database,
        means: Means,
        config: &RealtimeConfig,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let wake = Arc::new(Wake::default());
        let outbox = Self {
            kind: database.kind(),
            wake: wake.clone(),
            writer: means.inboxes.writer().to_owned(),
        };
        match database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Database::Postgres(pool) => {
                let listen = listen::run(pool, wake.clone(), outbox.writer.clone());
                tasks.spawn(stop.clone().run_until_cancelled_owned(listen));
            }
        }
        let worker = Worker::new(means, wake, config);
        tasks.spawn(worker.run(stop.clone()));
        outbox
    }

    /// Rows were written in a transaction of the module's own, which has committed.
    pub(super) fn written(&self, written: Written) {
        for row in written.rows {
            self.wake.written(row);
        }
    }

    /// Writes an event into the host's transaction.
    pub(super) async fn write<T: HostTransaction>(
        &self,
        tx: &mut T,
        room: &RoomId,
        event: &NewEvent,
    ) -> Result<(), StoreError> {
        let row = OutgoingRow {
            room,
            event,
            created: unix_millis(),
            writer: &self.writer,
        };
        self.wake.written(tx.insert(row).await?);
        Ok(())
    }

    /// Whether a transaction is of the database that the module was given.
    pub(super) fn is_of<T: HostTransaction>(&self, tx: &T) -> bool {
        tx.kind() == self.kind
    }
}

impl Realtime {
    /// Publishes an event as part of the host's transaction: it is delivered if and only if the transaction commits,
    /// also when the process dies right after. Returns the event's name for good; its place in the room's order is
    /// made once the transaction has committed.
    ///
    /// Rows that several transactions wrote may be published in another order than they were committed in: events that
    /// replace each other carry a [`Subject`](crate::Subject) with a version. On SQLite begin with `begin immediate`,
    /// as for every transaction that writes after it has read.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// use leptos_realtime::{Realtime, rooms};
    ///
    /// rooms! { Board(i64) => String }
    ///
    /// async fn post(realtime: &Realtime, pool: &sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut tx = pool.begin_with("begin immediate").await?;
    ///     sqlx::query("insert into post (board, text) values (7, 'hello')").execute(&mut *tx).await?;
    ///     realtime.publish_in(&mut tx, Board(7), &"hello".to_owned()).await?;
    ///     tx.commit().await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the event cannot be written as JSON or is too large, the room is the module's own, the database refuses, or the module was started
    /// without a database or with one of another kind. The transaction is then the host's to roll back.
    pub async fn publish_in<'a, R: Room, T: HostTransaction>(
        &self,
        tx: &mut T,
        room: R,
        event: impl Into<Draft<'a, R::Event>>,
    ) -> Result<EventId, PublishError> {
        let room = hosts(room)?;
        let event = self.write(&event.into())?;
        let outbox = self.0.outbox.as_ref().ok_or(PublishError::NoDatabase)?;
        if !outbox.is_of(tx) {
            return Err(PublishError::OtherDatabase);
        }
        outbox.write(tx, &room, &event).await?;
        Ok(event.id)
    }
}

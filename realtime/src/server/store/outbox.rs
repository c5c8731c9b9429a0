//! The outbox, as the worker reads and marks it.

use std::collections::HashSet;

use async_trait::async_trait;

use super::{Store, StoreError};
use crate::{
    core::message::NewEvent,
    protocol::{EventId, RoomId, Subject, SubjectKey, UnixMillis},
};

/// A store with an outbox. Rows are written in the host's transactions, past it.
#[async_trait]
pub(crate) trait OutboxStore: Store {
    /// The first rows, by id, that are not marked and come after this id.
    async fn unpublished(&self, after: i64, limit: u32) -> Result<OutboxPage, StoreError>;

    /// Marks rows as published, and adds what is derived from each, in one transaction. A row that is marked keeps its
    /// first mark, and what was derived from it then.
    async fn mark(
        &self,
        rows: &[i64],
        derived: &[(i64, Derived)],
        at: UnixMillis,
    ) -> Result<(), StoreError>;

    /// Deletes rows that were marked before this, some thousands at a time. Returns how many.
    async fn sweep(&self, published_before: UnixMillis) -> Result<u64, StoreError>;
}

/// An event that waits to be published.
#[derive(Clone, Debug)]
pub(crate) struct OutboxRow {
    /// Its number in the outbox.
    pub(crate) id: i64,
    /// Where it is published.
    pub(crate) room: RoomId,
    /// What is published.
    pub(crate) event: NewEvent,
    /// When it was written.
    pub(crate) created: UnixMillis,
}

/// A row that this version does not understand.
#[derive(Clone, Debug)]
pub(crate) struct UnreadableRow {
    /// Its number in the outbox.
    pub(crate) id: i64,
    /// When it was written.
    pub(crate) created: UnixMillis,
    /// What is not understood.
    pub(crate) why: String,
}

/// A row that is derived from another: what a relay made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) room: String,
    pub(crate) id: String,
    pub(crate) subject: Option<Subject>,
    /// The community that it comes from.
    pub(crate) origin: String,
    pub(crate) data: String,
}

/// What is derived from rows that were marked just now, as one parameter; none where that is nothing.
pub(super) fn to_list(derived: &[(i64, Derived)], marked: &HashSet<i64>) -> Option<String> {
    let now = derived.iter().filter(|(of, _)| marked.contains(of));
    let rows: Vec<_> = now
        .map(|(_, row)| {
            let subject = row.subject.as_ref();
            (
                &row.room,
                &row.id,
                subject.map(|subject| &subject.key),
                subject.map(|subject| to_stored(subject.version)),
                &row.origin,
                &row.data,
            )
        })
        .collect();
    let list = serde_json::to_string(&rows).expect("texts and numbers can be written as JSON");
    (!rows.is_empty()).then_some(list)
}

/// Some rows of the outbox, in order.
#[derive(Debug, Default)]
pub(crate) struct OutboxPage {
    /// What can be published.
    pub(crate) rows: Vec<OutboxRow>,
    /// What this version cannot read.
    pub(crate) unreadable: Vec<UnreadableRow>,
    /// The last row of the page, where there may be more.
    pub(crate) more_after: Option<i64>,
}

/// A row as the databases return it: id, room, event id, the subject's key and version, data, origin, when it was written.
pub(super) type Stored = (
    i64,
    String,
    String,
    Option<String>,
    Option<i64>,
    String,
    Option<String>,
    i64,
);

impl OutboxPage {
    pub(super) fn read(stored: Vec<Stored>, limit: u32) -> Self {
        let mut page = Self::default();
        if stored.len() as u64 >= u64::from(limit) {
            page.more_after = stored.last().map(|row| row.0);
        }
        for row in stored {
            let (id, created) = (row.0, from_stored(row.7));
            match read(row) {
                Ok(row) => page.rows.push(row),
                Err(why) => page.unreadable.push(UnreadableRow { id, created, why }),
            }
        }
        page
    }
}

fn read(stored: Stored) -> Result<OutboxRow, String> {
    let (id, room, event, key, version, data, origin, created) = stored;
    let subject = match key {
        None => None,
        Some(key) => Some(Subject {
            key: SubjectKey::try_from(key)?,
            version: from_stored(version.unwrap_or_default()),
        }),
    };
    Ok(OutboxRow {
        id,
        created: from_stored(created),
        room: room.parse().map_err(|error| format!("{room:?}: {error}"))?,
        event: NewEvent {
            id: EventId::try_from(event)?,
            subject,
            origin,
            data: serde_json::from_str(&data).map_err(|error| error.to_string())?,
        },
    })
}

/// A time or a version as it is stored: databases have no unsigned numbers.
pub(crate) fn to_stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The reverse of [`to_stored`].
pub(super) fn from_stored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

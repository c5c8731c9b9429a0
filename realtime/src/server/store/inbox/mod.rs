//! People's inboxes.
//!
//! Everything that changes one begins by raising its number, which keeps others out until the transaction ends; what is
//! touched takes the number, and a row of the outbox tells it to the person's clients, all in the one transaction. So
//! the numbers have no gaps, nothing is told that did not happen, and nothing that happened stays untold.

mod preferences;
mod statements;
#[cfg(test)]
mod tests;
mod tidy;
mod withdraw;

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use statements::Statements;

use super::{
    StoreError,
    outbox::from_stored,
    sql::{Arg, Row, Sql, Tx, json, unreadable, user},
    to_stored,
};
use crate::protocol::{
    InboxChange, InboxCursor, InboxFilter, InboxPage, Mark, Notification, NotificationId, Room,
    UnixMillis, User, UserId, WireNotification, notification::MAX_ACTORS, reserved::InboxRoom,
};

/// How many people are told in one transaction.
pub(crate) const PEOPLE_AT_ONCE: usize = 500;

/// The most notifications that travel with a change; clients ask for more.
const MAX_TOLD: usize = 20;

/// The most changes that are told to who asks; beyond it the list is loaded anew.
const MAX_CHANGES: i64 = 200;

/// The most bytes that travel with a change.
const MAX_TOLD_BYTES: usize = 32 * 1024;

/// The most who did it that are remembered of a notification: the last ones.
const MAX_REMEMBERED: u32 = 1_000;

/// A notification to be created.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct NewNotification {
    pub(crate) kind: String,
    pub(crate) subject: Option<String>,
    pub(crate) community: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) data: Box<RawValue>,
    /// Who did it. They are not told themselves.
    pub(crate) actor: Option<User>,
    /// A repeat with the same key creates nothing.
    pub(crate) key: Option<String>,
    /// The key is for that alone: nobody knows it, and nothing is taken back by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) nameless: bool,
}

impl NewNotification {
    /// The key by which it can be taken back.
    fn name(&self) -> Option<&str> {
        self.key.as_deref().filter(|_| !self.nameless)
    }
}

/// What came of a change, for the outbox' worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows of the outbox.
    pub(crate) rows: Vec<i64>,
}

/// What a mark is put on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    These(Vec<NotificationId>, Mark),
    /// Everything unread up to this change is read.
    AllRead(u64),
}

/// See the [module](self).
pub(crate) struct InboxStore {
    sql: Box<dyn Sql>,
    statements: &'static Statements,
    /// Whether the database tells of commits.
    tells: bool,
    /// Who is to publish what is written: see [`Outbox`](crate::server::outbox::Outbox).
    writer: String,
    /// How long after its notification a delivery is due, in milliseconds; none where there are no channels.
    deliver_after: Option<u64>,
}

impl InboxStore {
    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(pool: sqlx::SqlitePool, writer: String) -> Self {
        Self {
            sql: Box::new(pool),
            statements: &statements::SQLITE,
            tells: false,
            writer,
            deliver_after: None,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(pool: sqlx::PgPool, writer: String) -> Self {
        Self {
            sql: Box::new(pool),
            statements: &statements::POSTGRES,
            tells: true,
            writer,
            deliver_after: None,
        }
    }

    /// From now on what people are told is sent to their channels too, after so many milliseconds.
    pub(crate) fn delivering(mut self, after: u64) -> Self {
        self.deliver_after = Some(after);
        self
    }

    /// Who publishes first what is written.
    pub(crate) fn writer(&self) -> &str {
        &self.writer
    }

    /// Tells people something, some hundred in one transaction. Who does not want it, did it, or has been told with the
    /// same key is not told. Returns how many were.
    ///
    /// Where it fails, some may have been told: with a key it can be repeated.
    pub(crate) async fn notify(
        &self,
        users: &[UserId],
        new: &NewNotification,
        now: UnixMillis,
        mut written: impl FnMut(Written),
    ) -> Result<u64, StoreError> {
        let mut users: Vec<&str> = users
            .iter()
            .filter(|user| new.actor.as_ref().is_none_or(|actor| actor.id != **user))
            .map(UserId::as_str)
            .collect();
        users.sort_unstable();
        users.dedup();
        let mut told = 0;
        for users in users.chunks(PEOPLE_AT_ONCE) {
            let (count, rows) = self.notify_some(users, new, now).await?;
            told += count;
            written(rows);
        }
        Ok(told)
    }

    async fn notify_some(
        &self,
        users: &[&str],
        new: &NewNotification,
        now: UnixMillis,
    ) -> Result<(u64, Written), StoreError> {
        let (statements, now) = (self.statements, to_stored(now));
        let mut tx = self.sql.write().await?;
        let community = new.community.as_deref().unwrap_or_default();
        let args = [
            Arg::Text(&json(users)),
            Arg::Text(&new.kind),
            Arg::Text(community),
            Arg::Number(now),
        ];
        let mut people = texts(&tx.rows(statements.wanted, &args).await?)?;
        if let Some(key) = new.name() {
            let args = [Arg::Text(key), Arg::Number(now)];
            let held = tx.rows(statements.hold, &args).await?;
            if held[0].maybe_number(0)?.is_some() {
                people.clear();
            }
        }
        if let Some(key) = &new.key {
            let args = [Arg::Text(&json(&people)), Arg::Text(key), Arg::Number(now)];
            people = texts(&tx.rows(statements.keys, &args).await?)?;
        }
        if people.is_empty() {
            tx.commit().await?;
            return Ok((0, Written::default()));
        }
        let people = json(&people);
        let told = tx.run(statements.number, &[Arg::Text(&people)]).await?;
        let args = [
            Arg::Text(&people),
            Arg::Text(&new.kind),
            Arg::MaybeText(new.subject.as_deref()),
            Arg::MaybeText(new.community.as_deref()),
            Arg::MaybeText(new.origin.as_deref()),
            Arg::Text(new.data.get()),
            Arg::Number(now),
        ];
        tx.run(statements.notify, &args).await?;
        if let Some(actor) = &new.actor {
            let args = [
                Arg::Text(&people),
                Arg::Text(actor.id.as_str()),
                Arg::Text(&actor.name),
                Arg::Number(now),
            ];
            tx.run(statements.actor, &args).await?;
        }
        if let Some(key) = new.name() {
            let actor = new.actor.as_ref().map(|actor| actor.id.as_str());
            let args = [Arg::Text(&people), Arg::Text(key), Arg::MaybeText(actor)];
            tx.run(statements.know, &args).await?;
        }
        if let Some(after) = self.deliver_after {
            let due = now.saturating_add(to_stored(after));
            let args = [Arg::Text(&people), Arg::Number(now), Arg::Number(due)];
            tx.run(statements.deliver, &args).await?;
        }
        let written = self.tell(&mut *tx, &people, now).await?;
        tx.commit().await?;
        Ok((told, written))
    }

    /// Tells people's clients what their last changes touched.
    async fn tell(&self, tx: &mut dyn Tx, people: &str, now: i64) -> Result<Written, StoreError> {
        let statements = self.statements;
        let touched = tx.rows(statements.touched, &[Arg::Text(people)]).await?;
        let mut touched = self.notifications(tx, &touched).await?;
        let many = |of: &WireNotification| of.actor_count > MAX_REMEMBERED;
        if touched.values().flatten().any(many) {
            let args = [Arg::Text(people), Arg::Number(i64::from(MAX_REMEMBERED))];
            tx.run(statements.forget_actors, &args).await?;
        }
        let changes = self.standing(tx, people).await?.into_iter();
        let changes = changes.map(|(user, change)| {
            let mine = touched.remove(&user);
            (user, change.with(mine.unwrap_or_default()))
        });
        self.wake(tx, changes.collect(), now).await
    }

    /// Puts a mark on a person's notifications. Of ids that are not theirs nothing happens. Returns where their inbox
    /// stands then, and what was touched.
    pub(crate) async fn mark(
        &self,
        user: &UserId,
        which: &Which,
        now: UnixMillis,
    ) -> Result<(InboxChange, Written), StoreError> {
        let (statements, now) = (self.statements, to_stored(now));
        let people = json(&[user.as_str()]);
        let mut tx = self.sql.write().await?;
        tx.run(statements.number, &[Arg::Text(&people)]).await?;
        let mut change = self.own_standing(&mut *tx, user).await?;
        let number = Arg::Number(to_stored(change.change));
        let mut read_up_to = None;
        let touched = match which {
            Which::AllRead(up_to) => {
                read_up_to = Some((*up_to, from_stored(now)));
                let args = [
                    Arg::Text(user.as_str()),
                    Arg::Number(to_stored(*up_to)),
                    number,
                    Arg::Number(now),
                ];
                tx.run(statements.read_all, &args).await?
            }
            Which::These(ids, mark) => {
                let ids = json(ids);
                let ids = [Arg::Text(user.as_str()), Arg::Text(&ids), number];
                let now = [&ids[..], &[Arg::Number(now)]].concat();
                let (statement, args) = match mark {
                    Mark::Read => (statements.read, &now[..]),
                    Mark::Unread => (statements.unread, &ids[..]),
                    Mark::Seen => (statements.seen, &now[..]),
                    Mark::Archived => (statements.archived, &now[..]),
                    Mark::Unarchived => (statements.unarchived, &now[..]),
                };
                tx.run(statement, args).await?
            }
        };
        if touched == 0 {
            // Nothing happened, so nothing is numbered.
            drop(tx);
            let mut change = self.changes(user, change.change).await?;
            // Others may have done something since: it stands for none of their steps.
            change.steps = 0;
            change.notifications = Some(Vec::new());
            return Ok((change, Written::default()));
        }
        change = self.own_standing(&mut *tx, user).await?;
        change.steps = 1;
        if read_up_to.is_some() {
            change.read_up_to = read_up_to;
        } else {
            let rows = tx.rows(statements.touched, &[Arg::Text(&people)]).await?;
            let mine = self.notifications(&mut *tx, &rows).await?.remove(user);
            change = change.with(mine.unwrap_or_default());
        }
        let told = vec![(user.clone(), change.clone())];
        let written = self.wake(&mut *tx, told, now).await?;
        tx.commit().await?;
        Ok((change, written))
    }

    /// A page of a person's list, newest first.
    pub(crate) async fn page(
        &self,
        user: &UserId,
        filter: &InboxFilter,
        before: Option<InboxCursor>,
        most: u32,
    ) -> Result<InboxPage, StoreError> {
        let statement = match filter.archived {
            false => self.statements.list,
            true => self.statements.archive,
        };
        let (updated, id) = before.map_or((i64::MAX, i64::MAX), |before| {
            (to_stored(before.updated), before.id.0)
        });
        let mut tx = self.sql.read().await?;
        let InboxChange { change, unread, .. } = self.own_standing(&mut *tx, user).await?;
        let args = [
            Arg::Text(user.as_str()),
            Arg::Number(i64::from(filter.unread)),
            Arg::MaybeText(filter.kind.as_deref()),
            Arg::MaybeText(filter.community.as_deref()),
            Arg::Number(updated),
            Arg::Number(id),
            // One more tells whether there is another page.
            Arg::Number(i64::from(most) + 1),
        ];
        let rows = tx.rows(statement, &args).await?;
        let mine = self.notifications(&mut *tx, &rows).await?.remove(user);
        let mut notifications = mine.unwrap_or_default();
        let more = notifications.len() > most as usize;
        notifications.truncate(most as usize);
        Ok(InboxPage {
            change,
            unread,
            next: notifications
                .last()
                .filter(|_| more)
                .map(Notification::place),
            notifications,
        })
    }

    /// One notification; none where there is no such one any more.
    pub(crate) async fn one(
        &self,
        id: NotificationId,
    ) -> Result<Option<WireNotification>, StoreError> {
        let mut tx = self.sql.read().await?;
        let rows = tx.rows(self.statements.one, &[Arg::Number(id.0)]).await?;
        let mut people = self.notifications(&mut *tx, &rows).await?.into_values();
        Ok(people.next().and_then(|mut mine| mine.pop()))
    }

    /// What happened in a person's inbox after a number. Where it is too much, the notifications are left out.
    pub(crate) async fn changes(
        &self,
        user: &UserId,
        after: u64,
    ) -> Result<InboxChange, StoreError> {
        let mut tx = self.sql.read().await?;
        let mut change = self.own_standing(&mut *tx, user).await?;
        change.steps = change.change.saturating_sub(after);
        let args = [
            Arg::Text(user.as_str()),
            Arg::Number(to_stored(after)),
            Arg::Number(MAX_CHANGES + 1),
        ];
        let rows = tx.rows(self.statements.changes, &args).await?;
        if rows.len() as i64 <= MAX_CHANGES {
            let mine = self.notifications(&mut *tx, &rows).await?.remove(user);
            change.notifications = Some(mine.unwrap_or_default());
        }
        Ok(change)
    }

    /// Where a person's inbox stands.
    async fn own_standing(
        &self,
        tx: &mut dyn Tx,
        user: &UserId,
    ) -> Result<InboxChange, StoreError> {
        let mut standing = self.standing(tx, &json(&[user.as_str()])).await?;
        Ok(standing.pop().map(|(_, change)| change).unwrap_or_default())
    }

    /// Where people's inboxes stand, after one step.
    async fn standing(
        &self,
        tx: &mut dyn Tx,
        people: &str,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        let rows = tx
            .rows(self.statements.standing, &[Arg::Text(people)])
            .await?;
        let read = |row: &Row| {
            let change = InboxChange {
                change: from_stored(row.number(1)?),
                steps: 1,
                unread: u32::try_from(row.number(2)?).unwrap_or(u32::MAX),
                ..InboxChange::default()
            };
            Ok((user(row, 0)?, change))
        };
        rows.iter().map(read).collect()
    }

    /// Rows of notifications, with who did it, by person, each in the order of the rows.
    async fn notifications(
        &self,
        tx: &mut dyn Tx,
        rows: &[Row],
    ) -> Result<HashMap<UserId, Vec<WireNotification>>, StoreError> {
        let ids: Vec<i64> = rows
            .iter()
            .map(|row| row.number(0))
            .collect::<Result<_, _>>()?;
        let mut actors: BTreeMap<i64, (Vec<User>, u32)> = BTreeMap::new();
        if !ids.is_empty() {
            let ids = json(&ids);
            let args = [Arg::Text(&ids), Arg::Number(MAX_ACTORS as i64)];
            for row in tx.rows(self.statements.actors, &args).await? {
                let (of, count) = actors.entry(row.number(0)?).or_default();
                of.push(User::new(user(&row, 1)?, row.text(2)?));
                *count = u32::try_from(row.number(3)?).unwrap_or(u32::MAX);
            }
        }
        let mut people: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            let (actors, actor_count) = actors.remove(&row.number(0)?).unwrap_or_default();
            let notification = Notification {
                id: NotificationId(row.number(0)?),
                kind: row.text(2)?,
                community: row.maybe_text(3)?,
                origin: row.maybe_text(4)?,
                data: serde_json::from_str(&row.text(5)?).map_err(unreadable)?,
                actors,
                actor_count,
                count: u32::try_from(row.number(6)?).unwrap_or(u32::MAX),
                created: from_stored(row.number(7)?),
                updated: from_stored(row.number(8)?),
                seen: row.maybe_number(9)?.map(from_stored),
                read: row.maybe_number(10)?.map(from_stored),
                archived: row.maybe_number(11)?.map(from_stored),
                change: from_stored(row.number(12)?),
                withdrawn: row.maybe_number(13)?.is_some(),
            };
            people.entry(user(row, 1)?).or_default().push(notification);
        }
        Ok(people)
    }

    /// Tells people's clients, once the transaction has committed.
    async fn wake(
        &self,
        tx: &mut dyn Tx,
        changes: Vec<(UserId, InboxChange)>,
        now: i64,
    ) -> Result<Written, StoreError> {
        let told: Vec<(String, String, String)> = changes
            .iter()
            .map(|(user, change)| {
                let room = InboxRoom(user.clone()).room_id().as_str().to_owned();
                (room, format!("change {}", change.change), brief(change))
            })
            .collect();
        let rows = tx
            .rows(
                self.statements.wake,
                &[Arg::Text(&json(&told)), Arg::Number(now)],
            )
            .await?;
        #[cfg(feature = "postgres")]
        if self.tells {
            let channel = Arg::Text(crate::server::outbox::CHANNEL);
            tx.rows(statements::TELL, &[channel, Arg::Text(&self.writer)])
                .await?;
        }
        #[cfg(not(feature = "postgres"))]
        let _ = (self.tells, &self.writer);
        let rows = rows
            .iter()
            .map(|row| row.number(0))
            .collect::<Result<_, _>>()?;
        Ok(Written { rows })
    }
}

impl InboxChange {
    /// With what was touched, unless that is much.
    fn with(mut self, notifications: Vec<WireNotification>) -> Self {
        self.notifications = (notifications.len() <= MAX_TOLD).then_some(notifications);
        self
    }
}

/// A change as it is told: without what it touched, where that is long.
fn brief(change: &InboxChange) -> String {
    let whole = json(change);
    if whole.len() <= MAX_TOLD_BYTES {
        return whole;
    }
    json(&InboxChange {
        notifications: None,
        ..change.clone()
    })
}

fn texts(rows: &[Row]) -> Result<Vec<String>, StoreError> {
    rows.iter().map(|row| row.text(0)).collect()
}

//! Notifications: what people are told of what concerns them, kept in the host's database.
//!
//! ```text
//! host ── notify ───────────────────────────────► InboxStore: number, row, wake-up: one transaction
//! host's transaction ── notify_in ──► outbox ── worker ──┘                │
//!                                                                  outbox ── worker ──► room inbox:{user} ──► clients
//! ```
//!
//! The database is the truth. A change travels as an event of the person's own room, with its number and what it
//! touched; a client that misses one sees it by the number, and asks.

mod notice;
pub(crate) mod requests;
mod tidy;
mod withdraw;

pub(super) use notice::is_community;
pub use notice::{Notice, NotifyError};
pub(super) use tidy::tidy;
use withdraw::Withdraw;

use serde::{Deserialize, Serialize};

use super::{
    Realtime,
    clock::unix_millis,
    outbox::HostTransaction,
    random::random,
    store::{InboxStore, NewNotification, PEOPLE_AT_ONCE},
};
use crate::{
    core::message::NewEvent,
    protocol::{EventId, NotificationData, UserId, reserved::notify_room},
};

/// What is to become of inboxes, as the outbox keeps it.
#[derive(Debug)]
pub(super) enum Wanted {
    Notify(Notify),
    Withdraw(Withdraw),
}

impl Wanted {
    pub(super) fn read(row: &str) -> serde_json::Result<Self> {
        // Raw JSON cannot be read as one of several.
        match serde_json::from_str(row) {
            Ok(withdraw) => Ok(Self::Withdraw(withdraw)),
            Err(_) => serde_json::from_str(row).map(Self::Notify),
        }
    }
}

/// Whom to notify of what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Notify {
    pub(super) users: Vec<UserId>,
    pub(super) new: NewNotification,
}

impl Realtime {
    /// Tells people something that concerns them. It is in their inbox for good, and shown at once on every page that
    /// they have open, on any instance. Returns how many were told: nobody is who did it, does not want to hear of it
    /// ([`Preferences`](crate::Preferences)), or has been told with the same [key](Notice::key).
    ///
    /// While a notification of the same kind about the same subject is unread, this one is added to it.
    ///
    /// Some hundred people are told in one transaction. Where it fails in between, a key makes it repeatable.
    ///
    /// ```no_run
    /// # use leptos_realtime::{Notice, Notification, NotificationData, Realtime, User};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// # struct Mention { post: i64 }
    /// # impl NotificationData for Mention {
    /// #     fn kind(&self) -> &'static str { "mention" }
    /// #     fn title(notification: &Notification<Self>) -> String { format!("{} mentioned you", notification.who()) }
    /// # }
    /// # async fn example(realtime: Realtime, ada: User) -> Result<(), leptos_realtime::NotifyError> {
    /// realtime.notify([7, 8], Notice::new(&Mention { post: 3 }).by(&ada).key("mention:3")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the data cannot be written as JSON or is too large, a name is too long, there is no database, or the
    /// database refuses.
    pub async fn notify<'a, D: NotificationData>(
        &self,
        users: impl IntoIterator<Item = impl Into<UserId>>,
        notice: impl Into<Notice<'a, D>>,
    ) -> Result<u64, NotifyError> {
        let (inboxes, outbox) = self.inboxes().ok_or(NotifyError::NoDatabase)?;
        let new = notice.into().write()?;
        let users: Vec<UserId> = users.into_iter().map(Into::into).collect();
        let written = |written| outbox.written(written);
        let told = inboxes.notify(&users, &new, unix_millis(), written).await?;
        let counters = self.0.hub.counters();
        counters
            .notified
            .add(usize::try_from(told).unwrap_or(usize::MAX));
        Ok(told)
    }

    /// The same as part of the host's transaction: people are told if and only if it commits, also when the process
    /// dies right after.
    ///
    /// # Errors
    /// As [`notify`](Self::notify), and when the transaction is of another kind of database. The transaction is then
    /// the host's to roll back.
    pub async fn notify_in<'a, D: NotificationData, T: HostTransaction>(
        &self,
        tx: &mut T,
        users: impl IntoIterator<Item = impl Into<UserId>>,
        notice: impl Into<Notice<'a, D>>,
    ) -> Result<(), NotifyError> {
        let (_, outbox) = self.inboxes().ok_or(NotifyError::NoDatabase)?;
        if !outbox.is_of(tx) {
            return Err(NotifyError::OtherDatabase);
        }
        let mut new = notice.into().write()?;
        // The outbox' worker may do it more than once.
        if new.key.is_none() {
            (new.key, new.nameless) = (Some(random_key()), true);
        }
        let users: Vec<UserId> = users.into_iter().map(Into::into).collect();
        for users in users.chunks(PEOPLE_AT_ONCE) {
            let users = users.to_vec();
            let notify = Notify {
                users,
                new: new.clone(),
            };
            outbox.write(tx, &notify_room(), &wanted(&notify)?).await?;
        }
        Ok(())
    }

    fn inboxes(&self) -> Option<(&InboxStore, &super::outbox::Outbox)> {
        self.0.inboxes.as_deref().zip(self.0.outbox.as_deref())
    }
}

/// A key that nobody else has.
fn random_key() -> String {
    format!("{:032x}", random::<u128>())
}

/// What is to become of inboxes, as a row of the outbox.
fn wanted(wanted: &impl Serialize) -> Result<NewEvent, serde_json::Error> {
    Ok(NewEvent {
        id: EventId::try_from(random_key()).expect("32 hexadecimal digits"),
        subject: None,
        origin: None,
        data: serde_json::value::to_raw_value(wanted)?,
    })
}

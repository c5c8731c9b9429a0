//! A notification about to be created.

use crate::{
    protocol::{NotificationData, User},
    server::store::{NewNotification, StoreError},
};

/// The greatest size of a notification's data, as JSON, in bytes.
const MAX_DATA: usize = 8 * 1024;

/// The greatest lengths of names, in bytes.
const MAX_KIND: usize = 64;
const MAX_COMMUNITY: usize = 64;
const MAX_SUBJECT: usize = 128;
pub(super) const MAX_KEY: usize = 128;

/// A notification about to be created: the host's data, and what else is to be known of it.
///
/// ```
/// # use leptos_realtime::{Notice, Notification, NotificationData, User};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # struct Comment { id: i64 }
/// # impl NotificationData for Comment {
/// #     fn kind(&self) -> &'static str { "comment" }
/// #     fn title(notification: &Notification<Self>) -> String { format!("{} commented", notification.who()) }
/// # }
/// let notice = Notice::new(&Comment { id: 17 }).by(&User::new(1, "Ada")).key("comment:17");
/// ```
#[derive(Clone, Debug)]
pub struct Notice<'a, D> {
    data: &'a D,
    actor: Option<User>,
    key: Option<String>,
    origin: Option<String>,
}

impl<'a, D> From<&'a D> for Notice<'a, D> {
    fn from(data: &'a D) -> Self {
        Self::new(data)
    }
}

impl<'a, D> Notice<'a, D> {
    /// A notification of this.
    #[must_use]
    pub fn new(data: &'a D) -> Self {
        Self {
            data,
            actor: None,
            key: None,
            origin: None,
        }
    }

    /// Who did it. They are named, and never told themselves.
    #[must_use]
    pub fn by(mut self, actor: &User) -> Self {
        self.actor = Some(actor.clone());
        self
    }

    /// Names it for good: nobody is told twice with the same key, for as long as notifications are kept, and by it what
    /// people were told is [taken back](crate::Realtime::withdraw). At most 128 bytes.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The partner community that it comes from. At most 64 bytes.
    #[must_use]
    pub fn origin(mut self, community: impl Into<String>) -> Self {
        self.origin = Some(community.into());
        self
    }
}

/// Why nobody, or not everybody, was notified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The data cannot be written as JSON.
    #[error("the notification cannot be written as JSON")]
    Serialize(#[from] serde_json::Error),
    /// The data is too large.
    #[error(
        "the notification has {0} bytes, more than {MAX_DATA}: keep an id, and let pages load the rest"
    )]
    TooLarge(usize),
    /// A name is empty or too long, or has control characters.
    #[error(
        "the notification's {what} has {length} bytes: 1 to {most} are allowed, without control characters"
    )]
    Name {
        /// Which name.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The most.
        most: usize,
    },
    /// The module was started without a database.
    #[error("notifications need RealtimeBuilder::database(…)")]
    NoDatabase,
    /// `notify_in` in a transaction of another kind of database.
    #[error(
        "notify_in needs a transaction of the database that was given to RealtimeBuilder::database(…)"
    )]
    OtherDatabase,
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] StoreError),
}

impl<D: NotificationData> Notice<'_, D> {
    pub(in crate::server) fn write(mut self) -> Result<NewNotification, NotifyError> {
        if let Some(actor) = &mut self.actor {
            // Postgres keeps no zero byte.
            actor.name.retain(|letter| !letter.is_control());
        }
        let data = serde_json::value::to_raw_value(self.data)?;
        let size = data.get().len();
        if size > MAX_DATA {
            return Err(NotifyError::TooLarge(size));
        }
        let kind = named("kind", MAX_KIND, Some(self.data.kind().to_owned()))?;
        Ok(NewNotification {
            kind: kind.unwrap_or_default(),
            subject: named("subject", MAX_SUBJECT, self.data.subject())?,
            community: named("community", MAX_COMMUNITY, self.data.community())?,
            origin: named("origin", MAX_COMMUNITY, self.origin)?,
            key: named("key", MAX_KEY, self.key)?,
            nameless: false,
            actor: self.actor,
            data,
        })
    }
}

/// Whether a community can have this name.
pub(in crate::server) fn is_community(name: &str) -> bool {
    fits(name, MAX_COMMUNITY)
}

pub(super) fn fits(name: &str, most: usize) -> bool {
    !name.is_empty() && name.len() <= most && !name.contains(char::is_control)
}

fn named(
    what: &'static str,
    most: usize,
    name: Option<String>,
) -> Result<Option<String>, NotifyError> {
    match name {
        Some(name) if !fits(&name, most) => Err(NotifyError::Name {
            what,
            length: name.len(),
            most,
        }),
        name => Ok(name),
    }
}

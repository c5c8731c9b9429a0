//! Relays: what happens in one community reaches others that it is a partner of.
//!
//! The host says where an event goes besides its own room ([`RealtimeBuilder::relay`](super::RealtimeBuilder::relay)).
//! It is asked once the event has been published, by the outbox' worker; what it answers is written into the outbox in
//! the same transaction that marks the event as published, under names derived from the event's: so it is relayed if and
//! only if it was published, and a repeat changes nothing. What was relayed is never relayed again.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{
    handle::{PublishError, hosts},
    notify::{Notice, Notify, NotifyError, is_community},
    store::{Derived, PEOPLE_AT_ONCE},
};
use crate::protocol::{
    EventId, NotificationData, Room, RoomId, Subject, UserId, reserved::notify_room,
};

/// An event that was published in a host's transaction, as its relay is told of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Original {
    /// Where it was published.
    pub room: RoomId,
    /// Its name for good.
    pub id: EventId,
    /// What it is about.
    pub subject: Option<Subject>,
    pub(super) data: Box<RawValue>,
}

impl Original {
    /// Its room and event, where the room is of this kind. An event of a form that this version does not know is none:
    /// see [`try_read`](Self::try_read).
    ///
    /// ```
    /// # use leptos_realtime::{Original, rooms};
    /// rooms! { Board(i64) => String }
    ///
    /// fn is_loud(original: &Original) -> bool {
    ///     original.read::<Board>().is_some_and(|(Board(_), text)| text.ends_with('!'))
    /// }
    /// ```
    #[must_use]
    pub fn read<R: Room>(&self) -> Option<(R, R::Event)>
    where
        R::Event: DeserializeOwned,
    {
        self.try_read().ok().flatten()
    }

    /// The same for a host whose instances are updated one by one: an event of this kind of room that cannot be read is
    /// an error, and was published by a newer instance. A relay that returns the error is asked again, and meanwhile an
    /// instance that can read the event relays it.
    ///
    /// # Errors
    /// When the room is of this kind and the event of another form.
    pub fn try_read<R: Room>(&self) -> Result<Option<(R, R::Event)>, RelayError>
    where
        R::Event: DeserializeOwned,
    {
        let Some(room) = R::from_room_id(&self.room) else {
            return Ok(None);
        };
        Ok(Some((room, serde_json::from_str(self.data.get())?)))
    }
}

/// Where an event goes besides its own room.
#[derive(Debug)]
pub struct Relayed(What);

#[derive(Debug)]
enum What {
    Event {
        room: RoomId,
        origin: String,
        data: Box<RawValue>,
    },
    Notify(Vec<Notify>),
}

impl Relayed {
    /// To everyone in another room, as coming from this community ([`RoomEvent::origin`](crate::RoomEvent)), whose name
    /// has 1 to 64 bytes. An event about a [subject](Subject) keeps it.
    ///
    /// # Errors
    /// When the event cannot be written as JSON, the community's name is no such name, or the room is the module's own.
    /// One that has more than `RealtimeConfig::max_event_bytes` is left out, with an error in the log.
    pub fn event<R: Room>(
        room: R,
        event: &R::Event,
        origin: impl Into<String>,
    ) -> Result<Self, PublishError>
    where
        R::Event: Serialize,
    {
        let origin = origin.into();
        if !is_community(&origin) {
            return Err(PublishError::Origin(origin.len()));
        }
        Ok(Self(What::Event {
            room: hosts(room)?,
            origin,
            data: serde_json::value::to_raw_value(event)?,
        }))
    }

    /// As a notification to these people. Its [origin](Notice::origin) is the host's to set.
    ///
    /// # Errors
    /// When the notification cannot be written as JSON, or is too large.
    pub fn notify<'a, D: NotificationData>(
        users: impl IntoIterator<Item = impl Into<UserId>>,
        notice: impl Into<Notice<'a, D>>,
    ) -> Result<Self, NotifyError> {
        let new = notice.into().write()?;
        let users: Vec<UserId> = users.into_iter().map(Into::into).collect();
        let some = users.chunks(PEOPLE_AT_ONCE).map(|users| Notify {
            users: users.to_vec(),
            new: new.clone(),
        });
        Ok(Self(What::Notify(some.collect())))
    }

    /// How large it is for those who get it as an event, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match &self.0 {
            What::Event { data, .. } => data.get().len(),
            What::Notify(_) => 0,
        }
    }

    /// As rows of the outbox.
    pub(super) fn derive(self, original: &Original, place: usize) -> Vec<Derived> {
        let name = |part: usize| {
            let hash = Sha256::digest(format!("{} {} {place} {part}", original.room, original.id));
            hash[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        match self.0 {
            What::Event { room, origin, data } => vec![Derived {
                room: room.to_string(),
                id: name(0),
                subject: original.subject.clone(),
                origin,
                data: data.get().to_owned(),
            }],
            What::Notify(some) => some
                .into_iter()
                .enumerate()
                .map(|(part, mut notify)| {
                    let name = name(part);
                    // The worker may do it more than once.
                    if notify.new.key.is_none() {
                        (notify.new.key, notify.new.nameless) = (Some(name.clone()), true);
                    }
                    Derived {
                        room: notify_room().to_string(),
                        id: name,
                        subject: None,
                        origin: notify.new.origin.clone().unwrap_or_default(),
                        data: serde_json::to_string(&notify).expect("texts can be written as JSON"),
                    }
                })
                .collect(),
        }
    }
}

/// Why a host cannot say where an event goes right now: it is asked again, twenty times in some ten minutes. Other events
/// of the room do not wait for that. Of what will never work, say `Ok` and write it into the log.
pub type RelayError = Box<dyn std::error::Error + Send + Sync>;

/// The host's word, as [`super::RealtimeBuilder::relay`] takes it.
pub(crate) type Relay =
    dyn Fn(Original) -> BoxFuture<'static, Result<Vec<Relayed>, RelayError>> + Send + Sync;

/// Of a host without partners.
pub(crate) fn no_relay() -> Arc<Relay> {
    Arc::new(|_| Box::pin(std::future::ready(Ok(Vec::new()))))
}

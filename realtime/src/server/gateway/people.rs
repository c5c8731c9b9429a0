//! What is kept of people beyond their connections: whether they hide, and when they were last seen.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Gateway, changes::group};
use crate::{
    protocol::{ErrorCode, ProtocolError, StatusNow, UnixMillis, UserId},
    server::{
        clock::unix_millis,
        control::{ControlEvent, Ticket},
        hashed::HashMap,
        store::{PersonRecord, StoreError},
    },
};

/// How often it is written down who was seen last.
const WRITE: Duration = Duration::from_millis(250);

/// Once in so many times everyone who is here is written down too: a crash makes nobody seem long gone.
const WRITE_ALL: u32 = 240;

/// The people who were seen and not written down yet.
#[derive(Default)]
pub(super) struct LastSeen(HashMap<UserId, UnixMillis>);

impl LastSeen {
    fn note(&mut self, user: UserId, at: UnixMillis) {
        self.0.insert(user, at);
    }
}

impl Gateway {
    /// What is kept of a person.
    pub(super) async fn person(&self, user: &UserId) -> Result<PersonRecord, ProtocolError> {
        self.0.store.person(user).await.map_err(unavailable)
    }

    /// The person hides on all their devices, or shows themselves again. Other nodes are told.
    pub(super) async fn set_invisible(
        &self,
        user: &UserId,
        invisible: bool,
    ) -> Result<Ticket, ProtocolError> {
        // One at a time, so that what is kept and what is shown are the same.
        let _one = self.hiding(user).lock().await;
        let kept = self.0.store.set_invisible(user, invisible).await;
        kept.map_err(unavailable)?;
        // Whoever connects right now may have read what was kept before.
        self.0.changes.note(user);
        self.show_invisible(user, invisible);
        let user = user.clone();
        Ok(self
            .0
            .control
            .tell(ControlEvent::Invisible { user, invisible }))
    }

    /// Held while it is read or written whether a person hides, until it is shown.
    pub(super) fn hiding(&self, user: &UserId) -> &tokio::sync::Mutex<()> {
        &self.0.hiding[group(user)]
    }

    /// The person hides, or not, as it is kept.
    pub(super) fn show_invisible(&self, user: &UserId, invisible: bool) {
        let marks = self.0.sessions.set_invisible(user, invisible);
        if marks.is_empty() {
            return;
        }
        self.0.teller.mark(marks);
        for connection in self.0.sessions.connections_of(user) {
            // A full buffer loses it; the person's own entry in each room says the same.
            let _ = connection.emit("status", &StatusNow { invisible });
        }
    }

    pub(super) fn note_seen(&self, user: UserId) {
        self.last_seen().note(user, unix_millis());
    }

    /// Writes down when people were last seen, until the module ends.
    pub(super) async fn keep_last_seen(self, stop: CancellationToken) {
        let mut tick = interval(WRITE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks: u32 = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            ticks = ticks.wrapping_add(1);
            if ticks.is_multiple_of(WRITE_ALL) {
                self.note_everyone();
            }
            self.write_last_seen().await;
        }
        self.note_everyone();
        self.write_last_seen().await;
    }

    fn note_everyone(&self) {
        for user in self.0.sessions.visible_people() {
            self.note_seen(user);
        }
    }

    async fn write_last_seen(&self) {
        let people: Vec<_> = std::mem::take(&mut self.last_seen().0)
            .into_iter()
            .collect();
        if people.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.seen(&people).await {
            tracing::warn!(%error, "could not write down who was last seen");
            // Tried again, unless they were seen since.
            let mut kept = self.last_seen();
            for (user, at) in people {
                kept.0.entry(user).or_insert(at);
            }
        }
    }
}

fn unavailable(error: StoreError) -> ProtocolError {
    tracing::error!(%error, "the store failed");
    let sentence = "this cannot be done right now: try again";
    ProtocolError::new(ErrorCode::Unavailable, sentence)
}

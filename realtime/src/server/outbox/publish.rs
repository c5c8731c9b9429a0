//! What becomes of rows: events are published and relayed, people are notified.

use std::time::Duration;

use tokio::time::timeout;

use super::wake::Wake;
use crate::{
    core::message::NewEvent,
    protocol::{RoomId, reserved::is_reserved},
    server::{
        broker::BrokerError,
        clock::unix_millis,
        counters::Counters,
        hub::Hub,
        notify::{Notify, Wanted},
        relay::{Original, Relay},
        store::{Derived, InboxStore, OutboxRow, UnreadableRow, Written},
    },
};

/// How long a host may take to say where an event goes besides.
const RELAY: Duration = Duration::from_secs(10);

/// How long the broker may take for one event. Its answer is not needed: the event is appended again, which changes
/// nothing where it was appended.
const ANSWER: Duration = Duration::from_secs(2);

/// What became of a room's rows.
pub(super) struct Outcome {
    pub(super) room: RoomId,
    /// Those that have a place now, with what a relay made of each.
    pub(super) placed: Vec<(i64, Vec<Derived>)>,
    /// Those that do not.
    pub(super) left: Vec<(i64, NewEvent)>,
    /// Those that have one, and of which the host could not say where they go besides, and why.
    pub(super) unrelayed: Vec<(i64, String)>,
    /// Those that only a newer version can read.
    pub(super) unknown: Vec<UnreadableRow>,
    pub(super) failed: Option<BrokerError>,
}

impl Outcome {
    fn of(room: RoomId) -> Self {
        Self {
            room,
            placed: Vec::new(),
            left: Vec::new(),
            unrelayed: Vec::new(),
            unknown: Vec::new(),
            failed: None,
        }
    }
}

/// Why a host did not say where an event goes besides.
struct Failure {
    why: String,
    /// It did not answer: the next question would take as long.
    silent: bool,
}

/// Whether this version can do what such a row wants of inboxes; otherwise, why not.
pub(super) fn is_known(event: &NewEvent) -> Result<(), String> {
    let read = Wanted::read(event.data.get());
    read.map(drop).map_err(|error| error.to_string())
}

/// Notifies whom the rows name, and takes back what they name, up to the first that fails. What was done already is not done again: it has a key.
pub(super) async fn notify(
    inboxes: &InboxStore,
    wake: &Wake,
    counters: &Counters,
    room: RoomId,
    rows: Vec<OutboxRow>,
) -> Outcome {
    let mut outcome = Outcome::of(room);
    for row in rows {
        let OutboxRow {
            id, event, created, ..
        } = row;
        if outcome.failed.is_some() {
            outcome.left.push((id, event));
            continue;
        }
        let wanted = match Wanted::read(event.data.get()) {
            Ok(wanted) => wanted,
            // A newer version wants something else of inboxes. What comes after it does not wait.
            Err(error) => {
                let why = error.to_string();
                outcome.unknown.push(UnreadableRow { id, created, why });
                continue;
            }
        };
        let written = |written: Written| written.rows.iter().for_each(|row| wake.written(*row));
        let now = unix_millis();
        let (done, counted) = match &wanted {
            Wanted::Notify(Notify { users, new }) => {
                let told = inboxes.notify(users, new, now, written).await;
                (told, &counters.notified)
            }
            Wanted::Withdraw(what) => {
                let withdrawn = inboxes.withdraw(&what.keys, now, written).await;
                (withdrawn, &counters.withdrawn)
            }
        };
        match done {
            Ok(people) => {
                counted.add(usize::try_from(people).unwrap_or(usize::MAX));
                outcome.placed.push((id, Vec::new()));
            }
            Err(error) => {
                outcome.failed = Some(BrokerError::Unavailable(error.to_string()));
                outcome.left.push((id, event));
            }
        }
    }
    outcome
}

/// What publishes, and what it knows of what was published before.
pub(super) struct Publisher<'a> {
    pub(super) hub: &'a Hub,
    pub(super) relay: &'a Relay,
    /// The greatest event.
    pub(super) max_bytes: usize,
    /// Rows that were published before, and not relayed.
    pub(super) published: &'a (dyn Fn(i64) -> bool + Sync),
    /// How many more may wait for their relay while others go on.
    pub(super) may_wait: usize,
}

impl Publisher<'_> {
    /// Publishes a room's rows in order, up to the first that fails. A relay that fails holds up none of the others.
    pub(super) async fn publish(&self, room: RoomId, rows: Vec<OutboxRow>) -> Outcome {
        let mut outcome = Outcome::of(room);
        for row in rows {
            if outcome.failed.is_none() && !(self.published)(row.id) {
                outcome.failed = self.append(&outcome.room, &row.event).await.err();
            }
            if outcome.failed.is_some() {
                outcome.left.push((row.id, row.event));
                continue;
            }
            match self.relayed(&outcome.room, &row.event).await {
                Ok(derived) => outcome.placed.push((row.id, derived)),
                // Published, and not marked: once more changes nothing.
                Err(Failure { why, silent }) => {
                    let waits = outcome.unrelayed.len() < self.may_wait;
                    if silent || !waits {
                        outcome.failed = Some(BrokerError::Unavailable(why.clone()));
                    }
                    if waits {
                        outcome.unrelayed.push((row.id, why));
                    }
                }
            }
        }
        outcome
    }

    async fn append(&self, room: &RoomId, event: &NewEvent) -> Result<(), BrokerError> {
        let appended = self.hub.broker().append(room, event.clone());
        match timeout(ANSWER, appended).await {
            Ok(appended) => {
                appended?;
                if event.origin.is_none() {
                    self.hub.counters().published.one();
                }
                Ok(())
            }
            Err(_) => {
                let sentence = format!("no answer within {ANSWER:?}");
                Err(BrokerError::Unavailable(sentence))
            }
        }
    }

    /// What a relay makes of an event that was published. Of what was relayed itself, nothing.
    async fn relayed(&self, room: &RoomId, event: &NewEvent) -> Result<Vec<Derived>, Failure> {
        if event.origin.is_some() || is_reserved(room) {
            return Ok(Vec::new());
        }
        let original = Original {
            room: room.clone(),
            id: event.id.clone(),
            subject: event.subject.clone(),
            data: event.data.clone(),
        };
        let mut relayed = match timeout(RELAY, (self.relay)(original.clone())).await {
            Ok(relayed) => relayed.map_err(|error| Failure {
                why: format!("the host's relay fails: {error}"),
                silent: false,
            })?,
            Err(_) => {
                return Err(Failure {
                    why: format!("the host's relay did not answer within {RELAY:?}"),
                    silent: true,
                });
            }
        };
        relayed.retain(|relayed| {
            let fits = relayed.bytes() <= self.max_bytes;
            if !fits {
                let (bytes, most) = (relayed.bytes(), self.max_bytes);
                tracing::error!(%room, id = %original.id, bytes, most, "an event is too large to be relayed");
            }
            fits
        });
        let places = relayed.into_iter().enumerate();
        Ok(places
            .flat_map(|(place, relayed)| relayed.derive(&original, place))
            .collect())
    }
}

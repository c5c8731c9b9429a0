//! After a room has become quiet its last publisher tells once more where it stands: whoever has lost the last message
//! notices it within a second or two, and need not wait until rooms are compared.
//!
//! It looks for itself too. What Redis confirmed, and lost before anybody heard of it, only the publisher knows: as where
//! a master dies before its replica has the last write. Then the room begins anew, so that nobody takes it for whole.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{RedisBroker, node::Node, script};
use crate::{
    protocol::{EventId, Position, RoomId, WireEvent},
    server::{
        broker::{Broker, BrokerError},
        hashed::{HashMap, HashSet},
    },
};

/// How long a room is quiet before it tells again.
const QUIET: Duration = Duration::from_secs(1);

/// The most rooms that wait to tell again. The others are compared all the same, in some seconds.
const MAX_WAITING: usize = 10_000;

/// The rooms in which this node has published.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    inner: Mutex<Inner>,
    added: Notify,
}

/// An event that Redis has taken.
#[derive(Clone, Debug)]
pub(super) struct Confirmed {
    pub(super) position: Position,
    pub(super) id: EventId,
    /// The links over which it did. While they hold, it has lost nothing.
    pub(super) serial: u64,
}

#[derive(Debug, Default)]
struct Inner {
    due: VecDeque<(Instant, RoomId)>,
    /// The rooms, each with the last event that was confirmed there.
    waiting: HashMap<RoomId, Option<Confirmed>>,
    /// Those in which was published again while they waited.
    again: HashSet<RoomId>,
}

impl Quiet {
    /// Something was published in a room.
    pub(super) fn touched(&self, room: &RoomId) {
        self.waits(room, None);
    }

    /// An event was published in a room.
    pub(super) fn confirmed(&self, room: &RoomId, event: Confirmed) {
        self.waits(room, Some(event));
    }

    fn waits(&self, room: &RoomId, event: Option<Confirmed>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = inner.waiting.get_mut(room) {
            if event.is_some() {
                *last = event;
            }
            inner.again.insert(room.clone());
        } else if inner.waiting.len() < MAX_WAITING {
            inner.waiting.insert(room.clone(), event);
            inner.due.push_back((Instant::now() + QUIET, room.clone()));
            self.added.notify_one();
        }
    }

    /// Redis could not be asked about a room: it is asked later, unless more has been published by then.
    fn later(&self, room: RoomId, event: Confirmed) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.waiting.get_mut(&room) {
            Some(last) => _ = last.get_or_insert(event),
            None => {
                inner.waiting.insert(room.clone(), Some(event));
                inner.due.push_back((Instant::now() + QUIET, room));
                self.added.notify_one();
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.due.front().map(|(at, _)| *at)
    }

    /// The rooms that have been quiet by now.
    fn take(&self, now: Instant) -> Vec<(RoomId, Option<Confirmed>)> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut quiet = Vec::new();
        while inner.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, room)) = inner.due.pop_front() else {
                break;
            };
            if inner.again.remove(&room) {
                inner.due.push_back((now + QUIET, room));
            } else {
                let event = inner.waiting.remove(&room).flatten();
                quiet.push((room, event));
            }
        }
        quiet
    }
}

/// Tells rooms again until the token is cancelled.
pub(super) async fn run(node: Arc<Node>, stop: CancellationToken) {
    loop {
        let added = node.quiet.added.notified();
        let due = node.quiet.next();
        tokio::select! {
            () = stop.cancelled() => return,
            () = added, if due.is_none() => continue,
            () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {}
        }
        let quiet = node.quiet.take(Instant::now());
        tracing::trace!(rooms = quiet.len(), "rooms have become quiet");
        let quiet = quiet.into_iter();
        let told = quiet.map(|(room, event)| {
            let node = &node;
            async move {
                let told = node.ask_room(&script::REPEAT, &room, &[]).await;
                // Who misses something else is compared later.
                let Some(event) = event else { return };
                let looked = match told {
                    Ok(_) => look_for(node, &room, &event).await,
                    Err(error) => Err(error),
                };
                if looked.is_err() {
                    node.quiet.later(room, event);
                }
            }
        });
        futures::future::join_all(told).await;
    }
}

/// Where links were lost since an event was confirmed, Redis may have lost it too.
async fn look_for(node: &Arc<Node>, room: &RoomId, event: &Confirmed) -> Result<(), BrokerError> {
    let links = node.links();
    if links.is_some_and(|links| links.serial == event.serial) {
        return Ok(());
    }
    let snapshot = node.snapshot(room).await?;
    let (here, there) = (event.position, snapshot.position);
    let has_its_place = |other: &WireEvent| other.seq == here.seq && other.id != event.id;
    let mut others = snapshot.events.iter();
    let is_lost = there.is_before(here) || others.any(|other| has_its_place(other));
    // In another life of the room nobody takes it for whole.
    if there.epoch == here.epoch && is_lost {
        tracing::warn!(%room, ?here, ?there, "Redis has lost an event that it had confirmed: the room begins anew");
        let keep = snapshot.events.iter().map(|event| event.seq).collect();
        RedisBroker(node.clone(), None)
            .renew(room, there, keep)
            .await?;
    }
    Ok(())
}

//! What was published while the meeting point is away: shown to this instance's own people at once, kept, and published
//! in the same order when the meeting point is back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    broker::{BrokerError, REMEMBERED},
    clock::unix_millis,
    hub::Hub,
};
use crate::{
    core::message::NewEvent,
    protocol::{Position, RoomId, WireEvent},
};

/// The most events that are kept, and the most bytes of their data.
const MOST: (usize, usize) = (10_000, 16 * 1024 * 1024);

/// The pause after a failure, while the meeting point seems to be there.
const PAUSE: Duration = Duration::from_millis(500);

/// For how long events are remembered that have a place, how many, and how many bytes of their data: longer than it takes
/// to find the link broken, also where this instance is late with all it hears.
const RECENT: Duration = Duration::from_secs(30);
const MOST_RECENT: (usize, usize) = (4_096, 4 * 1024 * 1024);

/// What became of an event that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Published {
    /// It has its place in the room's order, and is on its way to everyone.
    At(Position),
    /// The meeting point of instances is away. The people of this instance are shown the event now; it gets its place,
    /// and reaches everyone else, when the meeting point is back. It is lost if this process ends before: what must not
    /// be lost goes through `publish_in`.
    Later,
}

impl Published {
    /// The event's place, if it has one.
    #[must_use]
    pub fn position(self) -> Option<Position> {
        match self {
            Self::At(position) => Some(position),
            Self::Later => None,
        }
    }
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct Unpublished {
    queue: Mutex<Queue>,
    /// Something was kept.
    kept: Notify,
    recent: Mutex<Recent>,
    /// Whether there is no meeting point that could be away.
    is_single: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<(Instant, RoomId, NewEvent)>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, room: &RoomId, event: &NewEvent) -> bool {
        let bytes = event.data.get().len();
        if self.events.len() >= MOST.0 || self.bytes + bytes > MOST.1 {
            return false;
        }
        self.bytes += bytes;
        self.events
            .push_back((Instant::now(), room.clone(), event.clone()));
        true
    }

    fn pop(&mut self) {
        if let Some((_, _, event)) = self.events.pop_front() {
            self.bytes -= event.data.get().len();
        }
    }
}

/// What was placed a moment ago.
#[derive(Default)]
struct Recent {
    events: VecDeque<(Instant, RoomId, NewEvent, Position)>,
    bytes: usize,
}

impl Recent {
    fn push(&mut self, room: &RoomId, event: NewEvent, position: Position) {
        let now = Instant::now();
        self.bytes += event.data.get().len();
        self.events.push_back((now, room.clone(), event, position));
        while let Some((at, _, event, _)) = self.events.front()
            && (self.events.len() > MOST_RECENT.0
                || self.bytes > MOST_RECENT.1
                || now.duration_since(*at) > RECENT)
        {
            self.bytes -= event.data.get().len();
            self.events.pop_front();
        }
    }

    /// Those of a room, in order. They are told once.
    fn take(&mut self, room: &RoomId) -> Vec<(NewEvent, Position)> {
        let all = std::mem::take(&mut self.events).into_iter();
        let (of_room, others): (Vec<_>, _) = all.partition(|(_, of, ..)| of == room);
        self.events = others.into();
        let placed = of_room.into_iter();
        let placed: Vec<_> = placed
            .map(|(_, _, event, position)| (event, position))
            .collect();
        let bytes = placed.iter().map(|(event, _)| event.data.get().len());
        self.bytes -= bytes.sum::<usize>();
        placed
    }
}

impl Unpublished {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.queue().events.len()
    }

    /// How many were dropped: too many at once, or kept for too long.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Publishes an event, or keeps it where the meeting point is away.
    pub(super) async fn publish(
        &self,
        hub: &Hub,
        room: &RoomId,
        event: NewEvent,
    ) -> Result<Published, BrokerError> {
        let returns = || hub.broker().link().borrow().returns;
        let mut asked = returns();
        // What was kept goes first.
        while self.len() == 0 {
            match hub.broker().append(room, event.clone()).await {
                Ok(position) => {
                    if !self.is_single.load(Ordering::Relaxed) {
                        self.recent().push(room, event, position);
                    }
                    hub.counters().published.one();
                    return Ok(Published::At(position));
                }
                Err(error) if hub.is_linked() => {
                    // Where the link broke on the way and is back already, what failed there may succeed here.
                    let before = std::mem::replace(&mut asked, returns());
                    if before == asked {
                        return Err(error);
                    }
                }
                Err(_) => break,
            }
        }
        if !self.queue().push(room, &event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            let sentence = "the meeting point is away, and too much waits for it already";
            return Err(BrokerError::Unavailable(sentence.to_owned()));
        }
        hub.counters().published.one();
        self.kept.notify_one();
        // What was placed just before the link broke may not have come back to this instance, and was published earlier.
        for event in self.recent().take(room) {
            if !hub.has_reached(room, event.1) {
                hub.provisional(room, &provisional(event.0));
            }
        }
        hub.provisional(room, &provisional(event));
        Ok(Published::Later)
    }

    /// Publishes what was kept, in order, whenever the meeting point is there.
    pub(super) async fn run(self: Arc<Self>, hub: Arc<Hub>, stop: CancellationToken) {
        let mut link = hub.broker().link();
        loop {
            if link.borrow_and_update().up && self.len() > 0 && !self.catch_up(&hub).await {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = link.changed() => if changed.is_err() {
                    // A link that never changes.
                    self.is_single.store(true, Ordering::Relaxed);
                    return;
                },
                // Perhaps just when it came back.
                () = self.kept.notified() => {}
            }
        }
    }

    /// False where something is left.
    async fn catch_up(&self, hub: &Hub) -> bool {
        let mut late = 0_u64;
        loop {
            let Some((since, room, event)) = self.queue().events.front().cloned() else {
                break;
            };
            // Longer than rooms remember ids, it might be shown twice.
            if since.elapsed() >= REMEMBERED {
                late += 1;
            } else if let Err(error) = hub.broker().append(&room, event).await {
                tracing::debug!(%error, left = self.len(), "what was kept waits on");
                return false;
            }
            self.queue().pop();
        }
        if late > 0 {
            self.dropped.fetch_add(late, Ordering::Relaxed);
            tracing::error!(
                late,
                "events were kept for too long, and are not published any more"
            );
        }
        true
    }
}

/// An event without a number.
pub(super) fn provisional(event: NewEvent) -> WireEvent {
    WireEvent {
        seq: 0,
        id: event.id,
        at: unix_millis(),
        subject: event.subject,
        origin: event.origin,
        data: event.data,
    }
}

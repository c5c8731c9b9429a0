//! What this node has to say in the control room, in order, until each has its place there.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{core::message::NewEvent, protocol::reserved::control_room, server::broker::Broker};

/// The most events that wait while the broker is away. Where more come, all of them are replaced by one "check everyone
/// again": what is kept in the store is found by that; kicks and closed rooms among them are lost to other nodes.
const MAX_WAITING: usize = 1_024;

/// The shortest and the longest wait after an append that failed.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// How long the last events may take when the module ends.
const LAST: Duration = Duration::from_secs(1);

/// Names an event of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    pushed: Notify,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<(Ticket, NewEvent)>,
    /// The last number given out.
    last: u64,
    /// The greatest that has a place.
    placed: u64,
    /// Whether the last append failed.
    failing: bool,
    overflows: u64,
}

impl Inner {
    fn add(&mut self, event: NewEvent) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.waiting.push_back((ticket, event));
        ticket
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event. Where the queue is full, `everything` takes the place of all before it.
    pub(super) fn push(&self, event: NewEvent, everything: impl FnOnce() -> NewEvent) -> Ticket {
        let mut inner = self.lock();
        if inner.waiting.len() >= MAX_WAITING {
            tracing::error!(
                lost = inner.waiting.len(),
                "the broker is away for too long: other instances will check everyone again"
            );
            inner.overflows += 1;
            inner.waiting.clear();
            inner.add(everything());
        }
        let ticket = inner.add(event);
        self.pushed.notify_one();
        ticket
    }

    /// How many events wait, and how often there were too many.
    pub(crate) fn count(&self) -> (usize, u64) {
        let inner = self.lock();
        (inner.waiting.len(), inner.overflows)
    }

    /// Waits until an event has its place. False where the broker is away or takes longer: it is tried on and on.
    pub(crate) async fn placed(&self, ticket: Ticket, most: Duration) -> bool {
        let placed = async {
            loop {
                // Before the look, so that no change in between is missed.
                let changed = self.changed.notified();
                {
                    let inner = self.lock();
                    if inner.placed >= ticket.0 {
                        return true;
                    }
                    if inner.failing {
                        return false;
                    }
                }
                changed.await;
            }
        };
        timeout(most, placed).await.unwrap_or(false)
    }

    fn next(&self) -> Option<(Ticket, NewEvent)> {
        self.lock().waiting.front().cloned()
    }

    async fn place(&self, broker: &dyn Broker, ticket: Ticket, event: NewEvent) -> bool {
        let placed = broker.append(&control_room(), event).await;
        {
            let mut inner = self.lock();
            match &placed {
                Ok(_) => {
                    inner.failing = false;
                    inner.placed = ticket.0;
                    // Unless it was replaced meanwhile.
                    if inner
                        .waiting
                        .front()
                        .is_some_and(|(first, _)| *first == ticket)
                    {
                        inner.waiting.pop_front();
                    }
                }
                Err(error) => {
                    if !inner.failing {
                        tracing::warn!(%error, "other instances were not told of a change yet");
                    }
                    inner.failing = true;
                }
            }
        }
        self.changed.notify_waiters();
        placed.is_ok()
    }

    /// Appends what comes, until the module ends.
    pub(crate) async fn run(&self, broker: &dyn Broker, stop: &CancellationToken) {
        let mut wait = WAITS.0;
        loop {
            let pushed = self.pushed.notified();
            let Some((ticket, event)) = self.next() else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = pushed => continue,
                }
            };
            let placed = tokio::select! {
                () = stop.cancelled() => break,
                placed = self.place(broker, ticket, event) => placed,
            };
            if placed {
                wait = WAITS.0;
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(WAITS.1);
        }
        let rest = async {
            while let Some((ticket, event)) = self.next() {
                if !self.place(broker, ticket, event).await {
                    return;
                }
            }
        };
        let _ = timeout(LAST, rest).await;
        let left = self.lock().waiting.len();
        if left > 0 {
            tracing::warn!(left, "other instances were not told of some changes");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::protocol::EventId;

    fn event(id: &str) -> NewEvent {
        NewEvent {
            id: EventId::try_from(id.to_owned()).unwrap(),
            subject: None,
            origin: None,
            data: to_raw_value(id).unwrap(),
        }
    }

    #[tokio::test]
    async fn c12_what_waits_for_the_broker_is_bounded_and_too_much_becomes_a_check_of_everyone() {
        let queue = Queue::default();
        for number in 0..MAX_WAITING {
            queue.push(event(&number.to_string()), || panic!("there is room"));
        }
        queue.push(event("late"), || event("everything"));
        assert_eq!(queue.count(), (2, 1));
        let (first, event) = queue.next().unwrap();
        assert_eq!(event.id.as_str(), "everything");
        assert_eq!(first, Ticket(MAX_WAITING as u64 + 1));
    }
}

//! Tells rooms of sessions: always what is true now, in order, and until it has been heard.
//!
//! Whoever changes something of a session only marks the rooms that it concerns. A worker takes each mark, asks
//! [`Sessions`](super::sessions::Sessions) how the session stands in that room, and tells the broker: so two changes
//! that overlap cannot be told in the wrong order, a change that was overtaken is never told, and what could not be
//! told is told later, as it is then. All marks of one session belong to one worker.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Gateway;
use crate::{
    core::message::{EntryChange, EntryKey},
    protocol::{Online, RoomId, Status},
    server::{
        broker::BrokerError,
        hashed::{HashMap, HashSet},
    },
};

/// How many workers there are: so many tells may wait for the broker at the same time.
pub(super) const WORKERS: usize = 16;

/// The shortest and the longest wait after a tell that failed.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// A session in a room.
pub(super) type Mark = (EntryKey, RoomId);

/// What is to be told.
pub(super) struct Teller {
    queues: Vec<TellQueue>,
}

#[derive(Default)]
struct TellQueue {
    inner: Mutex<Inner>,
    marked: Notify,
    told: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Mark>,
    /// The same, to find it.
    queued: HashSet<Mark>,
    /// What is being told right now.
    busy: Option<Mark>,
    /// What the broker may hold: the number of the last enter, and whether others could see it.
    told: HashMap<Mark, (u64, bool)>,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self {
            queues: (0..WORKERS).map(|_| TellQueue::default()).collect(),
        }
    }

    fn queue(&self, key: &EntryKey) -> &TellQueue {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        &self.queues[(hasher.finish() % WORKERS as u64) as usize]
    }

    /// Something of these sessions may have changed in these rooms.
    pub(super) fn mark(&self, marks: impl IntoIterator<Item = Mark>) {
        for mark in marks {
            let queue = self.queue(&mark.0);
            let mut inner = queue.lock();
            // What is being told right now is looked at again after it.
            if inner.queued.insert(mark.clone()) {
                inner.waiting.push_back(mark);
                queue.marked.notify_one();
            }
        }
    }

    /// The broker has forgotten a room: whoever is in it is told again.
    pub(super) fn mark_room(&self, room: &RoomId) {
        let of_room = |mark: &&Mark| mark.1 == *room;
        for queue in &self.queues {
            let marks: Vec<Mark> = queue.lock().told.keys().filter(of_room).cloned().collect();
            self.mark(marks);
        }
    }

    /// Waits until all that is marked now has been told.
    pub(super) async fn drained(&self) {
        for queue in &self.queues {
            loop {
                // Before the look, so that nothing told in between is missed.
                let told = queue.told.notified();
                {
                    let inner = queue.lock();
                    if inner.queued.is_empty() && inner.busy.is_none() {
                        break;
                    }
                }
                told.await;
            }
        }
    }

    /// Waits until nothing of these sessions is left to be told, or for so long.
    pub(super) async fn settled(&self, keys: &[EntryKey], most: Duration) {
        let all = async {
            for key in keys {
                let queue = self.queue(key);
                loop {
                    // Before the look, so that nothing told in between is missed.
                    let told = queue.told.notified();
                    if !queue.lock().is_open(key) {
                        break;
                    }
                    told.await;
                }
            }
        };
        let _ = tokio::time::timeout(most, all).await;
    }
}

impl Inner {
    fn next(&mut self) -> Option<Mark> {
        let mark = self.waiting.pop_front()?;
        self.queued.remove(&mark);
        self.busy = Some(mark.clone());
        Some(mark)
    }

    /// Whether something of a session is to be told, or is being told.
    fn is_open(&self, key: &EntryKey) -> bool {
        let mut open = self.queued.iter().chain(&self.busy);
        open.any(|mark| mark.0 == *key)
    }
}

impl TellQueue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Tells what is marked for one worker, until the module ends.
    pub(super) async fn tell(self, worker: usize, stop: CancellationToken) {
        let queue = &self.0.teller.queues[worker];
        let mut wait = WAITS.0;
        let mut link = self.0.hub.broker().link();
        loop {
            let marked = queue.marked.notified();
            let next = queue.lock().next();
            let Some(mark) = next else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = marked => continue,
                }
            };
            let told = tokio::select! {
                () = stop.cancelled() => return,
                told = self.tell_one(queue, &mark) => told,
            };
            if let Err(error) = told {
                tracing::debug!(room = %mark.1, %error, "a room was not told of a session yet");
                self.show_here(queue, &mark);
                self.0.teller.mark([mark]);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                    // It is not away any more.
                    Ok(()) = link.changed() => {}
                }
                wait = (wait * 2).min(WAITS.1);
                continue;
            }
            wait = WAITS.0;
            queue.lock().busy = None;
            queue.told.notify_waiters();
        }
    }

    /// Tells those rooms again that have forgotten who of this node is in them, until the module ends.
    pub(super) async fn retell(self, stop: CancellationToken) {
        let inbox = self.0.hub.inbox();
        loop {
            let rooms = tokio::select! {
                () = stop.cancelled() => return,
                rooms = inbox.to_retell() => rooms,
            };
            for room in &rooms {
                self.0.teller.mark_room(room);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.teller.drained() => {}
            }
            inbox.retold();
        }
    }

    /// Whoever sees the room here need not wait until others can be told.
    fn show_here(&self, queue: &TellQueue, mark: &Mark) {
        let (key, room) = mark;
        if self.0.hub.is_linked() {
            return;
        }
        let told = queue.lock().told.get(mark).copied();
        let (change, incarnation) = match (self.0.sessions.entry(key, room), told) {
            (Some(entry), _) => {
                let incarnation = entry.incarnation;
                (EntryChange::Enter(entry), incarnation)
            }
            (None, Some((incarnation, _))) => (EntryChange::Exit(key.clone()), incarnation),
            (None, None) => return,
        };
        self.0.hub.shown_here(room, change, incarnation);
    }

    async fn tell_one(&self, queue: &TellQueue, mark: &Mark) -> Result<(), BrokerError> {
        let (key, room) = mark;
        let broker = self.0.hub.broker();
        let before = queue.lock().told.get(mark).copied();
        let was_visible = before.is_some_and(|(_, visible)| visible);
        let entry = self.0.sessions.entry(key, room);
        let is_visible = entry
            .as_ref()
            .is_some_and(|entry| entry.status != Status::Invisible);
        if was_visible
            && !is_visible
            && room.kind() == Online::KIND
            && let Some(user) = &key.user
        {
            self.note_seen(user.clone());
        }
        match entry {
            Some(entry) => {
                // Before it is known to be there, because an answer may be lost.
                let told = (entry.incarnation, is_visible);
                queue.lock().told.insert(mark.clone(), told);
                broker.enter(room, entry).await
            }
            None => {
                let Some((incarnation, _)) = before else {
                    return Ok(());
                };
                broker.exit(room, key, incarnation).await?;
                queue.lock().told.remove(mark);
                Ok(())
            }
        }
    }
}

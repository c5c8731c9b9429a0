//! The worker: publishes committed rows in order, and marks each once it has a place.
//!
//! It begins at the first unmarked row each time, without a cursor, since transactions do not commit in the order of
//! their ids. No database transaction is open while the broker is asked.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Means,
    publish::{Outcome, Publisher, is_known, notify},
    unknown::Unknown,
    unrelayed::{TRIES, Unrelayed},
    wake::{Schedule, Wake},
};
use crate::{
    core::message::NewEvent,
    protocol::{
        RoomId,
        reserved::{is_for_instances, notify_room},
    },
    server::{
        broker::BrokerError,
        clock::unix_millis,
        config::RealtimeConfig,
        hub::Hub,
        relay::Relay,
        store::{
            Derived, InboxStore, OutboxPage, OutboxRow, OutboxStore, StoreError, UnreadableRow,
        },
        unpublished::provisional,
    },
};

/// The rows that are read at once.
const BATCH: u32 = 256;

/// The rooms in which is published at once. Within a room it is one row after the other.
const ROOMS_AT_ONCE: usize = 16;

/// After so many rooms in which nothing could be published, and none in which something could, the broker is away.
const MAX_FAILED: usize = 16;

/// The first and the longest pause after a failure, of a room or of the database.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The most rooms whose pauses are remembered.
const MAX_PAUSED: usize = 10_000;

/// The most rows that are known to have been shown before they had a place.
const MAX_SHOWN: usize = 10_000;

/// While rows are left behind, reading past them is followed by a rest of so many times as long.
const REST: u32 = 4;

/// How long what is under way may take at the end.
const LAST: Duration = Duration::from_secs(1);

/// How often old rows are deleted, and how soon again while there are more.
const SWEEPS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1));

/// See the [module](self).
pub(super) struct Worker {
    store: Arc<dyn OutboxStore>,
    inboxes: Arc<InboxStore>,
    relay: Arc<Relay>,
    hub: Arc<Hub>,
    wake: Arc<Wake>,
    schedule: Schedule,
    max_event_bytes: usize,
    retention: Duration,
    next_sweep: Instant,
    /// Rows that need nothing but their mark, and what is derived from each: published, or never to be.
    settled: HashMap<i64, Vec<Derived>>,
    /// Rows that were shown here before they had a place.
    shown: HashSet<i64>,
    paused: HashMap<RoomId, Pause>,
    /// Rows that were published, of which the host could not say where they go besides.
    unrelayed: Unrelayed,
    unknown: Unknown,
    /// The pause after the next failure of the database.
    pause: Duration,
}

/// When a room in which publishing failed is tried again.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    next: Duration,
}

/// What a look came to.
#[derive(Debug, Default)]
struct Tally {
    found: usize,
    published: usize,
    marked: usize,
    /// Rooms in which publishing failed.
    failed: usize,
    /// Whether one of the rows that notify people was taken: they go one after the other.
    notifies: bool,
    /// Rows left for later, because publishing in their room failed before, or for an instance that can read them.
    left: usize,
    /// Rows that are published and not relayed.
    unrelayed: HashSet<i64>,
    /// The time it took to read the rows.
    reading: Duration,
}

impl Worker {
    pub(super) fn new(means: Means, wake: Arc<Wake>, config: &RealtimeConfig) -> Self {
        let now = Instant::now();
        let Means {
            store,
            inboxes,
            relay,
            hub,
        } = means;
        Self {
            store,
            inboxes,
            relay,
            hub,
            wake,
            schedule: Schedule::new(config.outbox_poll, now),
            max_event_bytes: config.max_event_bytes,
            retention: config.outbox_retention,
            next_sweep: now,
            settled: HashMap::new(),
            shown: HashSet::new(),
            paused: HashMap::new(),
            unrelayed: Unrelayed::default(),
            unknown: Unknown::default(),
            pause: PAUSES.0,
        }
    }

    /// Works until the token is cancelled. What it leaves undone, the next start does.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let wake = self.wake.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep_until(self.schedule.next()) => {}
                () = wake.told() => {
                    self.schedule.hear(&wake, Instant::now());
                    continue;
                }
            }
            tokio::select! {
                () = self.turn(&stop) => {}
                () = async { stop.cancelled().await; sleep(LAST).await } => return,
            }
        }
    }

    /// One look, and what is due beside it.
    async fn turn(&mut self, stop: &CancellationToken) {
        let looked = self.look(stop).await;
        let now = Instant::now();
        let rest = match looked {
            Ok(tally) => {
                self.pause = PAUSES.0;
                if tally.failed + tally.left > 0 {
                    (tally.reading * REST).min(PAUSES.1)
                } else {
                    Duration::ZERO
                }
            }
            Err(error) => {
                self.hub.counters().outbox_failed.one();
                tracing::warn!(%error, source = ?std::error::Error::source(&error), "the outbox waits");
                let pause = self.pause;
                self.pause = (pause * 2).min(PAUSES.1);
                pause
            }
        };
        self.schedule.looked(&self.wake, now, rest);
        if now >= self.next_sweep {
            self.sweep(now).await;
        }
    }

    /// Publishes and marks what is committed.
    async fn look(&mut self, stop: &CancellationToken) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut after = 0;
        loop {
            let began = Instant::now();
            let page = self.store.unpublished(after, BATCH).await?;
            tally.reading += began.elapsed();
            let next = page.more_after;
            tally.found += page.rows.len() + page.unreadable.len();
            self.page(page, &mut tally).await?;
            let away = tally.published == 0 && tally.failed >= MAX_FAILED;
            match next {
                Some(id) if !away && !stop.is_cancelled() => after = id,
                Some(_) => break,
                None => {
                    let left = tally.found.saturating_sub(tally.marked);
                    self.hub.counters().outbox_left.is(left);
                    // All that is unmarked was seen. What is still remembered, another instance has marked.
                    self.settled.clear();
                    self.unrelayed.retain(&tally.unrelayed);
                    self.unknown.looked();
                    break;
                }
            }
        }
        Ok(tally)
    }

    async fn page(&mut self, page: OutboxPage, tally: &mut Tally) -> Result<(), StoreError> {
        let ids = page.rows.iter().map(|row| row.id);
        self.wake
            .found(ids.chain(page.unreadable.iter().map(|row| row.id)));
        let mut to_mark = Vec::new();
        for row in page.unreadable {
            self.leave(&row, &mut to_mark, tally);
        }
        let (now, now_ms) = (Instant::now(), unix_millis());
        let mut rooms: BTreeMap<RoomId, Vec<OutboxRow>> = BTreeMap::new();
        let notify = notify_room();
        for row in page.rows {
            if self.unrelayed.contains(row.id) {
                tally.unrelayed.insert(row.id);
            }
            if self.settled.contains_key(&row.id) {
                to_mark.push(row.id);
            } else if self.unknown.contains(row.id, row.created, now_ms)
                || self.is_paused(&row.room, now)
                || self.unrelayed.waits(row.id, now)
            {
                tally.left += 1;
            } else if is_for_instances(&row.room) && row.room != notify {
                // Nobody hears what is said there: it is work of another kind.
                let (id, created) = (row.id, row.created);
                let why = format!("{} is no work that is known", row.room);
                self.leave(&UnreadableRow { id, created, why }, &mut to_mark, tally);
            } else if row.room == notify && tally.notifies {
                // One a look: events do not wait until everybody has been told something.
                self.wake.again();
            } else if row.room == notify
                && let Err(why) = is_known(&row.event)
            {
                let (id, created) = (row.id, row.created);
                self.leave(&UnreadableRow { id, created, why }, &mut to_mark, tally);
            } else {
                tally.notifies |= row.room == notify;
                rooms.entry(row.room.clone()).or_default().push(row);
            }
        }
        let published: Vec<_> = stream::iter(rooms)
            .map(|(room, rows)| self.carry_out(room, rows))
            .buffer_unordered(ROOMS_AT_ONCE)
            .collect()
            .await;
        for Outcome {
            room,
            placed,
            left,
            unrelayed,
            unknown,
            failed,
        } in published
        {
            for row in unknown {
                self.leave(&row, &mut to_mark, tally);
            }
            for (id, why) in unrelayed {
                if self.relay_later(id, &room, &why) {
                    tally.unrelayed.insert(id);
                } else {
                    self.settled.insert(id, Vec::new());
                    to_mark.push(id);
                }
            }
            for (id, _) in &placed {
                self.unrelayed.relayed(*id);
            }
            if !self.hub.is_linked() && room != notify {
                self.show(&room, left);
            }
            tally.published += placed.len();
            to_mark.extend(placed.iter().map(|(id, _)| *id));
            self.settled.extend(placed);
            match failed {
                None => {
                    self.paused.remove(&room);
                }
                Some(error) => {
                    tally.failed += 1;
                    self.pause_room(room, &error);
                }
            }
        }
        if !to_mark.is_empty() {
            let of = |id: &i64| {
                let derived = self.settled.get(id).into_iter().flatten();
                derived.map(|row| (*id, row.clone())).collect::<Vec<_>>()
            };
            let derived: Vec<_> = to_mark.iter().flat_map(of).collect();
            self.store.mark(&to_mark, &derived, unix_millis()).await?;
            tally.marked += to_mark.len();
            if !derived.is_empty() {
                self.wake.again();
            }
            for id in to_mark {
                self.settled.remove(&id);
            }
        }
        Ok(())
    }

    /// A row cannot be read: it is left for an instance that can, or given up.
    fn leave(&mut self, row: &UnreadableRow, to_mark: &mut Vec<i64>, tally: &mut Tally) {
        if self.settled.contains_key(&row.id) {
            to_mark.push(row.id);
        } else if self.unknown.leave(row, unix_millis()) {
            tally.left += 1;
        } else {
            self.settled.insert(row.id, Vec::new());
            to_mark.push(row.id);
        }
    }

    /// Publishes a room's rows in order, up to the first that fails; or notifies whom they name.
    async fn carry_out(&self, room: RoomId, rows: Vec<OutboxRow>) -> Outcome {
        if room == notify_room() {
            notify(&self.inboxes, &self.wake, self.hub.counters(), room, rows).await
        } else {
            let publisher = Publisher {
                hub: &self.hub,
                relay: &*self.relay,
                max_bytes: self.max_event_bytes,
                published: &|id| self.unrelayed.contains(id),
                may_wait: self.unrelayed.vacant(),
            };
            publisher.publish(room, rows).await
        }
    }

    /// An event was published, and where it goes besides cannot be said yet: whether that is asked again.
    fn relay_later(&mut self, id: i64, room: &RoomId, why: &str) -> bool {
        let again = self.unrelayed.failed(id, Instant::now());
        if again {
            tracing::warn!(id, %room, why, "an event waits to be relayed");
        } else {
            tracing::error!(id, %room, why, "an event is not relayed: given up after {TRIES} tries");
        }
        again
    }

    /// While the other instances cannot be reached, the people of this one are shown what is committed. It is published
    /// all the same when they can.
    fn show(&mut self, room: &RoomId, rows: Vec<(i64, NewEvent)>) {
        if self.shown.len() >= MAX_SHOWN {
            // Clients know an event again that they were shown.
            self.shown.clear();
        }
        for (id, event) in rows {
            if self.shown.insert(id) {
                self.hub.provisional(room, &provisional(event));
            }
        }
    }

    fn is_paused(&self, room: &RoomId, now: Instant) -> bool {
        let pause = self.paused.get(room);
        pause.is_some_and(|pause| pause.until > now)
    }

    fn pause_room(&mut self, room: RoomId, error: &BrokerError) {
        let pause = self.paused.get(&room).map_or(PAUSES.0, |pause| pause.next);
        if pause == PAUSES.0 {
            tracing::warn!(%room, %error, "events of the outbox wait");
        }
        if self.paused.len() >= MAX_PAUSED {
            // They are tried again sooner than they would be, no more.
            self.paused.clear();
        }
        let pause = Pause {
            until: Instant::now() + pause,
            next: (pause * 2).min(PAUSES.1),
        };
        self.paused.insert(room, pause);
    }

    async fn sweep(&mut self, now: Instant) {
        let retention = u64::try_from(self.retention.as_millis()).unwrap_or(u64::MAX);
        let swept = self
            .store
            .sweep(unix_millis().saturating_sub(retention))
            .await;
        let more = match swept {
            Ok(count) => count > 0,
            Err(error) => {
                tracing::warn!(%error, "published rows of the outbox could not be deleted");
                false
            }
        };
        self.next_sweep = now + if more { SWEEPS.1 } else { SWEEPS.0 };
    }
}

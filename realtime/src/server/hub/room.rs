//! One served room: its replica, and its viewers.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{
    subscriber::{Subscriber, written},
    unnumbered::Unnumbered,
    viewer::{Viewer, ViewerId},
};
use crate::{
    core::{
        log::Retention,
        message::{EntryChange, EntryKey, RoomMessage, RoomSignal, RoomSnapshot, RunId},
        replica::{Applied, Change, Crowd, Replica},
    },
    protocol::{
        Digest, Epoch, FirstView, Member, Outcome, Position, Provisional, RoomId, Signalled,
        TypingNow, UnixMillis, UserId, WireEvent,
    },
    server::{
        broker::{Head, Looks, Standing, slot},
        clock::unix_millis,
        counters::Counters,
        hashed::{HashMap, HashSet},
    },
};

/// How many messages wait while a snapshot is read. More, and it is read again.
const MAX_BUFFERED: usize = 4_096;

pub(crate) struct ServedRoom {
    pub(super) room: RoomId,
    /// A number that spreads rooms over time.
    pub(super) slot: u64,
    /// Set once the first snapshot has been read.
    pub(super) loaded: OnceCell<()>,
    pub(super) counters: Arc<Counters>,
    state: Mutex<RoomState>,
    used: Mutex<Instant>,
}

/// What a room's lock protects.
pub(super) struct RoomState {
    room: RoomId,
    crowd: Crowd,
    retention: Retention,
    replica: Option<Replica>,
    /// Whether a snapshot is on its way; messages wait for it in `buffer`.
    pub(super) loading: bool,
    buffer: Vec<RoomMessage>,
    /// Whether the buffer overflowed, or did not follow the snapshot: the room is to be read again.
    lost: bool,
    subscribers: HashMap<ViewerId, Subscriber>,
    closed: bool,
    /// Whether a flush of presence is due already.
    pub(super) scheduled: bool,
    /// A place and presence version at the broker that the replica had not reached when it was asked.
    suspect: Option<Head>,
    /// Which [`Broker::generation`](crate::server::broker::Broker::generation) it was read in.
    read_in: Option<u64>,
    /// The nodes for whose sessions the room waits.
    waits: HashMap<RunId, Wait>,
    /// The life of the room in which it waits for them.
    waits_in: Option<Epoch>,
    unnumbered: Unnumbered,
    counters: Arc<Counters>,
}

/// What a room waits for.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// To know where a node stands, by a look that begins after this one: what is known of it is older than the room's
    /// life, perhaps.
    After(u64),
    /// That a node speaks that stood there.
    Since(Standing),
}

impl ServedRoom {
    pub(super) fn new(
        room: RoomId,
        crowd: Crowd,
        retention: Retention,
        counters: Arc<Counters>,
    ) -> Self {
        let state = RoomState {
            room: room.clone(),
            crowd,
            retention,
            replica: None,
            loading: true,
            buffer: Vec::new(),
            lost: false,
            subscribers: HashMap::default(),
            closed: false,
            scheduled: false,
            suspect: None,
            read_in: None,
            waits: HashMap::default(),
            waits_in: None,
            unnumbered: Unnumbered::default(),
            counters: counters.clone(),
        };
        Self {
            slot: slot(&room),
            room,
            loaded: OnceCell::new(),
            counters,
            state: Mutex::new(state),
            used: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn is_idle(&self, now: Instant, idle: Duration) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        now.duration_since(used) >= idle && self.lock().subscribers.is_empty()
    }
}

impl RoomState {
    /// From now on messages wait for a snapshot. False where they do already.
    pub(super) fn begin_loading(&mut self) -> bool {
        !std::mem::replace(&mut self.loading, true)
    }

    /// See [`Replica::conflict`]. Messages wait while a room is read: what is known here is what was known before.
    pub(super) fn conflict(&self, snapshot: &RoomSnapshot) -> Option<Vec<u64>> {
        self.replica.as_ref()?.conflict(snapshot)
    }

    /// The room begins to wait for those who have not said in its present life whom they have there.
    pub(super) fn hold(&mut self, looks: Looks) {
        let held = self.replica.as_ref().map(Replica::held_runs);
        let held = held.unwrap_or_default();
        let epoch = self.position().map(|position| position.epoch);
        // Whoever has spoken since the life before has not in this one, perhaps.
        let goes_on = self.waits_in == epoch;
        self.waits_in = epoch;
        self.waits.retain(|run, _| goes_on && held.contains(run));
        for run in held {
            self.waits.entry(run).or_insert(Wait::After(looks.begun));
        }
    }

    /// Whether it waits for nodes.
    pub(super) fn waits(&self) -> bool {
        !self.waits.is_empty()
    }

    /// Lets go of the sessions of nodes that have spoken since.
    pub(super) fn release(
        &mut self,
        at: UnixMillis,
        looks: Looks,
        standing: impl Fn(RunId) -> Standing,
    ) {
        if self.waits.is_empty() || self.loading {
            return;
        }
        let mut over: HashSet<RunId> = HashSet::default();
        for (run, wait) in &mut self.waits {
            let now = standing(*run);
            if let Wait::After(begun) = *wait
                && looks.answered > begun
            {
                *wait = Wait::Since(now);
            }
            if let Wait::Since(before) = *wait
                && now.has_spoken_since(before)
            {
                over.insert(*run);
            }
        }
        if over.is_empty() {
            return;
        }
        self.waits.retain(|run, _| !over.contains(run));
        if let Some(replica) = &mut self.replica
            && replica.release(at, |run| over.contains(&run))
        {
            self.flush();
        }
    }

    /// The nodes that speak for somebody here.
    pub(super) fn runs(&self) -> BTreeSet<RunId> {
        self.replica.as_ref().map(Replica::runs).unwrap_or_default()
    }

    /// The room is read in this generation. True where it was read in another one before.
    pub(super) fn begin_reading_in(&mut self, generation: u64) -> bool {
        let before = self.read_in.replace(generation);
        before.is_some_and(|before| before != generation)
    }

    /// Takes over a snapshot, then what came while it was read. See [`Replica::reload_keeping`].
    pub(super) fn load(&mut self, snapshot: RoomSnapshot, now: u64, keeps: impl Fn(RunId) -> bool) {
        for event in &snapshot.events {
            self.unnumbered.has_number(&event.id);
        }
        let before = self.replica.as_ref().map(Replica::position);
        let continues = match &mut self.replica {
            None => {
                self.replica = Some(Replica::new(self.room.clone(), snapshot, self.crowd));
                true
            }
            Some(replica) => replica.reload_keeping(snapshot, keeps),
        };
        self.loading = false;
        for message in std::mem::take(&mut self.buffer) {
            if self.apply(&message, now) == Applied::Gap {
                self.lost = true;
            }
        }
        if continues {
            self.flush();
        } else {
            // The order began anew: whoever sees the room is shown all of it again.
            if let Some(replica) = &mut self.replica {
                replica.take_step();
            }
            for subscriber in self.subscribers.values_mut() {
                subscriber.behind.get_or_insert(before);
            }
            self.catch_up();
        }
    }

    /// The snapshot could not be read: what came meanwhile is lost, and the room is to be read again.
    pub(super) fn not_loaded(&mut self) {
        self.loading = false;
        self.buffer.clear();
        self.lost = true;
    }

    pub(super) fn apply(&mut self, message: &RoomMessage, now: u64) -> Applied {
        match &mut self.replica {
            Some(replica) if !self.loading => {
                if let RoomMessage::Event { event, .. } = message {
                    self.unnumbered.has_number(&event.id);
                }
                replica.apply(message, now)
            }
            _ if matches!(message, RoomMessage::Signal(_)) => Applied::Nothing,
            _ => {
                if self.buffer.len() < MAX_BUFFERED {
                    self.buffer.push(message.clone());
                } else {
                    self.lost = true;
                }
                Applied::Nothing
            }
        }
    }

    pub(super) fn first_view(&self) -> Option<FirstView> {
        self.replica.as_ref().map(Replica::first_view)
    }

    /// The people after a place in the order in which they came, and how many there are.
    pub(super) fn page(
        &self,
        after: Option<&(UnixMillis, UserId)>,
        most: usize,
    ) -> Option<(Vec<Member>, usize)> {
        let replica = self.replica.as_ref()?;
        Some((replica.page(after, most), replica.count()))
    }

    /// The place after the last event.
    pub(super) fn position(&self) -> Option<Position> {
        self.replica.as_ref().map(Replica::position)
    }

    /// How many sessions are here.
    pub(super) fn sessions(&self) -> usize {
        self.replica.as_ref().map_or(0, Replica::sessions)
    }

    /// When the room's person was last seen, as known from elsewhere.
    pub(super) fn set_last_seen(&mut self, at: Option<UnixMillis>) {
        if let Some(replica) = &mut self.replica {
            replica.set_last_seen(at);
        }
    }

    /// False where the room is not served any more. A quiet viewer is shown only what happens from now on.
    pub(super) fn join(
        &mut self,
        viewer: &Arc<dyn Viewer>,
        since: Option<Position>,
        watched: Vec<UserId>,
        quiet: bool,
    ) -> bool {
        if self.closed {
            return false;
        }
        self.flush();
        let Some(replica) = &self.replica else {
            return false;
        };
        let mut subscriber = Subscriber {
            viewer: viewer.clone(),
            behind: None,
            watched,
            own: Vec::new(),
            typing_due: false,
            unnumbered: self.unnumbered.count(),
        };
        if !quiet {
            self.counters.joined.one();
            match subscriber.show(replica, since) {
                Outcome::Replay => self.counters.resumed.one(),
                Outcome::Reset => self.counters.reset.one(),
                Outcome::Fresh => {}
            }
            subscriber.show_unnumbered(&self.unnumbered);
        }
        self.subscribers.insert(viewer.id(), subscriber);
        true
    }

    pub(super) fn leave(&mut self, viewer: ViewerId) {
        self.subscribers.remove(&viewer);
    }

    /// Sends what changed as one frame, written once for everyone, and beside it what only some are to see.
    pub(super) fn flush(&mut self) {
        let Some(replica) = &mut self.replica else {
            return;
        };
        let step = replica.take_step();
        let typing = replica.take_typing();
        replica.trim(self.retention, unix_millis());
        match step.change {
            Change::Nothing => {}
            Change::Frame(frame) => {
                let events = frame.events.len();
                for event in &frame.events {
                    let (room, viewers) = (&self.room, self.subscribers.len());
                    tracing::debug!(%room, id = %event.id, viewers, "an event is sent");
                }
                let frame = written(&frame);
                let mut deliveries = 0;
                for subscriber in self.subscribers.values_mut() {
                    if subscriber.behind.is_some() {
                        continue;
                    }
                    if subscriber.viewer.send("room", &frame).is_ok() {
                        deliveries += 1;
                    } else {
                        subscriber.behind = Some(Some(step.before));
                        self.counters.slow.one();
                    }
                }
                self.counters.frames.one();
                self.counters.deliveries.add(deliveries);
                self.counters.events_out.add(deliveries * events);
            }
            Change::Anew => {
                for subscriber in self.subscribers.values_mut() {
                    subscriber.behind.get_or_insert(Some(step.before));
                }
                self.catch_up();
            }
        }
        let Some(replica) = &self.replica else { return };
        if !step.touched.is_empty() {
            let concerns = |user: &UserId| step.touched.contains(user);
            for subscriber in self.subscribers.values_mut() {
                let me = subscriber.viewer.key().user.as_ref();
                if subscriber.behind.is_none()
                    && (me.is_some_and(concerns) || subscriber.watched.iter().any(concerns))
                    && !subscriber.show_own(replica, &self.room)
                {
                    subscriber.behind = Some(Some(replica.position()));
                }
            }
        }
        if let Some(typing) = typing {
            self.show_typing(&typing);
        }
    }

    fn show_typing(&mut self, typing: &TypingNow) {
        let typing = written(typing);
        for subscriber in self.subscribers.values_mut() {
            // Whoever is behind is told with the whole view.
            subscriber.typing_due = subscriber.behind.is_none()
                && subscriber.viewer.send_spare("typing", &typing).is_err();
        }
    }

    /// Passes a signal on to whoever can take it right now.
    pub(super) fn signal(&self, signal: &RoomSignal) {
        let RoomSignal::Data { from, data } = signal else {
            return;
        };
        let signalled = written(&Signalled {
            room: self.room.clone(),
            user: from.as_ref().and_then(|from| from.user.clone()),
            data: (**data).to_owned(),
        });
        let Some(replica) = &self.replica else { return };
        let sender = from.as_ref().and_then(|from| from.user.as_ref());
        if sender.is_some_and(|user| !replica.is_visible(user)) {
            // Whoever cannot be seen is not heard.
            return;
        }
        let is_sender = |key: &EntryKey| from.as_ref() == Some(key);
        for subscriber in self.subscribers.values() {
            if subscriber.behind.is_none() && !is_sender(subscriber.viewer.key()) {
                // Whoever cannot take it misses it.
                let _ = subscriber.viewer.send_spare("signal", &signalled);
            }
        }
    }

    /// Shows an event that has no number yet.
    pub(super) fn provisional(&mut self, event: &WireEvent) {
        self.flush();
        let frame = written(&Provisional {
            room: self.room.clone(),
            event: event.clone(),
        });
        if self.unnumbered.add(&event.id, frame) {
            for subscriber in self.subscribers.values_mut() {
                subscriber.show_unnumbered(&self.unnumbered);
            }
        }
    }

    /// Shows who came or went here before the broker can be told.
    pub(super) fn shown_here(
        &mut self,
        at: UnixMillis,
        change: EntryChange,
        incarnation: u64,
        looks: Looks,
    ) {
        if let Some(replica) = &mut self.replica {
            replica.change_here(at, change, incarnation);
            // Until this node has told it after all.
            let wait = Wait::After(looks.begun);
            self.waits.insert(RunId::default(), wait);
            self.flush();
        }
    }

    /// Compares what a viewer shows with what it was sent. Where that differs it is shown the room anew, and `true` is
    /// returned.
    pub(super) fn diverges(&mut self, viewer: ViewerId, frame: u64, digest: Digest) -> bool {
        let Some(replica) = &self.replica else {
            return false;
        };
        let sent = replica.digest_at(frame);
        let Some(subscriber) = self.subscribers.get(&viewer) else {
            return false;
        };
        if subscriber.behind.is_some() || sent.is_none_or(|sent| sent == digest) {
            return false;
        }
        // What is pending goes first: it is part of what the viewer lacks.
        self.flush();
        if let (Some(replica), Some(subscriber)) =
            (&self.replica, self.subscribers.get_mut(&viewer))
            && subscriber.behind.is_none()
        {
            subscriber.show(replica, Some(replica.position()));
            subscriber.show_unnumbered(&self.unnumbered);
        }
        true
    }

    /// Shows the room anew to those whose buffers were full and have room again.
    fn catch_up(&mut self) {
        let Some(replica) = &self.replica else { return };
        let typing = replica.typing();
        for subscriber in self.subscribers.values_mut() {
            // Asked first, because writing a view for someone who does not read costs everyone else.
            if !subscriber.viewer.has_room() {
                continue;
            }
            if let Some(since) = subscriber.behind {
                subscriber.show(replica, since);
                subscriber.show_unnumbered(&self.unnumbered);
            } else if subscriber.typing_due {
                let told = subscriber.viewer.send_spare("typing", &written(&typing));
                subscriber.typing_due = told.is_err();
            }
        }
    }

    /// Once a second or so: typing lines end, old events go, slow readers are helped.
    pub(super) fn tick(&mut self, now: u64) {
        let ended = self.replica.as_mut().is_some_and(|replica| {
            replica.trim(self.retention, unix_millis());
            replica.expire(now)
        });
        if ended || !self.scheduled {
            self.flush();
        }
        self.unnumbered.forget_old();
        if !self.unnumbered.is_empty() {
            for subscriber in self.subscribers.values_mut() {
                subscriber.show_unnumbered(&self.unnumbered);
            }
        }
        if self
            .subscribers
            .values()
            .any(|subscriber| subscriber.behind.is_some() || subscriber.typing_due)
        {
            self.flush();
            self.catch_up();
        }
    }

    /// Whether messages were lost since the last question, other than those that a snapshot brought back.
    pub(super) fn take_lost(&mut self) -> bool {
        !self.loading && std::mem::take(&mut self.lost)
    }

    /// Compares the replica with where the broker stands. What it lacks may be on its way still: only if it lacks it at
    /// the next comparison too it was lost.
    pub(super) fn lacks(&mut self, head: Head, certain: bool) -> bool {
        let Some(known) = self.place().filter(|_| !self.loading) else {
            return false;
        };
        let lost = self.suspect.take().is_some_and(|head| !known.has(head));
        let lacks = !known.has(head);
        if lacks {
            self.suspect = Some(head);
        }
        lost || (lacks && certain)
    }

    /// Where the room stands here.
    pub(super) fn place(&self) -> Option<Head> {
        let replica = self.replica.as_ref()?;
        Some(Head {
            position: replica.position(),
            version: replica.version(),
        })
    }

    /// Whether a subscriber's buffer was full when it should have been shown something.
    pub(super) fn is_behind(&self, viewer: ViewerId) -> bool {
        self.subscribers
            .get(&viewer)
            .is_some_and(|subscriber| subscriber.behind.is_some())
    }

    /// Closes the room unless somebody sees it or it is being read again.
    pub(super) fn close_if_unused(&mut self) -> bool {
        self.closed = self.subscribers.is_empty() && (!self.loading || self.replica.is_none());
        self.closed
    }
}

#[cfg(test)]
mod tests;

//! The hub: one replica for each room that this node serves, kept by the broker's messages, shown to subscribers.
//!
//! Each shard is a task that takes its rooms' messages in order and sends frames: events at once while the line is
//! quiet, several in one frame when more have come meanwhile, presence after a window. A room's lock is held while its
//! frame is put into the subscribers' buffers, so that a join between two frames can neither miss nor repeat a change;
//! it is never held across an await.

mod keeper;
mod room;
mod shard;
mod subscriber;
mod unnumbered;
mod viewer;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use room::ServedRoom;
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;
pub(crate) use viewer::{NotSent, Viewer, ViewerId};

use super::{
    broker::{Broker, BrokerError, Inbox, InboxReceiver},
    clock::{Monotonic, unix_millis},
    config::RealtimeConfig,
    counters::Counters,
    hashed::HashMap,
    store::Store,
    tasks::TaskTracker,
};
use crate::{
    core::{
        log::Retention,
        message::{EntryChange, RoomSnapshot},
        replica::Crowd,
    },
    protocol::{
        Digest, Epoch, FirstView, JoinRoom, Member, Online, Position, Room, RoomId, UnixMillis,
        UserId, WireEvent, reserved::control_room,
    },
};

/// See the [module](self).
pub(crate) struct Hub {
    broker: Arc<dyn Broker>,
    store: Arc<dyn Store>,
    inbox: Inbox,
    rooms: Mutex<HashMap<RoomId, Arc<ServedRoom>>>,
    /// Held while the broker is asked for a room's messages or told to stop: a room that is served anew must not lose
    /// what it subscribed to by the end of the one before.
    subscribing: tokio::sync::Mutex<()>,
    clock: Monotonic,
    retention: Retention,
    crowd: Crowd,
    window: Duration,
    idle: Duration,
    pub(super) counters: Arc<Counters>,
    tasks: TaskTracker,
    /// How many rooms may be read again at the same time.
    reloads: Semaphore,
    /// Whether rooms may wait for nodes to say who is here.
    waits: AtomicBool,
}

/// See [`Hub::reloads`].
const RELOADS: usize = 16;

/// A room of which nothing is known.
fn alone() -> RoomSnapshot {
    RoomSnapshot {
        position: Position {
            epoch: Epoch(crate::server::random::random()),
            seq: 0,
        },
        version: 0,
        entries: Vec::new(),
        events: Vec::new(),
    }
}

impl Hub {
    /// Starts the hub's shards, which end with the token.
    pub(crate) fn start(
        broker: Arc<dyn Broker>,
        store: Arc<dyn Store>,
        inbox: Inbox,
        receivers: Vec<InboxReceiver>,
        config: &RealtimeConfig,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let hub = Arc::new(Self {
            broker,
            store,
            inbox,
            rooms: Mutex::default(),
            subscribing: tokio::sync::Mutex::default(),
            clock: Monotonic::start(),
            retention: config.retention,
            crowd: config.crowd,
            counters: Arc::default(),
            window: config.presence_window,
            idle: config.room_idle,
            tasks: tasks.clone(),
            reloads: Semaphore::new(RELOADS),
            waits: AtomicBool::new(false),
        });
        for (index, receiver) in receivers.into_iter().enumerate() {
            tasks.spawn(shard::run(hub.clone(), index, receiver, stop.clone()));
        }
        tasks.spawn(keeper::run(hub.clone(), stop.clone()));
        hub
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(crate) fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    /// Serves a room from now on, for as long as it is used and a while longer.
    pub(crate) async fn serve(&self, room: &RoomId) -> Result<Arc<ServedRoom>, BrokerError> {
        let served = self
            .rooms()
            .entry(room.clone())
            .or_insert_with(|| {
                // What nodes say to each other is no room of the host's.
                let counters = match *room == control_room() {
                    true => Arc::default(),
                    false => self.counters.clone(),
                };
                Arc::new(ServedRoom::new(
                    room.clone(),
                    self.crowd,
                    self.retention,
                    counters,
                ))
            })
            .clone();
        served.touch();
        served
            .loaded
            .get_or_try_init(|| async {
                {
                    let _subscribing = self.subscribing.lock().await;
                    self.broker.subscribe(room).await?;
                }
                let generation = self.broker.generation();
                let snapshot = match self.broker.snapshot(room).await {
                    Ok(snapshot) => snapshot,
                    // It begins here, and goes on from where the others are when they can be reached.
                    Err(_) if !self.is_linked() => alone(),
                    Err(error) => return Err(error),
                };
                let last_seen = self.last_seen(room).await;
                let mut state = served.lock();
                state.begin_reading_in(generation);
                state.load(snapshot, self.clock.millis(), |_| false);
                state.set_last_seen(last_seen);
                Ok(())
            })
            .await?;
        Ok(served)
    }

    /// Whether the meeting point can be reached.
    pub(crate) fn is_linked(&self) -> bool {
        self.broker.link().borrow().up
    }

    /// Whether a room that is served here has been told of everything up to a place.
    pub(crate) fn has_reached(&self, room: &RoomId, place: Position) -> bool {
        let reached = |served: Arc<ServedRoom>| {
            let held = served.lock().position();
            held.is_some_and(|held| held == place || place.is_before(held))
        };
        self.served(room).is_some_and(reached)
    }

    /// Shows an event to the viewers of a room that has no place in its order yet.
    pub(crate) fn provisional(&self, room: &RoomId, event: &WireEvent) {
        if let Some(served) = self.served(room) {
            served.lock().provisional(event);
        }
    }

    /// Shows the viewers of a room who came or went here, while nobody else can be told.
    pub(crate) fn shown_here(&self, room: &RoomId, change: EntryChange, incarnation: u64) {
        if let Some(served) = self.served(room) {
            let looks = self.broker.looks();
            let mut state = served.lock();
            state.shown_here(unix_millis(), change, incarnation, looks);
            self.waits.store(true, Ordering::Relaxed);
        }
    }

    /// When the person of an `online` room was last seen. Not to be found out is no reason not to show the rest.
    async fn last_seen(&self, room: &RoomId) -> Option<UnixMillis> {
        let Online(user) = Online::from_room_id(room)?;
        match self.store.person(&user).await {
            Ok(person) => person.last_seen,
            Err(error) => {
                tracing::warn!(%room, %error, "could not read when a person was last seen");
                None
            }
        }
    }

    /// A room's people and position for a page's first HTML.
    pub(crate) async fn first_view(&self, room: &RoomId) -> Result<FirstView, BrokerError> {
        let served = self.serve(room).await?;
        let view = served.lock().first_view();
        view.ok_or_else(|| BrokerError::Unavailable(format!("{room} is not loaded")))
    }

    /// A room's people after a place in the order in which they came, and how many there are.
    pub(crate) async fn page(
        &self,
        room: &RoomId,
        after: Option<&(UnixMillis, UserId)>,
        most: usize,
    ) -> Result<(Vec<Member>, usize), BrokerError> {
        let served = self.serve(room).await?;
        let page = served.lock().page(after, most);
        page.ok_or_else(|| BrokerError::Unavailable(format!("{room} is not loaded")))
    }

    /// Whether any session is in a room, whoever may see it.
    pub(crate) async fn is_occupied(&self, room: &RoomId) -> Result<bool, BrokerError> {
        // One that is not loaded says so here, and has none.
        self.page(room, None, 0).await?;
        Ok(self.sessions(room) > 0)
    }

    /// How many sessions are in a room that is served here.
    pub(crate) fn sessions(&self, room: &RoomId) -> usize {
        self.served(room)
            .map_or(0, |served| served.lock().sessions())
    }

    /// Shows a room to a viewer: its view now, then every frame.
    pub(crate) async fn join(
        &self,
        join: &JoinRoom,
        viewer: &Arc<dyn Viewer>,
    ) -> Result<(), BrokerError> {
        self.add(join, viewer, false).await
    }

    /// Shows a viewer what happens in a room from now on, without a view to begin with.
    pub(crate) async fn overhear(
        &self,
        room: RoomId,
        viewer: &Arc<dyn Viewer>,
    ) -> Result<(), BrokerError> {
        self.add(&JoinRoom::new(room), viewer, true).await
    }

    /// Whoever comes with a place that this node has not heard of yet is not told that there is no such place: only the
    /// broker knows that.
    async fn reach(&self, room: &RoomId, since: Position) -> Result<(), BrokerError> {
        let served = self.serve(room).await?;
        let is_ahead = {
            let state = served.lock();
            let held = state.position();
            held.is_some_and(|held| held.is_before(since))
        };
        if is_ahead && !keeper::reload(self, &served).await {
            let sentence = format!("{room} is behind the place that a client has reached");
            return Err(BrokerError::Unavailable(sentence));
        }
        Ok(())
    }

    async fn add(
        &self,
        join: &JoinRoom,
        viewer: &Arc<dyn Viewer>,
        quiet: bool,
    ) -> Result<(), BrokerError> {
        let mut watched = join.watch.clone();
        watched.truncate(JoinRoom::MAX_WATCHED);
        if let Some(since) = join.since {
            self.reach(&join.room, since).await?;
        }
        // A room may stop being served between the two lines; then it is served anew.
        while !self
            .serve(&join.room)
            .await?
            .lock()
            .join(viewer, join.since, watched.clone(), quiet)
        {}
        Ok(())
    }

    /// Compares what a viewer shows of a room with what it was sent, and mends a difference. True where there was one.
    pub(crate) fn compare(
        &self,
        room: &RoomId,
        viewer: ViewerId,
        frame: u64,
        digest: Digest,
    ) -> bool {
        let diverges = self
            .served(room)
            .is_some_and(|served| served.lock().diverges(viewer, frame, digest));
        if diverges {
            self.counters.divergences.one();
            tracing::warn!(%room, viewer = viewer.0, frame, "a client showed something else than it was sent");
        }
        diverges
    }

    /// Whether a viewer has what it is to see of a room, or does not see it any more.
    pub(crate) fn is_shown(&self, room: &RoomId, viewer: ViewerId) -> bool {
        self.served(room)
            .is_none_or(|served| !served.lock().is_behind(viewer))
    }

    /// Ends what [`Hub::join`] began.
    pub(crate) fn leave(&self, room: &RoomId, viewer: ViewerId) {
        if let Some(served) = self.served(room) {
            served.lock().leave(viewer);
            served.touch();
        }
    }

    /// How many rooms are served for somebody.
    pub(crate) fn count(&self) -> usize {
        let rooms = self.rooms();
        rooms.len() - usize::from(rooms.contains_key(&control_room()))
    }

    /// What happened here.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<ServedRoom>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self, room: &RoomId) -> Option<Arc<ServedRoom>> {
        self.rooms().get(room).cloned()
    }

    /// All rooms.
    fn all(&self) -> Vec<Arc<ServedRoom>> {
        self.rooms().values().cloned().collect()
    }

    /// The rooms of one shard.
    fn of_shard(&self, shard: usize) -> Vec<Arc<ServedRoom>> {
        self.rooms()
            .values()
            .filter(|served| self.inbox.shard_of(&served.room) == shard)
            .cloned()
            .collect()
    }

    /// Stops serving rooms that nobody has used for a while.
    async fn drop_idle(&self, shard: usize) {
        let now = Instant::now();
        for served in self.of_shard(shard) {
            if !served.is_idle(now, self.idle) {
                continue;
            }
            let _subscribing = self.subscribing.lock().await;
            let closed = {
                let mut rooms = self.rooms();
                // Asked again under the lock: `serve` may have handed the room out meanwhile.
                let closed = Arc::strong_count(&served) == 2 && served.lock().close_if_unused();
                if closed {
                    rooms.remove(&served.room);
                }
                closed
            };
            if closed && let Err(error) = self.broker.unsubscribe(&served.room).await {
                tracing::warn!(room = %served.room, %error, "could not unsubscribe");
            }
        }
    }
}

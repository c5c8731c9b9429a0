//! The link between a node and the meeting point of nodes, with faults.

use std::{
    collections::VecDeque,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::{Notify, watch};

use crate::{
    core::message::{Entry, EntryKey, NewEvent, RoomMessage, RoomSignal, RoomSnapshot, RunId},
    protocol::{Position, RoomId},
    server::{
        broker::{
            Broker, BrokerError, Head, Inbox, LinkRole, LinkState, Looks, NodeInfo, Standing,
        },
        timings::Timings,
    },
};

/// What may happen to each message on its way to a node. The default is that nothing does.
#[derive(Clone, Debug, Default)]
pub struct LinkFaults {
    /// How likely it is to be lost, from 0 to 1.
    pub drop: f64,
    /// How likely it is to come twice, from 0 to 1.
    pub duplicate: f64,
    /// How long it is on its way. Messages whose times differ overtake each other.
    pub delay: Option<Range<Duration>>,
}

/// A node's link. Cheap to clone; all clones are the same link.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    thawed: Notify,
}

struct State {
    rng: StdRng,
    faults: LinkFaults,
    cut: bool,
    frozen: bool,
    held: VecDeque<(Inbox, RoomId, RoomMessage)>,
}

impl Link {
    /// A good link, whose faults are drawn from this seed once it has any.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                rng: StdRng::seed_from_u64(seed),
                faults: LinkFaults::default(),
                cut: false,
                frozen: false,
                held: VecDeque::new(),
            }),
            thawed: Notify::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on messages fare like this.
    pub fn set_faults(&self, faults: LinkFaults) {
        self.lock().faults = faults;
    }

    /// Cuts the link: the node's commands fail, and it hears nothing.
    pub fn cut(&self) {
        self.lock().cut = true;
    }

    /// Holds everything back, in both directions, as when the node's process is stopped for a while.
    pub fn freeze(&self) {
        self.lock().frozen = true;
    }

    /// Mends the link. What was held back comes now.
    pub fn heal(&self) {
        let held = {
            let mut state = self.lock();
            state.faults = LinkFaults::default();
            state.cut = false;
            state.frozen = false;
            std::mem::take(&mut state.held)
        };
        for (inbox, room, message) in held {
            inbox.deliver_now(&room, message);
        }
        self.0.thawed.notify_waiters();
    }

    /// A message on its way to the node.
    pub(crate) fn carry(&self, inbox: &Inbox, room: &RoomId, message: RoomMessage) {
        let mut state = self.lock();
        let State { rng, faults, .. } = &mut *state;
        let lost = rng.random_bool(faults.drop);
        let copies = 1 + u32::from(rng.random_bool(faults.duplicate));
        let delays: Vec<Duration> = (0..copies)
            .map(|_| match &faults.delay {
                Some(range) => rng.random_range(range.clone()),
                None => Duration::ZERO,
            })
            .collect();
        if lost || state.cut {
            return;
        }
        if state.frozen {
            let held = (inbox.clone(), room.clone(), message);
            state.held.push_back(held);
            return;
        }
        drop(state);
        for delay in delays {
            if delay.is_zero() {
                inbox.deliver_now(room, message.clone());
                continue;
            }
            let (inbox, room, message) = (inbox.clone(), room.clone(), message.clone());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                inbox.deliver_now(&room, message);
            });
        }
    }

    /// Waits while the link is frozen; an error where it is cut.
    async fn pass(&self) -> Result<(), BrokerError> {
        loop {
            // Before the look, so that a thaw in between is not missed.
            let thawed = self.0.thawed.notified();
            let (cut, frozen) = {
                let state = self.lock();
                (state.cut, state.frozen)
            };
            match (cut, frozen) {
                (true, _) => return Err(BrokerError::Unavailable("the link is cut".into())),
                (false, true) => thawed.await,
                (false, false) => return Ok(()),
            }
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// A broker behind a link.
pub(crate) struct Linked {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn Broker>,
}

#[async_trait]
impl Broker for Linked {
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError> {
        self.link.pass().await?;
        self.inner.append(room, event).await
    }

    async fn signal(&self, room: &RoomId, signal: RoomSignal) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.signal(room, signal).await
    }

    async fn enter(&self, room: &RoomId, entry: Entry) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.enter(room, entry).await
    }

    async fn exit(
        &self,
        room: &RoomId,
        key: &EntryKey,
        incarnation: u64,
    ) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.exit(room, key, incarnation).await
    }

    async fn clear(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.clear(room).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, BrokerError> {
        self.link.pass().await?;
        self.inner.heads(rooms).await
    }

    async fn snapshot(&self, room: &RoomId) -> Result<RoomSnapshot, BrokerError> {
        self.link.pass().await?;
        self.inner.snapshot(room).await
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.subscribe(room).await
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.unsubscribe(room).await
    }

    async fn renew(
        &self,
        room: &RoomId,
        seen: Position,
        keep: Vec<u64>,
    ) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.renew(room, seen, keep).await
    }

    async fn bury(&self, room: &RoomId, runs: Vec<RunId>) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.bury(room, runs).await
    }

    async fn leave(&self, within: Duration) {
        if self.link.pass().await.is_ok() {
            self.inner.leave(within).await;
        }
    }

    fn nodes(&self) -> Vec<NodeInfo> {
        self.inner.nodes()
    }

    fn round_trips(&self) -> Option<&Timings> {
        self.inner.round_trips()
    }

    fn has_links(&self) -> bool {
        self.inner.has_links()
    }

    async fn ping(&self, link: LinkRole) -> Result<(), BrokerError> {
        self.link.pass().await?;
        self.inner.ping(link).await
    }

    async fn info(&self) -> Result<Vec<(Option<String>, String)>, BrokerError> {
        self.link.pass().await?;
        self.inner.info().await
    }

    fn hurry(&self) {
        self.inner.hurry();
    }

    fn is_hurried(&self) -> bool {
        self.inner.is_hurried()
    }

    fn successor(&self, run: RunId) -> RunId {
        self.inner.successor(run)
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn looks(&self) -> Looks {
        self.inner.looks()
    }

    fn standing(&self, run: RunId) -> Standing {
        self.inner.standing(run)
    }

    fn link(&self) -> watch::Receiver<LinkState> {
        self.inner.link()
    }

    fn maintain(&self) {
        self.inner.maintain();
    }
}

//! Where instances meet: each room's order is made here, and nowhere else.
//!
//! A broker appends, numbers and publishes in one step, and delivers to every node that subscribed to the room. What it
//! delivers may be lost; the numbers make a loss visible, and [`Broker::snapshot`] mends it.

mod memory;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(test)]
mod suite;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
pub use memory::MemoryBroker;
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    core::message::{Entry, EntryKey, NewEvent, RoomMessage, RoomSignal, RoomSnapshot, RunId},
    protocol::{Position, RoomId},
    server::{hashed::HashSet, timings::Timings},
};

/// How long a room remembers the id of an event at least, unless [`MAX_REMEMBERED`] newer ones have come.
pub const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// The most ids of events that a room remembers.
pub const MAX_REMEMBERED: usize = 10_000;

/// Every room is compared with the broker once in so many seconds. What it lacks must be lacking twice: in 8 s at most.
pub(crate) const COMPARE_EVERY: u64 = 4;

/// A number that spreads rooms over these seconds.
pub(crate) fn slot(room: &RoomId) -> u64 {
    room.as_str().bytes().fold(0, |sum: u64, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    })
}

/// Why a broker could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The meeting point is away.
    #[error("the broker cannot be reached: {0}")]
    Unavailable(String),
}

/// Where a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place after its last event.
    pub position: Position,
    /// The number of its last presence change.
    pub version: u64,
}

impl Head {
    /// Whether everything up to `other` lies before this.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.position.epoch == other.position.epoch
            && self.position.seq >= other.position.seq
            && self.version >= other.version
    }

    /// Whether something that lies before `other`, of the same life of the room, does not lie before this.
    #[must_use]
    pub fn is_behind(self, other: Self) -> bool {
        self.position.epoch == other.position.epoch && !self.has(other)
    }
}

/// The link between a node and the meeting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Whether the meeting point can be reached.
    pub up: bool,
    /// How often it could be reached again: what happened meanwhile may have been missed.
    pub returns: u64,
}

/// One of a node's links to the meeting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRole {
    /// Over which the node tells something.
    Publish,
    /// Over which it is told.
    Subscribe,
}

/// An instance, as the others know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeInfo {
    /// One life of it: new with each start.
    pub run: RunId,
    /// What it is called, by its platform or machine.
    pub name: String,
    /// Whether it is about to end, in good order.
    pub leaving: bool,
}

/// How far a node has come in saying which sessions it has, as one observer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is dead, or has not been heard of for too long.
    Gone,
    /// Nothing has been heard of it, or not for a moment.
    Unknown,
    /// It lives.
    Here {
        /// Random, new whenever it says everything from the beginning.
        generation: u64,
        /// How often it has compared all its rooms since; 0 while it has not said everything yet.
        pass: u64,
    },
}

/// How many times a node counts a look at all its rooms until one is sure to have begun after it was seen where it was:
/// what it counts is heard a moment later, and the look that was under way may have passed the room already.
const PASSES: u64 = 3;

impl Standing {
    /// Whether a node that stood there `before` has looked at all its rooms meanwhile.
    #[must_use]
    pub fn has_spoken_since(self, before: Self) -> bool {
        match (before, self) {
            (_, Self::Gone) => true,
            (_, Self::Unknown) => false,
            (
                Self::Here {
                    generation: old,
                    pass: then,
                },
                Self::Here { generation, pass },
            ) if old == generation => pass >= then + PASSES,
            // It began after that.
            (_, Self::Here { pass, .. }) => pass > 0,
        }
    }
}

/// The looks at where nodes stand: they are counted when they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// How many have begun.
    pub begun: u64,
    /// The last one that was answered.
    pub answered: u64,
}

/// The meeting point of instances, as one instance sees it.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Appends an event: numbers, retains and publishes it. Returns the place after it. An event whose id the room
    /// remembers is not appended again, and its place is returned. A room remembers ids for as long as its events, and within [`REMEMBERED`].
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError>;

    /// Publishes what is neither numbered nor kept.
    async fn signal(&self, room: &RoomId, signal: RoomSignal) -> Result<(), BrokerError>;

    /// Adds a session's entry, or replaces it: `since` is kept from the one before. An entry with a lower incarnation
    /// than the stored one changes nothing.
    async fn enter(&self, room: &RoomId, entry: Entry) -> Result<(), BrokerError>;

    /// Removes a session's entry, unless a later incarnation has entered since.
    async fn exit(
        &self,
        room: &RoomId,
        key: &EntryKey,
        incarnation: u64,
    ) -> Result<(), BrokerError>;

    /// Forgets a room's log and everyone in it: what comes after it belongs to a new epoch.
    async fn clear(&self, room: &RoomId) -> Result<(), BrokerError>;

    /// Where rooms stand, in the same order.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, BrokerError>;

    /// Reads a room in one step.
    async fn snapshot(&self, room: &RoomId) -> Result<RoomSnapshot, BrokerError>;

    /// From now on the room's messages are delivered to this node.
    async fn subscribe(&self, room: &RoomId) -> Result<(), BrokerError>;

    /// They no longer are.
    async fn unsubscribe(&self, room: &RoomId) -> Result<(), BrokerError>;

    /// Drops what has outlived its retention. Called every second or so.
    fn maintain(&self);

    /// The broker has lost something of a room that was seen before it was read with its order at `seen`: its order
    /// begins anew, with the events of these numbers and those that came since, and nobody in it. Nothing happens where
    /// it has begun anew already.
    async fn renew(
        &self,
        _room: &RoomId,
        _seen: Position,
        _keep: Vec<u64>,
    ) -> Result<(), BrokerError> {
        Ok(())
    }

    /// The run that speaks for the sessions of a run: another one where others took this node for dead, and it goes on
    /// under another name. For whom nobody has spoken yet, as [`RunId::default`] says, this node does.
    fn successor(&self, run: RunId) -> RunId {
        run
    }

    /// How far a node has come in saying which sessions it has, by the last look that was answered.
    fn standing(&self, _run: RunId) -> Standing {
        Standing::Gone
    }

    /// Another one whenever the meeting point is found to have forgotten what it knew of this node: then it may have
    /// forgotten anything, and what it does not know of others says nothing until they have spoken.
    fn generation(&self) -> u64 {
        0
    }

    /// How often was looked where nodes stand.
    fn looks(&self) -> Looks {
        Looks {
            begun: 0,
            answered: u64::MAX,
        }
    }

    /// Somebody waits for what nodes have to say: for some seconds this one looks at all its rooms, and says so, more
    /// often.
    fn hurry(&self) {}

    /// Whether it looks more often now.
    fn is_hurried(&self) -> bool {
        false
    }

    /// These nodes speak for somebody in a room. Those that are dead leave it.
    async fn bury(&self, _room: &RoomId, _runs: Vec<RunId>) -> Result<(), BrokerError> {
        Ok(())
    }

    /// This node leaves in good order: its sessions may take so long to come back elsewhere, and nobody sees them go
    /// before.
    async fn leave(&self, _within: Duration) {}

    /// The instances that are known to live, this one first.
    fn nodes(&self) -> Vec<NodeInfo> {
        Vec::new()
    }

    /// How long the meeting point takes to answer, where it is another process.
    fn round_trips(&self) -> Option<&Timings> {
        None
    }

    /// Whether it has links to a meeting point at all.
    fn has_links(&self) -> bool {
        false
    }

    /// Waits until a link has carried a question and its answer.
    async fn ping(&self, _link: LinkRole) -> Result<(), BrokerError> {
        Ok(())
    }

    /// What the meeting point's servers say of themselves, each with its address where there are several.
    async fn info(&self) -> Result<Vec<(Option<String>, String)>, BrokerError> {
        Ok(Vec::new())
    }

    /// The link to the meeting point, now and from now on.
    fn link(&self) -> watch::Receiver<LinkState> {
        let up = LinkState {
            up: true,
            returns: 0,
        };
        watch::channel(up).1
    }
}

/// A node's end of the broker: bounded, and never waited for. What does not fit is lost and noted, for the hub to
/// look again.
#[derive(Clone, Debug)]
pub struct Inbox {
    shards: Arc<[Shard]>,
    retold: Arc<Retold>,
    /// What messages pass on their way here, in tests.
    #[cfg(feature = "testing")]
    link: Option<crate::testing::Link>,
}

/// The rooms that have forgotten this node's sessions. There are no more than it has rooms.
#[derive(Debug, Default)]
struct Retold {
    rooms: Mutex<HashSet<RoomId>>,
    added: Notify,
    busy: AtomicBool,
    done: Notify,
}

#[derive(Debug)]
struct Shard {
    sender: mpsc::Sender<(RoomId, RoomMessage)>,
    lost: AtomicBool,
}

/// A shard's messages, in order.
pub(crate) type InboxReceiver = mpsc::Receiver<(RoomId, RoomMessage)>;

impl Inbox {
    pub(crate) fn new(shards: usize, capacity: usize) -> (Self, Vec<InboxReceiver>) {
        let (shards, receivers): (Vec<_>, Vec<_>) = (0..shards.max(1))
            .map(|_| {
                let (sender, receiver) = mpsc::channel(capacity);
                (
                    Shard {
                        sender,
                        lost: AtomicBool::new(false),
                    },
                    receiver,
                )
            })
            .unzip();
        (
            Self {
                shards: shards.into(),
                retold: Arc::default(),
                #[cfg(feature = "testing")]
                link: None,
            },
            receivers,
        )
    }

    /// Whether both are the inbox of the same node.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shards, &other.shards)
    }

    /// Everything comes through this link.
    #[cfg(feature = "testing")]
    pub(crate) fn behind(self, link: crate::testing::Link) -> Self {
        Self {
            link: Some(link),
            ..self
        }
    }

    /// A room has forgotten who of this node is in it: it is to be told again.
    pub fn retell(&self, room: RoomId) {
        let mut rooms = self
            .retold
            .rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rooms.insert(room);
        self.retold.added.notify_one();
    }

    /// Waits for rooms that are to be told again.
    pub(crate) async fn to_retell(&self) -> HashSet<RoomId> {
        loop {
            {
                let mut rooms = self
                    .retold
                    .rooms
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if !rooms.is_empty() {
                    self.retold.busy.store(true, Ordering::Release);
                    return std::mem::take(&mut rooms);
                }
            }
            self.retold.added.notified().await;
        }
    }

    /// The rooms that were to be told again have been.
    pub(crate) fn retold(&self) {
        self.retold.busy.store(false, Ordering::Release);
        self.retold.done.notify_one();
    }

    /// Waits until rooms that were to be told again have been.
    #[cfg(feature = "redis")]
    pub(crate) async fn until_retold(&self) {
        self.retold.done.notified().await;
    }

    /// Whether rooms are to be told again, or are being told.
    #[cfg(feature = "redis")]
    pub(crate) fn is_retelling(&self) -> bool {
        let rooms = self
            .retold
            .rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        !rooms.is_empty() || self.retold.busy.load(Ordering::Acquire)
    }

    /// Hands a room's message over.
    pub fn deliver(&self, room: &RoomId, message: RoomMessage) {
        #[cfg(feature = "testing")]
        if let Some(link) = &self.link {
            link.carry(self, room, message);
            return;
        }
        self.deliver_now(room, message);
    }

    pub(crate) fn deliver_now(&self, room: &RoomId, message: RoomMessage) {
        let shard = &self.shards[self.shard_of(room)];
        if shard.sender.try_send((room.clone(), message)).is_err() {
            shard.lost.store(true, Ordering::Release);
        }
    }

    /// The shard that owns a room.
    pub(crate) fn shard_of(&self, room: &RoomId) -> usize {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        (hasher.finish() % self.shards.len() as u64) as usize
    }

    /// Whether messages of this shard were lost since the last question.
    pub(crate) fn take_lost(&self, shard: usize) -> bool {
        self.shards[shard].lost.swap(false, Ordering::AcqRel)
    }
}

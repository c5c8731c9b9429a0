//! One served room: its replica, and its viewers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::value::to_raw_value;
use tokio::{sync::OnceCell, time::Instant};

use super::viewer::{Viewer, ViewerId};
use crate::{
    core::{
        log::Retention,
        message::{RoomMessage, RoomSnapshot},
        replica::{Applied, Replica},
    },
    protocol::{FirstView, Position, RoomId},
    server::clock::unix_millis,
};

/// How many messages wait while a snapshot is read. More, and it is read again.
const MAX_BUFFERED: usize = 4_096;

pub(crate) struct ServedRoom {
    pub(super) room: RoomId,
    /// Set once the first snapshot has been read.
    pub(super) loaded: OnceCell<()>,
    state: Mutex<RoomState>,
    used: Mutex<Instant>,
}

/// What a room's lock protects.
pub(super) struct RoomState {
    room: RoomId,
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
}

struct Subscriber {
    viewer: Arc<dyn Viewer>,
    /// Set where frames were lost to a full buffer: the last position before them, if the client named or has one.
    behind: Option<Option<Position>>,
}

impl ServedRoom {
    pub(super) fn new(room: RoomId) -> Self {
        let state = RoomState {
            room: room.clone(),
            replica: None,
            loading: true,
            buffer: Vec::new(),
            lost: false,
            subscribers: HashMap::new(),
            closed: false,
            scheduled: false,
        };
        Self {
            room,
            loaded: OnceCell::new(),
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
    /// Takes over a snapshot, then what came while it was read.
    pub(super) fn load(&mut self, snapshot: RoomSnapshot, now: u64) {
        let before = self.replica.as_ref().map(Replica::position);
        let continues = match &mut self.replica {
            None => {
                self.replica = Some(Replica::new(self.room.clone(), snapshot));
                true
            }
            Some(replica) => replica.reload(snapshot),
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
                replica.take_frame();
            }
            for subscriber in self.subscribers.values_mut() {
                subscriber.behind.get_or_insert(before);
            }
            self.catch_up();
        }
    }

    pub(super) fn apply(&mut self, message: &RoomMessage, now: u64) -> Applied {
        match &mut self.replica {
            Some(replica) if !self.loading => replica.apply(message, now),
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

    /// False where the room is not served any more.
    pub(super) fn join(&mut self, viewer: &Arc<dyn Viewer>, since: Option<Position>) -> bool {
        if self.closed {
            return false;
        }
        self.flush();
        let Some(replica) = &self.replica else {
            return false;
        };
        let view = to_raw_value(&replica.joined(since)).expect("frames are plain data");
        let behind = viewer.send("joined", &view).is_err().then_some(since);
        self.subscribers.insert(
            viewer.id(),
            Subscriber {
                viewer: viewer.clone(),
                behind,
            },
        );
        true
    }

    pub(super) fn leave(&mut self, viewer: ViewerId) {
        self.subscribers.remove(&viewer);
    }

    /// Sends what changed as one frame, written once for everyone.
    pub(super) fn flush(&mut self) {
        let Some(replica) = &mut self.replica else {
            return;
        };
        let Some(frame) = replica.take_frame() else {
            return;
        };
        let first = frame
            .events
            .first()
            .map_or(replica.position().seq, |event| event.seq - 1);
        let before = Position {
            epoch: replica.position().epoch,
            seq: first,
        };
        let frame = to_raw_value(&frame).expect("frames are plain data");
        for subscriber in self.subscribers.values_mut() {
            if subscriber.behind.is_none() && subscriber.viewer.send("room", &frame).is_err() {
                subscriber.behind = Some(Some(before));
            }
        }
    }

    /// Shows the room anew to those whose buffers were full and have room again.
    fn catch_up(&mut self) {
        let Some(replica) = &self.replica else { return };
        for subscriber in self.subscribers.values_mut() {
            // Asked first, because writing a view for someone who does not read costs everyone else.
            if let Some(since) = subscriber.behind
                && subscriber.viewer.has_room()
            {
                let view = to_raw_value(&replica.joined(since)).expect("frames are plain data");
                if subscriber.viewer.send("joined", &view).is_ok() {
                    subscriber.behind = None;
                }
            }
        }
    }

    /// Once a second or so: typing lines end, old events go, slow readers are helped.
    pub(super) fn tick(&mut self, retention: Retention, now: u64) {
        let ended = self
            .replica
            .as_mut()
            .is_some_and(|replica| replica.expire(retention, now, unix_millis()));
        if ended || !self.scheduled {
            self.flush();
        }
        if self
            .subscribers
            .values()
            .any(|subscriber| subscriber.behind.is_some())
        {
            self.flush();
            self.catch_up();
        }
    }

    /// Whether messages were lost since the last question, other than those that a snapshot brought back.
    pub(super) fn take_lost(&mut self) -> bool {
        !self.loading && std::mem::take(&mut self.lost)
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

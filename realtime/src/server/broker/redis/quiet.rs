//! After a room has become quiet its last publisher tells once more where it stands: whoever has lost the last message
//! notices it within a second or two, and need not wait until rooms are compared.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{node::Node, script};
use crate::{protocol::RoomId, server::hashed::HashSet};

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

#[derive(Debug, Default)]
struct Inner {
    due: VecDeque<(Instant, RoomId)>,
    waiting: HashSet<RoomId>,
    /// Those in which was published again while they waited.
    again: HashSet<RoomId>,
}

impl Quiet {
    /// Something was published in a room.
    pub(super) fn touched(&self, room: &RoomId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.waiting.contains(room) {
            inner.again.insert(room.clone());
        } else if inner.waiting.len() < MAX_WAITING {
            inner.waiting.insert(room.clone());
            inner.due.push_back((Instant::now() + QUIET, room.clone()));
            self.added.notify_one();
        }
    }

    fn next(&self) -> Option<Instant> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.due.front().map(|(at, _)| *at)
    }

    /// The rooms that have been quiet by now.
    fn take(&self, now: Instant) -> Vec<RoomId> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut quiet = Vec::new();
        while inner.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, room)) = inner.due.pop_front() else {
                break;
            };
            if inner.again.remove(&room) {
                inner.due.push_back((now + QUIET, room));
            } else {
                inner.waiting.remove(&room);
                quiet.push(room);
            }
        }
        quiet
    }
}

/// Tells rooms again until the token is cancelled.
pub(super) async fn run(node: std::sync::Arc<Node>, stop: CancellationToken) {
    loop {
        let added = node.quiet.added.notified();
        let due = node.quiet.next();
        tokio::select! {
            () = stop.cancelled() => return,
            () = added, if due.is_none() => continue,
            () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {}
        }
        let told = node.quiet.take(Instant::now()).into_iter().map(|room| {
            let node = node.clone();
            async move {
                // Who misses it is compared later.
                let _ = node.ask_room(&script::REPEAT, &room, &[]).await;
            }
        });
        futures::future::join_all(told).await;
    }
}

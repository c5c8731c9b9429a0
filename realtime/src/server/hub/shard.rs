//! A shard of the hub: the task that takes its rooms' messages and decides when a frame is due.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Hub, room::ServedRoom};
use crate::{
    core::{message::RoomMessage, replica::Applied},
    protocol::RoomId,
    server::broker::InboxReceiver,
};

/// The most messages between two looks at what is due.
const BATCH: usize = 512;

/// How often typing lines, old events, slow readers and idle rooms are looked after.
const TICK: Duration = Duration::from_secs(1);

/// Every room is compared with the broker once in so many ticks. What it lacks must be lacking twice: in 8 s at most.
const COMPARE_EVERY: u64 = 4;

/// How long a presence-only wait lasts when nothing is due.
const FAR: Duration = Duration::from_secs(3_600);

pub(super) async fn run(
    hub: Arc<Hub>,
    index: usize,
    mut messages: InboxReceiver,
    stop: CancellationToken,
) {
    let mut batch: Vec<(RoomId, RoomMessage)> = Vec::with_capacity(BATCH);
    // Windows are all equally long, so the first to be scheduled is the first to be due.
    let mut windows: VecDeque<(Instant, Arc<ServedRoom>)> = VecDeque::new();
    let mut tick = interval(TICK);
    let mut ticks: u64 = 0;
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = windows
            .front()
            .map_or_else(|| Instant::now() + FAR, |(due, _)| *due);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(due) => {
                if let Some((_, served)) = windows.pop_front() {
                    let mut state = served.lock();
                    state.scheduled = false;
                    state.flush();
                }
            }
            _ = tick.tick() => {
                let lost = hub.inbox.take_lost(index);
                for served in hub.of_shard(index) {
                    let lost = {
                        let mut state = served.lock();
                        state.tick(hub.clock.millis());
                        state.take_lost() || lost
                    };
                    if lost {
                        reload(&hub, &served).await;
                    }
                }
                hub.drop_idle(index).await;
                ticks += 1;
                compare(&hub, index, ticks).await;
                if index == 0 {
                    hub.broker.maintain();
                }
            }
            count = messages.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                take(&hub, &mut batch, &mut windows).await;
            }
        }
    }
}

/// Applies a batch, then sends each room that has something urgent one frame.
async fn take(
    hub: &Arc<Hub>,
    batch: &mut Vec<(RoomId, RoomMessage)>,
    windows: &mut VecDeque<(Instant, Arc<ServedRoom>)>,
) {
    let mut urgent: HashSet<RoomId> = HashSet::new();
    for (room, message) in batch.drain(..) {
        let Some(served) = hub.served(&room) else {
            continue;
        };
        if let RoomMessage::Signal(signal) = &message {
            served.lock().signal(signal);
        }
        let applied = served.lock().apply(&message, hub.clock.millis());
        match applied {
            Applied::Nothing => {}
            Applied::Urgent => {
                urgent.insert(room);
            }
            Applied::Presence => {
                let scheduled = std::mem::replace(&mut served.lock().scheduled, true);
                if !scheduled {
                    windows.push_back((Instant::now() + hub.window, served));
                }
            }
            Applied::Gap => {
                reload(hub, &served).await;
            }
        }
    }
    for room in urgent {
        if let Some(served) = hub.served(&room) {
            served.lock().flush();
        }
    }
}

/// Compares some of the rooms with the broker, so that the loss of a room's last message is noticed too.
async fn compare(hub: &Arc<Hub>, index: usize, ticks: u64) {
    let due = |served: &Arc<ServedRoom>| served.slot % COMPARE_EVERY == ticks % COMPARE_EVERY;
    let served: Vec<_> = hub.of_shard(index).into_iter().filter(due).collect();
    if served.is_empty() {
        return;
    }
    let rooms: Vec<RoomId> = served.iter().map(|served| served.room.clone()).collect();
    let heads = match hub.broker.heads(&rooms).await {
        Ok(heads) => heads,
        Err(error) => {
            tracing::warn!(%error, "could not compare rooms with the broker");
            return;
        }
    };
    for (served, head) in served.iter().zip(heads) {
        let lost = served.lock().lacks(head.position, head.version);
        if lost {
            hub.stats.losses.fetch_add(1, Ordering::Relaxed);
            reload(hub, served).await;
        }
    }
}

/// Reads a room again after messages were lost. Until a later try succeeds, its view stays as it is.
///
/// False where it was not read: because it is being read already, or could not be.
pub(super) async fn reload(hub: &Hub, served: &ServedRoom) -> bool {
    if std::mem::replace(&mut served.lock().loading, true) {
        return false;
    }
    match hub.broker.snapshot(&served.room).await {
        Ok(snapshot) => {
            tracing::debug!(room = %served.room, "read a room again after a gap");
            served.lock().load(snapshot, hub.clock.millis());
            true
        }
        Err(error) => {
            tracing::warn!(room = %served.room, %error, "could not read a room again; trying in a second");
            served.lock().not_loaded();
            false
        }
    }
}

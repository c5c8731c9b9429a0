//! A shard of the hub: the task that takes its rooms' messages and decides when a frame is due.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Hub, keeper, room::ServedRoom};
use crate::{
    core::{message::RoomMessage, replica::Applied},
    protocol::RoomId,
    server::{broker::InboxReceiver, hashed::HashSet},
};

/// The most messages between two looks at what is due.
const BATCH: usize = 512;

/// How often typing lines, old events, slow readers and idle rooms are looked after.
const TICK: Duration = Duration::from_secs(1);

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
                        keeper::read_again(&hub, served);
                    }
                }
                hub.drop_idle(index).await;
            }
            count = messages.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                take(&hub, &mut batch, &mut windows);
            }
        }
    }
}

/// Applies a batch, then sends each room that has something urgent one frame.
fn take(
    hub: &Arc<Hub>,
    batch: &mut Vec<(RoomId, RoomMessage)>,
    windows: &mut VecDeque<(Instant, Arc<ServedRoom>)>,
) {
    let mut urgent: HashSet<RoomId> = HashSet::default();
    for (room, message) in batch.drain(..) {
        let Some(served) = hub.served(&room) else {
            continue;
        };
        if let RoomMessage::Signal(signal) = &message {
            served.lock().signal(signal);
        }
        match &message {
            RoomMessage::Event { .. } => served.counters.events_in.one(),
            RoomMessage::Signal(_) => served.counters.signals_in.one(),
            _ => served.counters.presence_in.one(),
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
                hub.counters.gaps.one();
                keeper::read_again(hub, served);
            }
        }
    }
    for room in urgent {
        if let Some(served) = hub.served(&room) {
            served.lock().flush();
        }
    }
}

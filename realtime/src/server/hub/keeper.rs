//! The task that keeps rooms in step with the broker: compares them, reads them again, and lets go of whom nobody speaks
//! for any more.

use std::sync::{Arc, atomic::Ordering};

use tokio::time::{Duration, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Hub, room::ServedRoom};
use crate::{
    core::message::RunId,
    protocol::{RoomId, reserved::control_room},
    server::{
        broker::{BrokerError, COMPARE_EVERY, Standing},
        clock::unix_millis,
    },
};

/// How often some of the rooms are compared.
const TICK: Duration = Duration::from_secs(1);

/// How often this node's own rooms are compared while somebody waits for that.
const HURRY: Duration = Duration::from_millis(250);

/// How often it is looked whether those have spoken for whom rooms wait.
const LOOK: Duration = Duration::from_millis(200);

/// The most rooms that are compared in one question.
const COMPARED_AT_ONCE: usize = 1_000;

/// How often a room whose order is found broken is begun anew and read again.
const RENEWALS: u32 = 5;

pub(super) async fn run(hub: Arc<Hub>, stop: CancellationToken) {
    let mut link = hub.broker.link();
    let mut returns = link.borrow_and_update().returns;
    let mut tick = interval(TICK);
    let mut look = interval(LOOK);
    let mut hurry = interval(HURRY);
    let mut ticks: u64 = 0;
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    hurry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Ok(()) = link.changed() => {
                let state = *link.borrow_and_update();
                if state.up && state.returns != returns {
                    returns = state.returns;
                    compare(&hub, hub.all(), true).await;
                }
            }
            _ = tick.tick() => {
                hub.broker.maintain();
                ticks += 1;
                // The control room each time: what is said there is to hold within a second or two.
                let control = control_room();
                let due = |served: &Arc<ServedRoom>| {
                    served.slot % COMPARE_EVERY == ticks % COMPARE_EVERY || served.room == control
                };
                let due: Vec<_> = hub.all().into_iter().filter(due).collect();
                bury(&hub, &due).await;
                compare(&hub, due, false).await;
            }
            _ = hurry.tick() => if hub.broker.is_hurried() {
                compare(&hub, Vec::new(), false).await;
            },
            _ = look.tick() => if hub.waits.swap(false, Ordering::Relaxed) {
                let looks = hub.broker.looks();
                for served in hub.all() {
                    let mut state = served.lock();
                    state.release(unix_millis(), looks, |run| standing(&hub, run));
                    hub.waits.fetch_or(state.waits(), Ordering::Relaxed);
                }
            },
        }
    }
}

/// How far whoever speaks for the sessions of a run has come in saying which there are.
fn standing(hub: &Hub, run: RunId) -> Standing {
    hub.broker.standing(hub.broker.successor(run))
}

/// Compares rooms with the broker, so that the loss of a room's last message is noticed too. What a room lacks may be
/// on its way still: unless it is `certain` that it is not, it must lack it twice.
async fn compare(hub: &Arc<Hub>, served: Vec<Arc<ServedRoom>>, certain: bool) {
    // Asked even where there is nothing to compare: the broker compares what this node has in other rooms.
    let chunks = served.chunks(COMPARED_AT_ONCE).map(<[_]>::to_vec);
    let chunks: Vec<_> = match served.is_empty() {
        true => vec![Vec::new()],
        false => chunks.collect(),
    };
    for chunk in chunks {
        let rooms: Vec<RoomId> = chunk.iter().map(|served| served.room.clone()).collect();
        // What is known before asking the broker must know too.
        let known: Vec<_> = chunk.iter().map(|served| served.lock().place()).collect();
        let heads = match hub.broker.heads(&rooms).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::debug!(%error, "could not compare rooms with the broker");
                return;
            }
        };
        for ((served, known), head) in chunk.into_iter().zip(known).zip(heads) {
            let lost = {
                let mut state = served.lock();
                let is_behind = known.is_some_and(|known| head.is_behind(known));
                // Asked in any case: it remembers the answer.
                state.lacks(head, certain) || is_behind
            };
            if lost {
                if !certain {
                    hub.counters.losses.one();
                }
                read_again(hub, served);
            }
        }
    }
}

/// Takes those out of rooms for whom a dead node spoke that left nothing else behind.
async fn bury(hub: &Arc<Hub>, served: &[Arc<ServedRoom>]) {
    for served in served {
        let runs = served.lock().runs();
        // Nobody speaks yet for who has come here while the broker could not be told.
        let gone =
            |run: &RunId| *run != RunId::default() && hub.broker.standing(*run) == Standing::Gone;
        let gone: Vec<_> = runs.into_iter().filter(gone).collect();
        if !gone.is_empty()
            && let Err(error) = hub.broker.bury(&served.room, gone).await
        {
            tracing::debug!(room = %served.room, %error, "the dead stay a while");
        }
    }
}

/// Reads a room again after messages were lost, beside everything else.
pub(super) fn read_again(hub: &Arc<Hub>, served: Arc<ServedRoom>) {
    if !served.lock().begin_loading() {
        return;
    }
    let task = hub.clone();
    hub.tasks.spawn(async move {
        read(&task, &served).await;
    });
}

/// Reads a room again now. False where it was not read: because it is being read already, or could not be.
pub(super) async fn reload(hub: &Hub, served: &ServedRoom) -> bool {
    let begun = served.lock().begin_loading();
    begun && read(hub, served).await
}

/// Until a later try succeeds, a room's view stays as it is.
async fn read(hub: &Hub, served: &ServedRoom) -> bool {
    let read = async {
        let _permit = hub.reloads.acquire().await;
        settle(hub, served).await
    };
    match read.await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(room = %served.room, %error, "could not read a room again; trying in a second");
            served.lock().not_loaded();
            false
        }
    }
}

/// Reads a room until what the broker has and what was seen here do not contradict each other.
async fn settle(hub: &Hub, served: &ServedRoom) -> Result<(), BrokerError> {
    for _ in 0..RENEWALS {
        // Asked first: what is read after it may be older than what was read before it.
        let generation = hub.broker.generation();
        let snapshot = hub.broker.snapshot(&served.room).await?;
        let position = snapshot.position;
        let conflict = {
            let mut state = served.lock();
            let conflict = state.conflict(&snapshot);
            if conflict.is_none() {
                tracing::debug!(room = %served.room, "read a room again after a gap");
                let may_forget = state.begin_reading_in(generation);
                let stays = |run| may_forget || hub.broker.successor(run) != run;
                state.load(snapshot, hub.clock.millis(), stays);
                state.hold(hub.broker.looks());
                if state.waits() {
                    hub.waits.store(true, Ordering::Relaxed);
                    hub.broker.hurry();
                }
            }
            conflict
        };
        let Some(keep) = conflict else {
            return Ok(());
        };
        tracing::warn!(room = %served.room, ?position, "the broker has lost something of a room: it begins anew");
        hub.broker.renew(&served.room, position, keep).await?;
    }
    let sentence = format!("{} contradicts itself", served.room);
    Err(BrokerError::Unavailable(sentence))
}

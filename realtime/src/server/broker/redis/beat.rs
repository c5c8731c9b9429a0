//! The beat: this node lives, and hears who else does; and the sweep, by which those leave whose node is dead.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};

use super::{
    format,
    node::{DEAD, Links, Node},
    script, supervisor,
};
use crate::{
    core::{liveness::Record, message::RunId},
    protocol::RoomId,
    server::{broker::BrokerError, tasks::TaskTracker},
};

/// How many rooms are purged at the same time.
const ROOMS_AT_ONCE: usize = 16;

/// How many times a node may find that it has to begin anew before a beat counts.
const TRIES: u32 = 4;

/// How long a node that has said that it lives takes to be in step, at most, where nothing is wrong any more.
const SOON: Duration = Duration::from_secs(10);

/// What Redis answered to a beat.
enum Answer {
    Swept,
    Gone,
    Beat {
        counter: u64,
        records: Vec<Record>,
        unswept: Vec<RunId>,
    },
}

/// One beat, and what follows from its answer.
pub(super) async fn beat(
    node: &Arc<Node>,
    links: &Links,
    tasks: &TaskTracker,
) -> Result<(), BrokerError> {
    for _ in 0..TRIES {
        let (record, registered) = {
            let mut life = node.life();
            // All rooms know who is here as soon as there is nothing left to tell.
            if life.registered && life.record.pass == 0 && !node.inbox.is_retelling() {
                life.record.pass = 1;
            }
            (life.record.clone(), life.registered)
        };
        let number = node.beats_begun.fetch_add(1, Ordering::AcqRel) + 1;
        match ask(node, links, &record, registered).await? {
            Answer::Swept => node.was_swept(record.run),
            Answer::Gone => {
                tracing::warn!("Redis has lost this instance: it tells again who is here");
                node.life().was_forgotten();
                node.retell_everything();
            }
            Answer::Beat {
                counter,
                records,
                unswept,
            } => {
                node.life().was_told(&record, counter);
                if !registered {
                    let task = node.clone();
                    tasks.spawn(async move { tidy_index(&task, record.run).await });
                }
                let dead = node.liveness().observe(node.clock.millis(), records);
                node.beats_answered.fetch_max(number, Ordering::AcqRel);
                for record in dead {
                    if record.run != node.run() {
                        let task = node.clone();
                        tasks.spawn(async move { take_for_dead(&task, record).await });
                    }
                }
                if is_first(node) {
                    for run in unswept {
                        let task = node.clone();
                        tasks.spawn(async move { sweep(&task, run).await });
                    }
                }
                return Ok(());
            }
        }
    }
    Err(BrokerError::Unavailable(
        "Redis forgets this instance again and again".to_owned(),
    ))
}

async fn ask(
    node: &Node,
    links: &Links,
    record: &Record,
    registered: bool,
) -> Result<Answer, BrokerError> {
    let (run, counter) = (record.run.to_string(), record.counter.to_string());
    let text = format::record(record);
    let how = if registered { "beat" } else { "register" };
    let args = [&run, &counter, &text, how].map(str::as_bytes);
    let answer = node
        .ask_through(links, &script::BEAT, &node.keys.beat(), &args)
        .await?;
    if let Some(word) = format::text(answer.clone()) {
        return Ok(if word == "swept" {
            Answer::Swept
        } else {
            Answer::Gone
        });
    }
    let mut parts = format::list(answer).unwrap_or_default().into_iter();
    let mut next = || parts.next().unwrap_or(redis::Value::Nil);
    let counter = format::text(next()).and_then(|text| text.parse().ok());
    let records = format::records(next());
    let unswept = format::texts(next());
    Ok(Answer::Beat {
        counter: counter
            .ok_or_else(|| BrokerError::Unavailable("a beat was not counted".to_owned()))?,
        records,
        unswept: unswept.iter().filter_map(|run| format::run(run)).collect(),
    })
}

/// Whether it is this node that finishes what others have left: one is enough.
fn is_first(node: &Node) -> bool {
    let first = node.liveness().records().map(|record| record.run).min();
    first == Some(node.run())
}

/// Claims a run, which is dead from then on, and will be told so. False where it has moved from where its counter was
/// seen, or has a record although none was.
pub(super) async fn claim(
    node: &Node,
    run: RunId,
    counter: Option<u64>,
) -> Result<bool, BrokerError> {
    let counter = counter
        .map(|counter| counter.to_string())
        .unwrap_or_default();
    let (dead, remembered) = (run.to_string(), DEAD.as_millis().to_string());
    let args = [&dead, &counter, &remembered].map(|arg| arg.as_bytes());
    let answer = node.ask(&script::CLAIM, &node.keys.run(run), &args).await?;
    Ok(matches!(answer, redis::Value::Int(1)))
}

/// Takes a node for dead that has not moved, unless it has meanwhile.
async fn take_for_dead(node: &Arc<Node>, dead: Record) {
    match claim(node, dead.run, Some(dead.counter)).await {
        Ok(true) => {
            tracing::warn!(run = %dead.run, name = dead.name, "an instance is dead: its people leave");
            node.liveness().bury(dead.run);
            sweep(node, dead.run).await;
        }
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "a dead instance could not be claimed yet"),
    }
}

/// Takes everyone of a dead run out of all its rooms. May be done twice, and by several nodes at once.
async fn sweep(node: &Arc<Node>, run: RunId) {
    let mut done: Vec<String> = Vec::new();
    loop {
        let run_text = run.to_string();
        let mut args: Vec<&[u8]> = vec![run_text.as_bytes()];
        args.extend(done.iter().map(|room| room.as_bytes()));
        let left = match node.ask(&script::SWEPT, &node.keys.run(run), &args).await {
            Ok(left) => format::texts(left),
            Err(error) => {
                tracing::debug!(%run, %error, "a sweep goes on later");
                return;
            }
        };
        if left.is_empty() {
            return;
        }
        let purged = stream::iter(left).map(|room| async move {
            let Ok(id) = room.parse::<RoomId>() else {
                return Some(room);
            };
            node.purge(&id, run, true, &[])
                .await
                .is_ok()
                .then_some(room)
        });
        let purged: Vec<Option<String>> = purged.buffer_unordered(ROOMS_AT_ONCE).collect().await;
        done = purged.into_iter().flatten().collect();
        if done.is_empty() {
            return;
        }
    }
}

/// Redis may have an older copy of what this run had: in the rooms of its index nobody stays who is not here.
async fn tidy_index(node: &Arc<Node>, run: RunId) {
    // The node says that it lives before it can do anything else.
    supervisor::first(node, SOON).await;
    let run_text = run.to_string();
    let args = [run_text.as_bytes(), b"SMEMBERS"];
    let rooms = match node.ask(&script::INDEX, &node.keys.run(run), &args).await {
        Ok(rooms) => format::texts(rooms),
        Err(error) => {
            tracing::debug!(%error, "old sessions stay a while");
            return;
        }
    };
    let tidied = stream::iter(rooms).map(|room| async move {
        let Ok(id) = room.parse::<RoomId>() else {
            return;
        };
        let is_over = node.tidy(&id).await.is_ok() && node.entered().get(&id).is_none();
        if is_over {
            let _line = node.lines.of(&id).await;
            if node.entered().get(&id).is_none() {
                let _ = node.index("SREM", &id).await;
            }
        }
    });
    tidied
        .buffer_unordered(ROOMS_AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}

//! Events that are published all the time, and whether everybody hears each of them once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Result, instance::Control, report::Report, world::World};

/// How long the last event may be on its way.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many events of one instance there may be: it numbers its own from a multiple of this.
pub const EACH: u32 = 1_000_000;

/// What was published, by room, and when each event began to be.
#[derive(Debug, Default)]
pub struct Published {
    pub accepted: BTreeMap<u32, BTreeMap<u32, Instant>>,
    pub refused: usize,
}

/// Ends when this is dropped.
pub struct Load {
    stop: CancellationToken,
    tasks: JoinSet<Published>,
}

impl Load {
    /// Each of the instances publishes so many events a second, in these rooms by turns.
    pub fn start(controls: &[Control], rooms: &[u32], per_second: u32) -> Self {
        Self::after(0, controls, rooms, per_second)
    }

    /// The same, after so many instances have published.
    pub fn after(before: usize, controls: &[Control], rooms: &[u32], per_second: u32) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for (number, control) in controls.iter().enumerate() {
            let first = (before + number) as u32 * EACH;
            tasks.spawn(publish(
                *control,
                first,
                rooms.to_vec(),
                per_second,
                stop.clone(),
            ));
        }
        Self { stop, tasks }
    }

    /// Publishes no more. Returns what was published.
    pub async fn finish(mut self) -> Published {
        self.stop.cancel();
        let mut all = Published::default();
        while let Some(published) = self.tasks.join_next().await {
            let Ok(published) = published else { continue };
            all.add(published);
        }
        all
    }
}

async fn publish(
    control: Control,
    first: u32,
    rooms: Vec<u32>,
    per_second: u32,
    stop: CancellationToken,
) -> Published {
    let mut published = Published::default();
    let mut tick = interval(Duration::from_secs(1) / per_second);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (number, room) in (first..).zip(rooms.iter().cycle()) {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let began = Instant::now();
        match control.publish(*room, number).await {
            Ok(()) => {
                let accepted = published.accepted.entry(*room).or_default();
                accepted.insert(number, began);
            }
            Err(error) => {
                if published.refused == 0 {
                    println!("event {number} was refused: {error}");
                }
                published.refused += 1;
            }
        }
    }
    published
}

impl Published {
    pub fn add(&mut self, more: Self) {
        self.refused += more.refused;
        for (room, numbers) in more.accepted {
            self.accepted.entry(room).or_default().extend(numbers);
        }
    }

    pub fn count(&self) -> usize {
        self.accepted.values().map(BTreeMap::len).sum()
    }

    /// Waits until everybody who was in a room from the beginning has heard everything, and tells what was lost, doubled, or
    /// came in another order than that in which its instance published it.
    pub async fn judge<R>(&self, world: &World<R>, report: &mut Report) -> Result<()> {
        let start = Instant::now();
        while !self.missing(world).0.is_empty() && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(100)).await;
        }
        // What comes twice comes a little later.
        sleep(Duration::from_millis(500)).await;
        let (mut doubled, mut misordered) = (Vec::new(), Vec::new());
        let mut resets = 0;
        for person in &world.people {
            let state = person.client.state();
            for (room, seen) in &state.rooms {
                resets += seen.resets.len();
                let mut last: BTreeMap<u32, u32> = BTreeMap::new();
                let mut known = BTreeSet::new();
                for heard in &seen.heard {
                    let (user, number) = (&person.user, heard.number);
                    if !known.insert(number) {
                        doubled.push(format!("{user} heard {number} of room {room} twice"));
                        continue;
                    }
                    let before = last.insert(number / EACH, number);
                    if before.is_some_and(|before| before > number) && !seen.is_late {
                        misordered
                            .push(format!("{user} heard {number} of {room} after {before:?}"));
                    }
                }
            }
        }
        report.figure("events", self.count());
        report.expect("refused", self.refused, 0);
        let (lost, told) = self.missing(world);
        report.all_wrong("lost", lost);
        report.figure("unheard_but_reset", told);
        report.all_wrong("doubled", doubled);
        report.all_wrong("misordered", misordered);
        report.figure("resets", resets);
        Ok(())
    }

    /// What was lost; and how many somebody did not hear who was told to begin anew, and so reads elsewhere what was
    /// published until then.
    fn missing<R>(&self, world: &World<R>) -> (Vec<String>, usize) {
        let (mut missing, mut told) = (Vec::new(), 0);
        for person in &world.people {
            let state = person.client.state();
            for (room, seen) in &state.rooms {
                let all = self.accepted.get(room).filter(|_| !seen.is_late);
                let Some(all) = all else {
                    continue;
                };
                let heard: BTreeSet<u32> = seen.heard.iter().map(|heard| heard.number).collect();
                let reset = seen.resets.last();
                let unheard = all.iter().filter(|(number, _)| !heard.contains(number));
                let (lost, read): (Vec<_>, Vec<_>) =
                    unheard.partition(|(_, began)| reset.is_none_or(|reset| *began > reset));
                told += read.len();
                missing.extend(lost.into_iter().map(|(number, _)| {
                    format!("{} never heard {number} of room {room}", person.user)
                }));
            }
        }
        (missing, told)
    }
}

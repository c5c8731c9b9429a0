//! An instance is killed: its people leave everywhere, once, and soon.

use std::{collections::BTreeMap, time::Duration};

use leptos_realtime::UserId;
use tokio::time::{Instant, sleep};

use crate::{Options, Report, Result, report::rounded, world::World};

/// Contract line C4.
const BOUND: Duration = Duration::from_secs(6);

/// The most people in a room, about.
const IN_A_ROOM: usize = 50;

/// How many rooms somebody watches.
const WATCHED: u32 = 4;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let runs = options.runs.unwrap_or(options.pick(20, 1));
    let people = options.people.unwrap_or(options.pick(1_000, 40));
    // Each person is in two rooms.
    let rooms = (2 * people / IN_A_ROOM).max(2) as u32;
    let mut world = World::start(3, &[]).await?;
    let watchers = rooms.div_ceil(WATCHED) as usize;
    world
        .add_all(2 * watchers, |number| {
            let first = (number / 2) as u32 * WATCHED;
            (1 + number % 2, first..(first + WATCHED).min(rooms))
        })
        .await?;
    let mut longest = Duration::ZERO;
    let mut times = Vec::new();
    let (mut leaves, mut expected) = (0, 0);
    for run in 1..=runs {
        world
            .add_all(people, |number| {
                let first = number as u32 % rooms;
                (0, [first, (first + 1) % rooms])
            })
            .await?;
        world.mark();
        world.instances[0].kill();
        let start = Instant::now();
        let gone: Vec<UserId> = world
            .people
            .drain(2 * watchers..)
            .map(|person| person.user.clone())
            .collect();
        world.converged(Duration::from_secs(20)).await?;
        // What comes too often comes a little later.
        sleep(Duration::from_millis(500)).await;
        let mut seen: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let mut last = start;
        let changes = world.changes();
        for (watcher, room, change) in &changes {
            let of = seen
                .entry((&watcher.user, *room, &change.user))
                .or_default();
            match change.came {
                true => of.1 += 1,
                false => of.0 += 1,
            }
            last = last.max(change.at);
        }
        let wrong = seen.iter().filter(|(_, times)| **times != (1, 0));
        let wrong = wrong.map(|((watcher, room, user), (gone, came))| {
            format!(
                "run {run}: {watcher} saw {user} leave {room} {gone} times, and come {came} times"
            )
        });
        report.all_wrong("wrong_leaves", wrong.collect());
        leaves += seen.values().map(|(gone, _)| gone).sum::<usize>();
        // Two rooms each, and somebody at each of the two other instances sees it.
        expected += 4 * gone.len();
        let took = last - start;
        println!("run {run}: {} people are gone after {took:?}", gone.len());
        times.push(rounded(took.as_secs_f64()));
        longest = longest.max(took);
        world.instances[0] = world.instance(0)?;
        report.all_wrong("left_in_fresh_views", world.fresh_differences().await?);
    }
    report.figure("people", people);
    report.figure("rooms", rooms);
    report.figure("last_leave_s", times);
    report.expect("leaves", leaves, expected);
    report.within("longest_s", longest, BOUND);
    Ok(())
}

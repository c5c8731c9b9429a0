//! How soon somebody who enters a room on one instance is seen on another one: as fast as it goes, and with presence
//! gathered in the time that is the default.

use std::{collections::HashMap, time::Duration};

use tokio::time::{Instant, interval, sleep};

use crate::{Options, Report, Result, report::percentile, world::World};

const PER_SECOND: u32 = 200;
const ROOMS: u32 = 20;

/// What is aimed at, of what is not gathered.
const AIM_MS: f64 = 50.0;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let joins = options.runs.unwrap_or(options.pick(4_000, 200));
    for (name, window) in [("raw", "1"), ("window", "100")] {
        let mut world = World::start(2, &[("REALTIME_PRESENCE_WINDOW_MS", window)]).await?;
        // Watchers on the second instance, one a room; who comes and goes is on the first one.
        world
            .add_all(ROOMS as usize, |number| (1, vec![number as u32]))
            .await?;
        // In the short form everybody stays where they enter: who leaves again before a busy machine has told of it is not seen.
        let people = options.people.unwrap_or(200);
        world.add_all(people, |_| (0, Vec::new())).await?;
        world.mark();
        let mut began = HashMap::new();
        let mut tick = interval(Duration::from_secs(1) / PER_SECOND);
        for join in 0..joins {
            tick.tick().await;
            let number = ROOMS as usize + join % people;
            // Everybody goes through all rooms, and begins in another one: so each room has few at a time.
            let room = (number + join / people) as u32 % ROOMS;
            let person = &mut world.people[number];
            let before = (room + ROOMS - 1) % ROOMS;
            began.insert((person.user.clone(), join / people), Instant::now());
            person.enter(room);
            person.leave(before);
        }
        world.converged(Duration::from_secs(20)).await?;
        sleep(Duration::from_millis(300)).await;
        let mut times = Vec::new();
        let mut seen: HashMap<_, usize> = HashMap::new();
        let mut changes = world.changes();
        changes.retain(|(watcher, _, change)| watcher.instance == 1 && change.came);
        changes.sort_by_key(|(_, _, change)| change.at);
        for (_, _, change) in changes {
            let turn = seen.entry(change.user.clone()).or_default();
            if let Some(began) = began.get(&(change.user, *turn)) {
                times.push(change.at.saturating_duration_since(*began));
            }
            *turn += 1;
        }
        report.expect(&format!("seen_{name}"), times.len(), joins);
        let p99 = percentile(&mut times, 99);
        report.figure(&format!("p50_ms_{name}"), percentile(&mut times, 50));
        report.figure(&format!("p99_ms_{name}"), p99);
        if name == "raw" && p99 > AIM_MS && !options.short {
            report.wrong(format!(
                "99 of 100 are seen after {p99} ms, later than {AIM_MS} ms"
            ));
        }
    }
    report.figure("joins", joins);
    Ok(())
}

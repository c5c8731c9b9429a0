//! One message in a hundred is lost on its way from Redis to an instance: every gap is found and mended.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::Instant;

use crate::{
    Options, Report, Result,
    load::{EACH, Published},
    report::percentile,
    world::World,
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 10;

/// By when 99 of 100 events are there.
const BOUND: Duration = Duration::from_secs(2);

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 12));
    let events = options.runs.unwrap_or(options.pick(100_000, 3_000)) as u32;
    let mut world = World::start(INSTANCES, &[("CHAOS_DROP", "0.01")]).await?;
    world
        .add_all(people, |number| {
            (number % INSTANCES, [(number / INSTANCES) as u32 % ROOMS])
        })
        .await?;
    // Each instance publishes in each room.
    let each = events / (INSTANCES as u32 * ROOMS);
    let start = Instant::now();
    let mut rows = Vec::new();
    for (number, instance) in world.instances.iter().enumerate() {
        let control = instance.control();
        for room in 0..ROOMS {
            let first = number as u32 * EACH;
            rows.push(async move {
                let refused = control.publish_many(room, first, each, 25).await?;
                Ok::<_, Box<dyn std::error::Error>>((room, first, refused))
            });
        }
    }
    let mut published = Published::default();
    for (room, first, refused) in try_join_all(rows).await? {
        published.refused += refused.len();
        let numbers = (first..first + each).filter(|number| !refused.contains(number));
        let accepted = published.accepted.entry(room).or_default();
        accepted.extend(numbers.map(|number| (number, start)));
    }
    published.judge(&world, report).await?;
    let mut latencies = Vec::new();
    for person in &world.people {
        let state = person.client.state();
        let heard = state.rooms.values().flat_map(|seen| &seen.heard);
        latencies.extend(heard.map(|heard| heard.latency));
    }
    let p99 = percentile(&mut latencies, 99);
    report.figure("p50_ms", percentile(&mut latencies, 50));
    report.within("p99_s", Duration::from_secs_f64(p99 / 1_000.0), BOUND);
    report.within(
        "longest_s",
        latencies.last().copied().unwrap_or_default(),
        10 * BOUND,
    );
    let mut losses = 0;
    for instance in &world.instances {
        losses += instance.stats().await?.losses;
    }
    report.figure("found_by_comparing", losses);
    let converged = world.converged(Duration::from_secs(20)).await;
    report.waited("converged_s", converged, Duration::from_secs(10));
    report.figure("people", people);
    Ok(())
}

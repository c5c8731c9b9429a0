//! Twelve instances: everybody sees everybody, and hears what is published on each of them.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    Options, Report, Result,
    load::{EACH, Published},
    world::World,
};

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let instances = options.pick(12, 4);
    let people = options.people.unwrap_or(options.pick(1_200, 40));
    let mut world = World::start(instances, &[]).await?;
    world
        .add_all(people, |number| (number % instances, [0]))
        .await?;
    let seen: usize = world
        .people
        .iter()
        .map(|person| person.client.state().rooms[&0].present.len())
        .sum();
    report.expect("pairs", seen, people * people);
    let each = options.pick(20, 5);
    let start = Instant::now();
    let mut published = Published::default();
    for (number, instance) in world.instances.iter().enumerate() {
        let first = number as u32 * EACH;
        let refused = instance.publish_many(0, first, each, 20).await?;
        published.refused += refused.len();
        let accepted = published.accepted.entry(0).or_default();
        accepted.extend((first..first + each).map(|number| (number, start)));
    }
    published.judge(&world, report).await?;
    let converged = world.converged(Duration::from_secs(20)).await;
    report.waited("converged_s", converged, Duration::from_secs(2));
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    report.expect("divergences", world.divergences().await?, 0);
    report.figure("instances", instances);
    report.figure("people", people);
    Ok(())
}

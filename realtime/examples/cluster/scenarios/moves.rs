//! A person's connection is lost on one instance and is there on another one at once: nobody notices.

use std::time::Duration;

use tokio::time::sleep;

use crate::{Options, Report, Result, load::Load, world::World};

const INSTANCES: usize = 3;
const ROOMS: u32 = 4;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 12));
    let rounds = options.runs.unwrap_or(options.pick(5, 1));
    let mut world = World::start(INSTANCES, &[]).await?;
    world
        .add_all(people, |number| {
            let room = number as u32 % ROOMS;
            (number % INSTANCES, [room, (room + 1) % ROOMS])
        })
        .await?;
    let controls = world.controls();
    let load = Load::start(&controls, &[0, 1, 2, 3], 20);
    world.mark();
    for _ in 0..rounds {
        // Half of them go, the others watch.
        for number in (0..people).step_by(2) {
            let to = (world.people[number].instance + 1) % INSTANCES;
            let address = world.instances[to].address();
            world.people[number].move_to(to, address);
            sleep(Duration::from_millis(20)).await;
        }
        world.converged(Duration::from_secs(20)).await?;
    }
    // The instances that they left take them out only now, if they do.
    sleep(Duration::from_secs(8)).await;
    let (gone, came) = world.flickers(&[]);
    report.expect("leaves", gone, 0);
    report.expect("joins", came, 0);
    report.all_wrong("views", world.differences());
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    load.finish().await.judge(&world, report).await?;
    report.figure("moves", rounds * people.div_ceil(2));
    Ok(())
}

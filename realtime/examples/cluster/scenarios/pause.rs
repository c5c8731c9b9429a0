//! Redis stands still for a while: for a moment nobody notices, for longer each instance goes on for its own people.

use std::time::Duration;

use tokio::time::sleep;

use crate::{Options, Report, Result, load::Load, world::World};

const ROOMS: u32 = 4;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(120, 24));
    let instances = options.pick(3, 2);
    let mut world = World::start(instances, &[]).await?;
    world
        .add_all(people, |number| {
            let room = number as u32 % ROOMS;
            (number % instances, [room, (room + 1) % ROOMS])
        })
        .await?;
    let controls = world.controls();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::start(&controls, &rooms, 20);
    for (name, seconds) in [("3_s", 3), ("10_s", 10)] {
        if options.short && seconds > 3 {
            continue;
        }
        world.mark();
        println!("Redis stands still for {seconds} s");
        world.redis.pause();
        sleep(Duration::from_secs(seconds)).await;
        if seconds > 3 {
            let told = world.people.iter().filter(|person| person.is_degraded());
            report.expect("told_degraded", told.count(), people);
            change(&mut world);
        }
        world.redis.resume();
        let converged = world.converged(Duration::from_secs(20)).await;
        report.waited(
            &format!("converged_after_{name}"),
            converged,
            Duration::from_secs(2),
        );
        sleep(Duration::from_secs(options.pick(8, 3))).await;
        let told = world.people.iter().filter(|person| person.is_degraded());
        report.expect(&format!("degraded_after_{name}"), told.count(), 0);
        if seconds <= 3 {
            let (gone, came) = world.flickers(&[]);
            report.expect(&format!("leaves_in_{name}"), gone, 0);
            report.expect(&format!("joins_in_{name}"), came, 0);
        }
    }
    load.finish().await.judge(&world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    report.figure("divergences", world.divergences().await?);
    report.figure("people", people);
    Ok(())
}

/// Somebody enters a room and somebody leaves one, each at an instance of their own.
fn change(world: &mut World) {
    world.people[0].enter(2);
    world.people[1].leave(1);
}

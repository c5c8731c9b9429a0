//! People come, go and move as fast as they can, and others begin to watch at random moments: in the end everybody sees
//! the truth.

use std::time::Duration;

use rand::{Rng as _, SeedableRng, rngs::StdRng};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{Options, Report, Result, load::Load, world::World};

const INSTANCES: usize = 2;
const ROOMS: u32 = 20;

/// A room that all watchers are in all the time, and that is published in.
const CONSTANT: u32 = 1_000;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(300, 40));
    let steps = options.runs.unwrap_or(options.pick(100_000, 2_000));
    let watchers = people * 2 / 3;
    let mut world = World::start(INSTANCES, &[]).await?;
    let constant = |number| (number < watchers).then_some(CONSTANT);
    world
        .add_all(people, |number| (number % INSTANCES, constant(number)))
        .await?;
    let controls = world.controls();
    let load = Load::start(&controls, &[CONSTANT], 50);
    let seed = rand::random();
    report.figure("seed", seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut moves = 0;
    for step in 0..steps {
        tick.tick().await;
        let number = rng.random_range(0..people);
        let room = rng.random_range(0..ROOMS);
        let person = &mut world.people[number];
        // Connecting costs more than entering: one step in fifty.
        if rng.random_bool(0.02) {
            moves += 1;
            let to = (person.instance + 1) % INSTANCES;
            let address = world.instances[to].address();
            world.people[number].move_to(to, address);
        } else if person.rooms.contains(&room) {
            person.leave(room);
        } else if person.rooms.len() < 10 {
            person.enter(room);
        }
        if step % 10_000 == 9_999 {
            println!("{} steps", step + 1);
        }
    }
    let converged = world.converged(Duration::from_secs(60)).await;
    report.waited("converged_s", converged, Duration::from_secs(30));
    sleep(Duration::from_secs(options.pick(12, 2))).await;
    report.all_wrong("views", world.differences());
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    load.finish().await.judge(&world, report).await?;
    report.figure("divergences", world.divergences().await?);
    report.figure("steps", steps);
    report.figure("moves", moves);
    report.figure("people", people);
    Ok(())
}

//! The wall clock of an instance, and that of Redis, jumps by an hour: forward, back, further back, and forward again.
//! Nobody notices.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    Options, Report, Result,
    clock::WallClock,
    common::client::micros,
    load::Load,
    servers::RedisServer,
    world::{KEEP, World},
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 3;
const HOUR: i64 = 60 * 60;

/// How far the clock that was read may be from where it was put.
const NEAR: u64 = 60;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    if !cfg!(target_os = "linux") {
        report.figure("left_out", "clocks can be moved on Linux only");
        return Ok(());
    }
    let people = options.people.unwrap_or(options.pick(90, 18));
    let (of_redis, of_instance) = (WallClock::new()?, WallClock::new()?);
    let redis = RedisServer::start_in(&KEEP, &of_redis.environment());
    redis.process_id().into_iter().for_each(WallClock::tidy);
    let url = redis.url();
    let mut world = World::at(redis, url, INSTANCES, &[])?;
    let environment = of_instance.environment();
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    world.instances[0] = world.instance_with(0, &environment)?;
    WallClock::tidy(world.instances[0].process_id());
    world
        .add_all(people, |number| {
            let room = (number / INSTANCES) as u32 % ROOMS;
            (number % INSTANCES, [room, (room + 1) % ROOMS])
        })
        .await?;
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::start(&world.controls(), &rooms, 10);
    let mut jumps = 0;
    for whose in [Whose::Instance, Whose::Redis] {
        let clock = match whose {
            Whose::Instance => &of_instance,
            Whose::Redis => &of_redis,
        };
        for hours in options.pick(vec![1, 0, -1, 0], vec![1, 0]) {
            world.mark();
            clock.jump_to(hours * HOUR)?;
            let ahead = whose.ahead(&world, hours * HOUR).await?;
            println!("the clock of {whose:?} is {ahead} s ahead");
            jumps += 1;
            // Longer than it takes to be given up, and than anything is compared.
            sleep(Duration::from_secs(options.pick(15, 6))).await;
            // Somebody's connection is lost, and is there on another instance.
            let to = (world.people[jumps].instance + 1) % INSTANCES;
            let address = world.instances[to].address();
            world.people[jumps].move_to(to, address);
            sleep(Duration::from_secs(1)).await;
            world.converged(Duration::from_secs(20)).await?;
            let name = format!("{whose:?}").to_lowercase();
            report.nobody(&format!("{name} at {hours} h"), &world, &[]);
            // And who really comes and goes is seen.
            world.people[0].leave(0);
            world.people[0].enter(ROOMS);
            world.people[1].enter(ROOMS);
            let converged = world.converged(Duration::from_secs(20)).await;
            let name = format!("seen_{name}_{hours}_h_s");
            report.waited(&name, converged, Duration::from_secs(2));
            world.people[0].enter(0);
            world.people[0].leave(ROOMS);
            world.people[1].leave(ROOMS);
            world.converged(Duration::from_secs(20)).await?;
        }
    }
    let published = load.finish().await;
    // Who left a room and came back did not hear everything there.
    world.people.remove(0);
    published.judge(&world, report).await?;
    report.figure("divergences", world.divergences().await?);
    report.figure("jumps", jumps);
    report.figure("people", people);
    Ok(())
}

/// Whose clock jumps.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Instance,
    Redis,
}

impl Whose {
    /// Reads the clock until it is about so many seconds ahead of the machine's. Returns how many.
    async fn ahead(self, world: &World, expected: i64) -> Result<i64> {
        let start = Instant::now();
        loop {
            let read = match self {
                Self::Instance => world.instances[0].stats().await?.now_ms / 1_000,
                Self::Redis => {
                    let (seconds, _): (u64, u64) = world.ask(&["TIME"])?;
                    seconds
                }
            };
            let ahead = read as i64 - (micros() / 1_000_000) as i64;
            if ahead.abs_diff(expected) < NEAR {
                return Ok(ahead);
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(
                    format!("the clock of {self:?} is {ahead} s ahead, not {expected}").into(),
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

//! Redis loses what it had: all of it, what is newer than a snapshot, or some rooms. Who is there stays in everybody's
//! view, and what is published is heard once.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Options, Report, Result,
    load::Load,
    person::Person,
    world::{PATIENCE, World},
};

/// What Redis loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is killed and started empty.
    Restart,
    /// `FLUSHALL` while it runs.
    Flush,
    /// It is started with a snapshot of before.
    Restore,
    /// The keys of many rooms.
    Evict,
}

pub async fn run(loss: Loss, options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(300, 30));
    let instances = options.pick(3, 2);
    let rooms: u32 = options.pick(50, 6);
    let mut world = World::start(instances, &[]).await?;
    let place = |number: usize| {
        let room = number as u32 % rooms;
        (
            number % instances,
            [room, (room + 1) % rooms, (room + 2) % rooms],
        )
    };
    world.add_all(people, place).await?;
    if loss == Loss::Restore {
        world.ask::<String>(&["SAVE"])?;
        // What has come since is not in the snapshot, and who has gone since is.
        world.add_all(people / 10, place).await?;
        let left: Vec<_> = world.people.drain(..people / 10).collect();
        drop(left);
        world.converged(Duration::from_secs(30)).await?;
        sleep(Duration::from_secs(options.pick(30, 3))).await;
    }
    let controls = world.controls();
    let all: Vec<u32> = (0..rooms).collect();
    let load = Load::start(&controls, &all, 20);
    sleep(Duration::from_secs(options.pick(5, 1))).await;
    world.mark();
    println!("Redis loses something: {loss:?}");
    match loss {
        Loss::Restart | Loss::Restore => {
            world.redis.kill();
            sleep(Duration::from_secs(2)).await;
        }
        Loss::Flush => world.ask::<()>(&["FLUSHALL"])?,
        Loss::Evict => evict(&world, rooms)?,
    }
    // Who is to be seen by everybody, so that there is something to wait for.
    let (came, gone) = (3, 4);
    world.people[came].enter(rooms + 1);
    for person in 5..5 + instances {
        world.people[person].enter(rooms + 1);
    }
    let left = *world.people[gone]
        .rooms
        .first()
        .ok_or("they are in rooms")?;
    world.people[gone].leave(left);
    if matches!(loss, Loss::Restart | Loss::Restore) {
        world.redis.restart();
        println!("Redis is back");
        // The bound counts from when the last instance is back.
        let degraded = |world: &World| world.people.iter().any(Person::is_degraded);
        let back = world.until("all are back", PATIENCE, |world| !degraded(world));
        report.waited("reconnected_s", back.await, Duration::from_secs(5));
    }
    let bound = Duration::from_secs(if loss == Loss::Evict { 10 } else { 3 });
    let converged = world.converged(Duration::from_secs(30)).await;
    report.waited("converged_s", converged, bound);
    // Longer than anything is held that nobody speaks for.
    sleep(Duration::from_secs(options.pick(20, 8))).await;
    report.all_wrong("views", world.differences());
    let gone = [world.people[gone].user.clone()];
    let changes = world.changes().into_iter();
    let flickers =
        changes.filter(|(_, room, change)| *room < rooms && !gone.contains(&change.user));
    let flickers = flickers.map(|(person, room, change)| {
        let what = if change.came { "come" } else { "leave" };
        format!(
            "{} at {} saw {} {what} in {room}",
            person.user, person.instance, change.user
        )
    });
    report.all_wrong("flickers", flickers.collect());
    load.finish().await.judge(&world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    report.figure("divergences", world.divergences().await?);
    report.figure("people", people);
    report.figure("rooms", rooms);
    Ok(())
}

fn evict(world: &World, rooms: u32) -> Result<()> {
    for room in 0..rooms {
        let keys: Vec<String> = world.ask(&["KEYS", &format!("*{{hall:{room}}}*")])?;
        for key in keys {
            world.ask::<u32>(&["DEL", &key])?;
        }
    }
    Ok(())
}

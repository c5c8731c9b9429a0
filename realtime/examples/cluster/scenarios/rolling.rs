//! All instances are replaced, one after the other, under load: nobody is seen leaving, and no event is lost.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    Options, Report, Result,
    load::{Load, Published},
    world::World,
};

/// As many as there are.
pub const INSTANCES: usize = 3;
const ROOMS: u32 = 4;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(150, 18));
    let mut world = World::start(INSTANCES, &[]).await?;
    fill(&mut world, people).await?;
    let mut published = Published::default();
    for number in 0..options.pick(INSTANCES, 1) {
        let goes_on = Duration::from_secs(options.pick(10, 6));
        published.add(replace(&mut world, number, number, &[], goes_on).await?);
    }
    judge(&world, &published, report).await?;
    report.figure("people", people);
    Ok(())
}

/// So many people, each in two rooms with people of all instances.
pub async fn fill(world: &mut World, people: usize) -> Result<()> {
    let place = |number: usize| {
        let room = number as u32 % ROOMS;
        (number % INSTANCES, [room, (room + 1) % ROOMS])
    };
    world.add_all(people, place).await?;
    world.mark();
    Ok(())
}

/// Replaces an instance under load, of which there were so many before; the load goes on for a while after. The new one
/// has these variables besides. Returns what was published.
pub async fn replace(
    world: &mut World,
    number: usize,
    before: usize,
    settings: &[(&str, &str)],
    goes_on: Duration,
) -> Result<Published> {
    println!("instance {number} is replaced");
    // As with a load balancer: the one that ends gets nobody any more.
    let others: Vec<usize> = (0..INSTANCES).filter(|other| *other != number).collect();
    let controls: Vec<_> = others
        .iter()
        .map(|o| world.instances[*o].control())
        .collect();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::after(before * INSTANCES, &controls, &rooms, 20);
    for (turn, person) in world.people.iter_mut().enumerate() {
        if person.instance == number {
            person.instance = others[turn / INSTANCES % others.len()];
            person
                .client
                .send_to(world.instances[person.instance].address());
        }
    }
    world.instances[number].terminate()?;
    let start = Instant::now();
    while !world.instances[number].has_ended() {
        if start.elapsed() > Duration::from_secs(30) {
            return Err(format!("instance {number} does not end").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    println!("it has ended after {:?}", start.elapsed());
    world.instances[number] = world.instance_with(number, settings)?;
    world.converged(Duration::from_secs(30)).await?;
    sleep(goes_on).await;
    Ok(load.finish().await)
}

/// Nobody was seen going or coming, views are the same, and each event was heard once.
pub async fn judge(world: &World, published: &Published, report: &mut Report) -> Result<()> {
    let (gone, came) = world.flickers(&[]);
    report.expect("leaves", gone, 0);
    report.expect("joins", came, 0);
    report.all_wrong("views", world.differences());
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    published.judge(world, report).await
}

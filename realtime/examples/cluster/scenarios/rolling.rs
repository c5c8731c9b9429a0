//! All instances are replaced, one after the other, under load: nobody is seen leaving, and no event is lost.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    Options, Report, Result,
    load::{Load, Published},
    world::World,
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 4;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(150, 18));
    let mut world = World::start(INSTANCES, &[]).await?;
    world
        .add_all(people, |number| {
            let room = number as u32 % ROOMS;
            (number % INSTANCES, [room, (room + 1) % ROOMS])
        })
        .await?;
    world.mark();
    let mut published = Published::default();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    for number in 0..options.pick(INSTANCES, 1) {
        println!("instance {number} is replaced");
        // As with a load balancer: the one that ends gets nobody any more.
        let others = (0..INSTANCES).filter(|other| *other != number);
        let others: Vec<usize> = others.collect();
        let controls: Vec<_> = others
            .iter()
            .map(|o| world.instances[*o].control())
            .collect();
        let load = Load::after(number * INSTANCES, &controls, &rooms, 20);
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
        world.instances[number] = world.instance(number)?;
        world.converged(Duration::from_secs(30)).await?;
        sleep(Duration::from_secs(options.pick(10, 6))).await;
        published.add(load.finish().await);
    }
    let (gone, came) = world.flickers(&[]);
    report.expect("leaves", gone, 0);
    report.expect("joins", came, 0);
    report.all_wrong("views", world.differences());
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    published.judge(&world, report).await?;
    report.figure("people", people);
    Ok(())
}

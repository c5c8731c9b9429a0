//! One of two instances is restarted under load: everybody is back, nobody is seen leaving, no event is lost, and what it
//! was doing for somebody ends first.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    Options, Report, Result,
    load::{EACH, Load},
    report::percentile,
    world::World,
};

const INSTANCES: usize = 2;

/// How many people are in a room.
const IN_A_ROOM: usize = 100;

/// How many events each instance publishes in a second.
const PER_SECOND: u32 = 20;

/// For how long the instance that ends goes on publishing, as one request that was under way, and how often.
const UNDER_WAY: (u32, u32) = (8, 20);

/// How long nearly everybody may be away at most, and how long the end may take: the default of `REALTIME_DRAIN_MS`.
const AWAY: Duration = Duration::from_secs(5);
const END: Duration = Duration::from_secs(25);

/// For how long the others would wait for who was on the instance that ended.
const AFTER: Duration = Duration::from_secs(12);

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(5_000, 60));
    let rooms = people.div_ceil(IN_A_ROOM).max(2) as u32;
    let mut world = World::start(INSTANCES, &[]).await?;
    world.fill(people, rooms).await?;
    world.mark();
    let all: Vec<u32> = (0..rooms).collect();
    let (ending, staying) = (world.instances[0].control(), world.instances[1].control());
    let load = Load::after(1, &[staying], &all, PER_SECOND);
    let (seconds, per_second) = UNDER_WAY;
    let request = tokio::spawn(async move {
        let first = 2 * EACH;
        let refused = ending.publish_many(0, first, seconds * per_second, per_second);
        // Why is no matter: it is not `Send`.
        refused.await.map_err(|error| error.to_string())
    });
    sleep(Duration::from_secs(2)).await;

    println!("instance 0 of {people} people is told to end");
    let elsewhere = staying.address();
    let mut moved = Vec::new();
    for (number, person) in world.people.iter_mut().enumerate() {
        if person.instance == 0 {
            // As with a load balancer: the one that ends gets nobody any more.
            person.instance = 1;
            person.client.send_to(elsewhere);
            moved.push(number);
        }
    }
    world.instances[0].terminate()?;
    let start = Instant::now();
    let back = |world: &World, number: &usize| {
        let person = &world.people[*number];
        person.client.state().away.len() == 1 && person.is_live()
    };
    world
        .until("everybody is back", AWAY * 6, |world| {
            moved.iter().all(|number| back(world, number))
        })
        .await?;
    println!("everybody is back after {:?}", start.elapsed());
    report.figure("all_back_s", start.elapsed().as_secs_f64());
    while !world.instances[0].has_ended() {
        if start.elapsed() > END * 2 {
            return Err("instance 0 does not end".into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    report.within("end_s", start.elapsed(), END);
    let refused = request.await??;
    report.expect("refused_under_way", refused.len(), 0);
    world.instances[0] = world.instance(0)?;
    // Longer than anybody is waited for.
    sleep(AFTER).await;
    let mut published = load.finish().await;
    let numbers = (2 * EACH..).take((seconds * per_second) as usize);
    let under_way = published.accepted.entry(0).or_default();
    under_way.extend(numbers.map(|number| (number, Instant::now())));

    let mut away: Vec<Duration> = moved
        .iter()
        .flat_map(|number| world.people[*number].client.state().away.clone())
        .collect();
    report.figure("people", people);
    report.expect("moved", away.len(), people / INSTANCES);
    report.figure("away_p50_ms", percentile(&mut away, 50));
    report.figure("away_p99_ms", percentile(&mut away, 99));
    report.figure("away_max_ms", percentile(&mut away, 100));
    let nearly_all = away.len().saturating_sub(1) * 99 / 100;
    report.within("away_p99_s", away[nearly_all], AWAY);
    let stayed = world.people.iter().enumerate();
    let stayed = stayed.filter(|(number, _)| !moved.contains(number));
    let disturbed = stayed.filter(|(_, person)| !person.client.state().away.is_empty());
    report.expect("disturbed", disturbed.count(), 0);
    report.nobody("after the restart", &world, &[]);
    world.converged(Duration::from_secs(30)).await?;
    report.all_wrong("views", world.differences());
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    published.judge(&world, report).await
}

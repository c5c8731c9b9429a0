//! Instances of an earlier version are replaced by this one under load, one after the other, and this version is taken back
//! again: both meet in one Redis all the while, nobody is seen leaving, and no event is lost or heard twice.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::rolling::{INSTANCES, fill, judge, replace};
use crate::{Options, Report, Result, load::Published, world::World};

/// What instances of this version say that they were made from. Those of the earlier one may not know the variable.
const BUILD: (&str, &str) = ("REALTIME_BUILD", "this");

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(150, 18));
    let goes_on = Duration::from_secs(options.pick(6, 3));
    let earlier = options.previous.clone();
    let earlier = earlier.ok_or("--previous names the program of the earlier version")?;
    let mut world = World::start_as(Some(earlier.clone()), INSTANCES, &[]).await?;
    fill(&mut world, people).await?;
    let mut published = Published::default();
    world.program = None;
    for number in 0..INSTANCES {
        published.add(replace(&mut world, number, number, &[BUILD], goes_on).await?);
    }
    report.expect("told_of_this_build", told(&world).await, people);
    report.figure(
        "divergences_before_it_is_taken_back",
        world.divergences().await?,
    );
    println!("it is taken back");
    world.program = Some(earlier);
    for number in 0..INSTANCES {
        let before = INSTANCES + number;
        published.add(replace(&mut world, number, before, &[], goes_on).await?);
    }
    judge(&world, &published, report).await?;
    report.figure("divergences", world.divergences().await?);
    report.figure("people", people);
    report.figure("commit", &options.commit);
    Ok(())
}

/// How many clients know that they are served by this version.
async fn told(world: &World) -> usize {
    let told = || {
        let servers = world.people.iter().map(|person| {
            let state = person.client.state();
            let build = state.session().builds().server();
            build.is_some_and(|build| build.as_str() == BUILD.1)
        });
        servers.filter(|is_told| *is_told).count()
    };
    let start = Instant::now();
    while told() < world.people.len() && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(100)).await;
    }
    told()
}

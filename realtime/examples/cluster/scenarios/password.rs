//! An instance has a wrong password for Redis: it says so once, and goes on for its own people, until Redis takes it.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::sleep;

use super::configured::is_refused;
use crate::{
    Options, Report, Result,
    load::{EACH, Load},
    person::Person,
    servers::RedisServer,
    world::{KEEP, PATIENCE, World},
};

const RIGHT: &str = "of-everybody";
const WRONG: &str = "of-nobody";

/// The instance with the wrong one.
const ALONE: usize = 2;

const ROOMS: u32 = 2;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 18));
    let redis = RedisServer::start(&[&KEEP[..], &["--requirepass", RIGHT]].concat());
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port());
    let (right, wrong) = (with(RIGHT), with(WRONG));
    let mut world = World::at(redis, right, ALONE, &[("RUST_LOG", "warn")])?;
    let alone = world.instance_with(ALONE, &[("REDIS_URL", &wrong)])?;
    world.instances.push(alone);
    for number in 0..people {
        world.add(number % (ALONE + 1), 0..ROOMS)?;
    }
    world
        .until("each side sees itself", PATIENCE, |world| {
            world
                .people
                .iter()
                .all(|person| sees_its_side(world, person))
        })
        .await?;
    world.mark();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::start(&world.controls(), &rooms, 5);
    sleep(Duration::from_secs(options.pick(20, 6))).await;
    report.nobody("while it is alone", &world, &[]);
    is_refused(
        &world.instances[ALONE],
        "refuses the user or the password",
        report,
    )
    .await?;
    let told = world.people.iter().filter(|person| person.is_degraded());
    let its_own = world.people.iter().filter(|p| p.instance == ALONE).count();
    report.expect("told_degraded", told.count(), its_own);
    for person in &world.people {
        let state = person.client.state();
        let heard = state.rooms.values().flat_map(|seen| &seen.heard);
        let of_alone = |number: u32| number / EACH == ALONE as u32;
        let (own, others): (Vec<_>, Vec<_>) = heard
            .map(|heard| heard.number)
            .partition(|number| of_alone(*number) == (person.instance == ALONE));
        if own.is_empty() || !others.is_empty() {
            let (own, others) = (own.len(), others.len());
            let user = &person.user;
            report.wrong(format!(
                "{user} heard {own} of its side, and {others} of the other"
            ));
        }
    }
    println!("Redis takes the other password too");
    world.ask::<()>(&["ACL", "SETUSER", "default", &format!(">{WRONG}")])?;
    let converged = world.converged(Duration::from_secs(20)).await;
    report.waited("converged_s", converged, Duration::from_secs(5));
    sleep(Duration::from_secs(options.pick(12, 6))).await;
    let (gone, _) = world.flickers(&[]);
    report.expect("leaves_afterwards", gone, 0);
    report.all_wrong("views", world.differences());
    load.finish().await.judge(&world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    let lines: Vec<String> = world.instances.iter().flat_map(|i| i.log()).collect();
    let shown = lines
        .into_iter()
        .filter(|line| line.contains(RIGHT) || line.contains(WRONG));
    report.all_wrong("passwords_shown", shown.collect());
    report.figure("people", people);
    Ok(())
}

/// Whether somebody sees all people of the instances with the right password, or of the one without it.
fn sees_its_side(world: &World, person: &Person) -> bool {
    let side = |person: &Person| person.instance == ALONE;
    let there: BTreeSet<_> = world
        .people
        .iter()
        .filter(|other| side(other) == side(person))
        .map(|other| other.user.clone())
        .collect();
    let state = person.client.state();
    state.rooms.values().all(|seen| seen.present == there)
}

//! What it costs Redis when nothing happens: the same for one connection as for thousands.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::sleep;

use crate::{Options, Report, Result, report::rounded, world::World};

const INSTANCES: usize = 2;

/// The most commands of a node in a second, and the most bytes of a membership.
const COMMANDS: f64 = 3.0;
const BYTES: u64 = 400;

/// The most people in a room.
const IN_A_ROOM: usize = 100;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(5_000, 100));
    let during = Duration::from_secs(options.pick(30, 5));
    let mut world = World::start(INSTANCES, &[]).await?;
    // One at each instance, in as many rooms as the many are in later.
    let rooms = people.div_ceil(IN_A_ROOM) as u32;
    world
        .add_all(INSTANCES, |number| (number, 0..rooms))
        .await?;
    let one = idle(&world, during).await?;
    println!("with one connection: {one} commands of a node in a second");
    world
        .add_all(people, |number| {
            (number % INSTANCES, [number as u32 % rooms])
        })
        .await?;
    let many = idle(&world, during).await?;
    println!("with {people} connections: {many}");
    report.figure("commands_per_s_one", one);
    report.figure("commands_per_s_many", many);
    if one > COMMANDS || many > COMMANDS {
        report.wrong(format!(
            "a node says {one} and {many} things in a second, more than {COMMANDS}"
        ));
    }
    // A beat more or less within the time that was measured.
    if (many - one).abs() > 0.5 {
        report.wrong(format!(
            "{many} commands with many connections, {one} with one"
        ));
    }
    let mut bytes = 0;
    for room in 0..rooms {
        let key = format!("leptos_realtime:{{hall:{room}}}");
        bytes += world.ask::<u64>(&["MEMORY", "USAGE", &key, "SAMPLES", "0"])?;
    }
    let each = bytes / (people as u64 + INSTANCES as u64 * u64::from(rooms));
    report.figure("bytes_per_membership", each);
    if each > BYTES {
        report.wrong(format!(
            "a membership takes {each} bytes, more than {BYTES}"
        ));
    }
    let mut served = 0;
    for instance in &world.instances {
        served += instance.stats().await?.rooms;
    }
    let channels: Vec<String> = world.ask(&["PUBSUB", "CHANNELS"])?;
    let mut ask = vec!["PUBSUB", "NUMSUB"];
    ask.extend(channels.iter().map(String::as_str));
    let counts: BTreeMap<String, usize> = world.ask(&ask)?;
    // And the room in which instances are told what concerns all of them.
    report.expect("subscriptions", counts.values().sum(), served + INSTANCES);
    report.figure("people", people);
    Ok(())
}

/// The commands of a node in a second while nothing happens. What scripts do in Redis is not said by a node.
async fn idle(world: &World, during: Duration) -> Result<f64> {
    // Who has come is told to Redis a little after they were answered, and rooms that have become quiet say so once.
    sleep(Duration::from_secs(10)).await;
    world.ask::<()>(&["CONFIG", "RESETSTAT"])?;
    sleep(during).await;
    let stats: String = world.ask(&["INFO", "commandstats"])?;
    let mut said = 0;
    for line in stats.lines() {
        let Some((command, rest)) = line
            .strip_prefix("cmdstat_")
            .and_then(|l| l.split_once(':'))
        else {
            continue;
        };
        let calls = rest
            .strip_prefix("calls=")
            .and_then(|rest| rest.split(',').next());
        let calls: u64 = calls.unwrap_or_default().parse()?;
        if matches!(
            command,
            "evalsha" | "eval" | "publish" | "subscribe" | "ping" | "script|load"
        ) {
            println!("  {command}: {calls}");
            said += calls;
        }
    }
    Ok(rounded(
        said as f64 / during.as_secs_f64() / INSTANCES as f64,
    ))
}

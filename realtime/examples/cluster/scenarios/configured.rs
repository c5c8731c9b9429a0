//! A Redis as careful people have it: one that encrypts, with a certificate of their own CA, and one whose user may do
//! no more than is documented. It is away for a moment, and everything is as it was.

use std::{collections::HashMap, time::Duration};

use leptos_realtime::UserId;
use tokio::time::sleep;

use crate::{
    Options, Report, Result,
    instance::Instance,
    load::Load,
    person::Person,
    servers::{RedisServer, strange_ca},
    world::{KEEP, PATIENCE, World},
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 4;

/// A user who may do what the documentation of `RedisConfig` says that one needs.
pub const RIGHTS: [&str; 13] = [
    "--user",
    "app",
    "on",
    ">of-app",
    "~shop:*",
    "&shop:*",
    "+@read",
    "+@write",
    "+@pubsub",
    "+@scripting",
    "+@connection",
    "+time",
    "+info",
];

/// By TLS. An instance that expects another CA stays on its own, and says why.
pub async fn tls(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 18));
    let (redis, tls) = RedisServer::start_tls(&KEEP);
    let url = format!("rediss://localhost:{}", tls.port);
    let ca = tls.ca_file().to_string_lossy().into_owned();
    let mut world = World::at(redis, url, INSTANCES, &[("REDIS_CA_FILE", &ca)])?;
    world.fill(people, ROOMS).await?;
    let own = format!("127.0.0.1:{}", tls.port);
    connections(&world, "encrypted", "laddr", &own, report)?;
    let stranger = tls.ca_file().with_file_name("stranger.pem");
    std::fs::write(&stranger, strange_ca())?;
    let stranger = stranger.to_string_lossy();
    let stranger = world.instance_with(0, &[("REDIS_CA_FILE", &stranger), ("RUST_LOG", "warn")])?;
    is_refused(&stranger, "see REDIS_CA_FILE", report).await?;
    drop(stranger);
    lives_on(
        &mut world,
        options,
        report,
        |redis| {
            redis.kill();
            Ok(())
        },
        |redis| {
            redis.restart();
            Ok(())
        },
    )
    .await?;
    connections(&world, "encrypted_afterwards", "laddr", &own, report)?;
    report.figure("people", people);
    Ok(())
}

/// As a user who is restricted to the prefix, and is locked out for a while.
pub async fn acl(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 18));
    let redis = RedisServer::start(&[&KEEP[..], &RIGHTS].concat());
    let url = format!("redis://app:of-app@127.0.0.1:{}", redis.port());
    let mut world = World::at(redis, url, INSTANCES, &[("REDIS_PREFIX", "shop")])?;
    world.fill(people, ROOMS).await?;
    // That nothing else is permitted can be seen.
    let elsewhere: String = world.ask(&["ACL", "DRYRUN", "app", "GET", "another:key"])?;
    if elsewhere == "OK" {
        report.wrong("the user may do everything".to_owned());
    }
    lives_on(
        &mut world,
        options,
        report,
        |redis| {
            ask(redis, &["ACL", "SETUSER", "app", "off"])?;
            ask(redis, &["CLIENT", "KILL", "USER", "app"])
        },
        |redis| ask(redis, &["ACL", "SETUSER", "app", "on"]),
    )
    .await?;
    connections(&world, "restricted", "user", "app", report)?;
    let log: Vec<HashMap<String, redis::Value>> = world.ask(&["ACL", "LOG", "128"])?;
    // That it may not sign in was to be.
    let auth = redis::Value::BulkString(b"auth".to_vec());
    let refused = log.iter().filter(|line| line.get("reason") != Some(&auth));
    let refused: Vec<_> = refused
        .map(|line| format!("the user may not: {line:?}"))
        .collect();
    report.all_wrong("refused_commands", refused);
    let keys: Vec<String> = world.ask(&["KEYS", "*"])?;
    let outside = keys.iter().filter(|key| !key.starts_with("shop:"));
    report.all_wrong("keys_outside", outside.cloned().collect());
    report.figure("keys", keys.len());
    report.figure("people", people);
    Ok(())
}

/// An instance that Redis does not let in, or that does not trust it: it starts, on its own, and says why, once.
pub async fn is_refused(instance: &Instance, why: &str, report: &mut Report) -> Result<()> {
    if !instance.stats().await?.degraded {
        report.wrong("an instance that is refused does not say that it is on its own".to_owned());
    }
    let log = instance.log();
    let told = log.iter().filter(|line| line.contains("cannot be reached"));
    report.expect("warnings", told.clone().count(), 1);
    if !told.clone().all(|line| line.contains(why)) {
        report.wrong(format!("it is not said that {why}: {log:?}"));
    }
    Ok(())
}

fn ask(redis: &RedisServer, words: &[&str]) -> Result<()> {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    Ok(redis.ask(&command)?)
}

/// All connections of the instances, two of each, have this in a field.
fn connections(
    world: &World,
    name: &str,
    field: &str,
    value: &str,
    report: &mut Report,
) -> Result<()> {
    let list: String = world.ask(&["CLIENT", "LIST"])?;
    let expected = format!("{field}={value}");
    let has = |line: &str, word: &str| line.split(' ').any(|found| found == word);
    // All but the one that asks.
    let others = list.lines().filter(|line| !has(line, "cmd=client|list"));
    let (so, otherwise): (Vec<_>, Vec<_>) = others.partition(|line| has(line, &expected));
    report.expect(name, so.len(), 2 * INSTANCES);
    let otherwise = otherwise
        .into_iter()
        .map(|line| format!("not {expected}: {line}"));
    report.all_wrong("other_connections", otherwise.collect());
    Ok(())
}

/// Redis is taken away from everybody, and given back: nobody is seen leaving, and every event is heard once.
async fn lives_on(
    world: &mut World,
    options: &Options,
    report: &mut Report,
    take: impl FnOnce(&mut RedisServer) -> Result<()>,
    give: impl FnOnce(&mut RedisServer) -> Result<()>,
) -> Result<()> {
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::start(&world.controls(), &rooms, 10);
    sleep(Duration::from_secs(2)).await;
    world.mark();
    println!("Redis is taken away");
    take(&mut world.redis)?;
    world
        .until("all are told", PATIENCE, |world| {
            world.people.iter().all(Person::is_degraded)
        })
        .await?;
    sleep(Duration::from_secs(1)).await;
    // Two who are to see each other, so that there is something to wait for.
    let two: Vec<UserId> = world.people[..2].iter().map(|p| p.user.clone()).collect();
    world.people[0].enter(ROOMS);
    world.people[1].enter(ROOMS);
    give(&mut world.redis)?;
    println!("Redis is back");
    let back = world.until("all are back", PATIENCE, |world| {
        !world.people.iter().any(Person::is_degraded)
    });
    report.waited("reconnected_s", back.await, Duration::from_secs(5));
    let converged = world.converged(Duration::from_secs(20)).await;
    report.waited("converged_s", converged, Duration::from_secs(3));
    sleep(Duration::from_secs(options.pick(12, 6))).await;
    report.nobody("afterwards", world, &two);
    report.all_wrong("views", world.differences());
    load.finish().await.judge(world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    Ok(())
}

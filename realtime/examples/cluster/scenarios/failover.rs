//! A master is killed, and another server takes its place: Sentinels say so, or the Cluster does it by itself. What the
//! new master did not have yet is lost, and whoever missed any of it is told to look again.

use std::time::Duration;

use leptos_realtime::UserId;
use tokio::time::{Instant, sleep};

use super::configured::RIGHTS;
use crate::{
    Options, Report, Result,
    load::Load,
    report::rounded,
    servers::{Cluster, RedisServer, Watched},
    world::{KEEP, PATIENCE, World},
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 12;

/// How often each instance may lose Redis while a Cluster finds a new master, some seconds.
const MOST_LOST: usize = 40;

const PREFIX: (&str, &str) = ("REDIS_PREFIX", "shop");

/// A master that a Sentinel watches, again and again: the one that was killed is the next replica.
pub async fn sentinel(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 18));
    let runs = options.runs.unwrap_or(options.pick(4, 1));
    let watched = Watched::start_with(&[&KEEP[..], &RIGHTS, &["+role"]].concat());
    let url = format!(
        "redis+sentinel://app:of-app@127.0.0.1:{}/mymaster",
        watched.sentinel.port()
    );
    let password = ("REDIS_SENTINEL_PASSWORD", Watched::SENTINEL_PASSWORD);
    let mut world = World::at(watched, url, INSTANCES, &[password, PREFIX])?;
    world.fill(people, ROOMS).await?;
    let load = Load::start(&world.controls(), &(0..ROOMS).collect::<Vec<_>>(), 20);
    for run in 1..=runs {
        let port = world.redis.master_port();
        let fault = Fault::begin(&mut world).await;
        println!("run {run}: the master at {port} is killed");
        world.redis.at(port).ok_or("no such server")?.kill();
        let over = world.until("the Sentinel names another master", PATIENCE, |world| {
            world.redis.master_port() != port
        });
        let over = over.await?;
        fault.end(over, &mut world, options, report).await?;
        world.redis.at(port).ok_or("no such server")?.restart();
        world
            .until("it has become the replica", PATIENCE, |world| {
                world.redis.could_fail_over()
            })
            .await?;
    }
    load.finish().await.judge(&world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    report.figure("runs", runs);
    report.figure("people", people);
    Ok(())
}

/// Two masters of a Cluster, one after the other: one whose replica takes its place, and one that is started again and
/// has lost everything, what the instances say of themselves too.
pub async fn cluster(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(60, 18));
    let cluster = Cluster::start_with(&[&KEEP[..], &RIGHTS, &["+cluster|slots"]].concat());
    let url = cluster.url().replace("redis://", "redis://app:of-app@");
    let settings = [PREFIX, ("RUST_LOG", "warn")];
    let mut world = World::at(cluster, url, INSTANCES, &settings)?;
    world.fill(people, ROOMS).await?;
    for (number, master) in world.redis.masters.iter().enumerate() {
        let rooms: Vec<String> = master.command(&["KEYS", "shop:{hall:*}"]);
        if rooms.is_empty() {
            report.wrong(format!("master {number} has no rooms"));
        }
        report.append("rooms_of_masters", rooms.len());
    }
    let load = Load::start(&world.controls(), &(0..ROOMS).collect::<Vec<_>>(), 20);

    let fault = Fault::begin(&mut world).await;
    println!("the master that has a replica is killed");
    world.redis.masters[0].kill();
    let over = world.until("the replica is the master", PATIENCE, |world| {
        is_master(&world.redis.replica)
    });
    let over = over.await?;
    fault.end(over, &mut world, options, report).await?;
    world.redis.masters[0].restart();
    world
        .until("it has become the replica", PATIENCE, |world| {
            !is_master(&world.redis.masters[0])
        })
        .await?;

    if !options.short {
        let fault = Fault::begin(&mut world).await;
        println!("a master without a replica is killed");
        let start = Instant::now();
        world.redis.masters[1].kill();
        sleep(Duration::from_secs(2)).await;
        world.redis.masters[1].restart();
        let all = world.until("the Cluster is complete", PATIENCE, |world| {
            world.redis.masters.iter().all(|master| {
                let info: String = master.command(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok")
            })
        });
        all.await?;
        fault
            .end(start.elapsed(), &mut world, options, report)
            .await?;
    }
    // While a part of the Cluster is away, its other parts are not connected to all the time.
    let log = world.instances.iter().flat_map(|instance| instance.log());
    let lost = log.filter(|line| line.contains("Redis is lost")).count();
    report.figure("links_lost", lost);
    if lost > MOST_LOST * INSTANCES {
        report.wrong(format!("{lost} times an instance lost Redis"));
    }
    load.finish().await.judge(&world, report).await?;
    report.all_wrong("fresh_views", world.fresh_differences().await?);
    report.figure("people", people);
    Ok(())
}

fn is_master(server: &RedisServer) -> bool {
    let role: Vec<redis::Value> = server.command(&["ROLE"]);
    role.first() == Some(&redis::Value::BulkString(b"master".to_vec()))
}

/// What is looked at around a fault.
struct Fault {
    began: Instant,
    /// Who enters a room during it.
    two: Vec<UserId>,
}

impl Fault {
    async fn begin<R>(world: &mut World<R>) -> Self {
        sleep(Duration::from_secs(2)).await;
        world.mark();
        // Two who are to see each other, so that there is something to wait for: each time in another room.
        let two = &mut world.people[..2];
        for person in &mut *two {
            let room = (ROOMS..).find(|room| !person.rooms.contains(room));
            room.into_iter().for_each(|room| person.enter(room));
        }
        Self {
            began: Instant::now(),
            two: two.iter().map(|person| person.user.clone()).collect(),
        }
    }

    /// It is mended, or another server has taken over, after so long.
    async fn end<R>(
        self,
        over: Duration,
        world: &mut World<R>,
        options: &Options,
        report: &mut Report,
    ) -> Result<()> {
        world.converged(Duration::from_secs(30)).await?;
        let converged = self.began.elapsed();
        println!("over after {over:?}, the same after {converged:?}");
        report.append("over_s", rounded(over.as_secs_f64()));
        report.append("converged_s", rounded(converged.as_secs_f64()));
        // Longer than anything is held that nobody speaks for.
        sleep(Duration::from_secs(options.pick(15, 6))).await;
        report.nobody("after it", world, &self.two);
        report.all_wrong("views", world.differences());
        Ok(())
    }
}

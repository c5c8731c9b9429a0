//! An instance stands still for longer than it takes to be given up, with somebody about to come and somebody about to
//! go, and then goes on: it is swept once and comes back once.

use std::{collections::BTreeMap, time::Duration};

use leptos_realtime::UserId;
use tokio::time::sleep;

use crate::{Options, Report, Result, world::World};

const INSTANCES: usize = 3;
const ROOMS: u32 = 3;

pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(90, 18));
    let mut world = World::start(INSTANCES, &[]).await?;
    world
        .add_all(people, |number| {
            let room = (number / INSTANCES) as u32 % ROOMS;
            (number % INSTANCES, [room, (room + 1) % ROOMS])
        })
        .await?;
    for seconds in if options.short { vec![8] } else { vec![8, 60] } {
        world.mark();
        println!("instance 0 stands still for {seconds} s");
        // Asked for, and on its way, when the instance stops.
        let (enters, leaves) = (0, INSTANCES);
        let outside = (0..ROOMS).find(|room| !world.people[enters].rooms.contains(room));
        let left = *world.people[leaves].rooms.first().ok_or("in no room")?;
        if let Some(room) = outside {
            world.people[enters].enter(room);
        }
        world.people[leaves].leave(left);
        sleep(Duration::from_millis(3)).await;
        world.instances[0].freeze(true)?;
        sleep(Duration::from_secs(seconds)).await;
        world.instances[0].freeze(false)?;
        let converged = world.converged(Duration::from_secs(40)).await;
        report.waited(
            &format!("back_after_{seconds}_s"),
            converged,
            Duration::from_secs(30),
        );
        sleep(Duration::from_secs(8)).await;
        let mut seen: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let changes = world.changes();
        for (watcher, room, change) in &changes {
            if watcher.instance != 0 {
                let of = seen
                    .entry((&watcher.user, *room, &change.user))
                    .or_default();
                match change.came {
                    true => of.1 += 1,
                    false => of.0 += 1,
                }
            }
        }
        let here = |user: &UserId| {
            world
                .people
                .iter()
                .any(|p| p.instance != 0 && p.user == *user)
        };
        let in_flight = [&world.people[enters].user, &world.people[leaves].user];
        let wrong = seen.iter().filter(|((_, _, user), times)| {
            let is_expected = match in_flight.contains(user) {
                true => times.0 <= 2 && times.1 <= 2,
                false => **times == (1, 1),
            };
            here(user) || !is_expected
        });
        let wrong = wrong.map(|((watcher, room, user), (gone, came))| {
            format!("{watcher} saw {user} leave {room} {gone} times, and come {came} times")
        });
        report.all_wrong(&format!("wrong_after_{seconds}_s"), wrong.collect());
        report.figure(&format!("changes_seen_{seconds}_s"), seen.len());
        if seen.is_empty() {
            report.wrong("the instance was never given up".to_owned());
        }
        report.all_wrong("views", world.differences());
        report.all_wrong("fresh_views", world.fresh_differences().await?);
        // It is to be as before for the next time.
        if let Some(room) = outside {
            world.people[enters].leave(room);
        }
        world.people[leaves].enter(left);
        world.converged(Duration::from_secs(20)).await?;
        let beats: usize = world.ask(&["HLEN", "leptos_realtime:{control:all}:beats"])?;
        report.expect("records", beats, INSTANCES);
    }
    report.figure("people", people);
    Ok(())
}

//! The way between one instance and Redis is cut: all of it, or one of the two connections.

use std::{collections::BTreeMap, time::Duration};

use leptos_realtime::UserId;
use tokio::time::sleep;

use crate::{
    Options, Report, Result,
    load::Load,
    way::{State, States},
    world::World,
};

const INSTANCES: usize = 3;
const ROOMS: u32 = 3;

async fn peopled(people: usize) -> Result<World> {
    let mut world = World::start(INSTANCES, &[]).await?;
    world
        .add_all(people, |number| {
            let room = (number / INSTANCES) as u32 % ROOMS;
            (number % INSTANCES, [room, (room + 1) % ROOMS])
        })
        .await?;
    Ok(world)
}

/// The whole of it, for 15 s: the others see the people of that instance leave once and come back once.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(90, 18));
    let mut world = peopled(people).await?;
    let controls = world.controls();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let ways = [("cut", State::Cut), ("still", State::Still)];
    let load = Load::start(&controls, &rooms, 10);
    for (name, state) in ways.into_iter().take(options.pick(2, 1)) {
        world.mark();
        println!("the way of instance 0 is {name}");
        world.ways[0].set(States::both(state));
        // In any case longer than it takes to be given up.
        sleep(Duration::from_secs(options.pick(15, 8))).await;
        // Life goes on, on either side.
        world.people[0].leave(0);
        world.people[1].leave(0);
        sleep(Duration::from_secs(1)).await;
        world.ways[0].set(States::both(State::Open));
        let converged = world.converged(Duration::from_secs(30)).await;
        report.waited(
            &format!("back_after_{name}_s"),
            converged,
            Duration::from_secs(10),
        );
        sleep(Duration::from_secs(8)).await;
        let mut seen: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let changes = world.changes();
        let moved = [&world.people[0].user, &world.people[1].user];
        for (watcher, room, change) in &changes {
            let of = seen
                .entry((std::ptr::from_ref(*watcher), *room, &change.user))
                .or_default();
            match change.came {
                true => of.1 += 1,
                false => of.0 += 1,
            }
        }
        let zero: Vec<_> = world.people.iter().filter(|p| p.instance == 0).collect();
        let of_zero = |user: &UserId| zero.iter().any(|person| person.user == *user);
        let watches_there = |watcher| zero.iter().any(|person| std::ptr::eq(*person, watcher));
        let wrong = seen.iter().filter(|((watcher, _, user), times)| {
            !moved.contains(user)
                // Their own instance shows them all the time, and the others to whom it said nothing.
                && (watches_there(*watcher) || !of_zero(user) || **times != (1, 1))
        });
        let wrong = wrong.map(|((watcher, room, user), (gone, came))| {
            let at = if watches_there(*watcher) {
                "there"
            } else {
                "elsewhere"
            };
            format!(
                "{name}: {user} was seen {at} leaving {room} {gone} times, and coming {came} times"
            )
        });
        report.all_wrong(&format!("wrong_{name}"), wrong.collect());
        if !seen.keys().any(|(_, _, user)| of_zero(user)) {
            report.wrong("the instance was never given up".to_owned());
        }
        world.people[0].enter(0);
        world.people[1].enter(0);
        world.converged(Duration::from_secs(20)).await?;
    }
    let published = load.finish().await;
    // Who left a room and came back did not hear everything there.
    world.people.drain(..2);
    published.judge(&world, report).await?;
    report.figure("people", people);
    Ok(())
}

/// One connection, for 5 s: nothing is lost.
pub async fn half(options: &Options, report: &mut Report) -> Result<()> {
    let people = options.people.unwrap_or(options.pick(90, 18));
    let mut world = peopled(people).await?;
    let controls = world.controls();
    let rooms: Vec<u32> = (0..ROOMS).collect();
    let load = Load::start(&controls, &rooms, 20);
    let open = States::both(State::Open);
    for state in [State::Cut, State::Still]
        .into_iter()
        .take(options.pick(2, 1))
    {
        let halves = [
            (
                "listener",
                States {
                    listener: state,
                    ..open
                },
            ),
            (
                "commands",
                States {
                    commands: state,
                    ..open
                },
            ),
        ];
        for (half, states) in halves {
            let name = format!(
                "{half}_{}",
                if state == State::Cut { "cut" } else { "still" }
            );
            world.mark();
            println!("one connection of instance 0: {name}");
            world.ways[0].set(states);
            sleep(Duration::from_secs(5)).await;
            world.ways[0].set(open);
            sleep(Duration::from_secs(1)).await;
            // Somebody else each time, so that there is something to be seen.
            world.people[3].leave(0);
            world.people[3].enter(2);
            let converged = world.converged(Duration::from_secs(20)).await;
            report.waited(
                &format!("converged_{name}_s"),
                converged,
                Duration::from_secs(2),
            );
            sleep(Duration::from_secs(options.pick(6, 1))).await;
            world.people[3].leave(2);
            world.people[3].enter(0);
            world.converged(Duration::from_secs(20)).await?;
        }
    }
    let published = load.finish().await;
    world.people.remove(3);
    published.judge(&world, report).await?;
    report.figure("people", people);
    Ok(())
}

//! The broker over the stand-in for Redis: it does what every broker does, and what simulations found it not to do.

use super::*;
use crate::{
    protocol::{DeviceKind, Status},
    server::broker::suite,
    testing::redis::{Path, SimulatedRedis},
};

fn settings(prefix: &str) -> Settings {
    Settings {
        beat: Duration::from_millis(200),
        timeout: Duration::from_secs(2),
        prefix: prefix.to_owned(),
        name: "test".to_owned(),
        retention: Retention::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_buried_who_has_come_back_unheard() {
    let (stop, tasks, redis) = (
        CancellationToken::new(),
        TaskTracker::new(),
        SimulatedRedis::start(),
    );
    let node = || {
        let (inbox, receivers) = Inbox::new(1, 1_024);
        let path = Arc::new(Path::new(&redis, 0));
        (
            RedisBroker::start(settings("t"), path, inbox, &tasks, &stop),
            receivers,
        )
    };
    let ((one, _one), (other, _other)) = (node(), node());
    for broker in [&one, &other] {
        assert!(broker.first(Duration::from_secs(30)).await);
    }
    let room: RoomId = "board:7".parse().unwrap();
    let entry = |run| Entry {
        session: "s".try_into().unwrap(),
        user: None,
        incarnation: 1,
        run,
        device: None,
        device_kind: DeviceKind::Other,
        status: Status::Online,
        since: 5,
        at: Vec::new(),
    };
    one.enter(&room, entry(RunId(0))).await.unwrap();
    other.bury(&room, vec![one.0.run()]).await.unwrap();
    assert_eq!(other.snapshot(&room).await.unwrap().entries.len(), 1);
    // Whoever has no record is dead, and is told so when they come after all.
    let keys = &one.0.keys;
    redis.evict(&keys.beat()[0]);
    let run = one.0.run();
    other.bury(&room, vec![run]).await.unwrap();
    assert_eq!(other.snapshot(&room).await.unwrap().entries, []);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_ne!(one.0.run(), run);
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_room_in_which_much_is_published_begins_anew_once_and_keeps_what_came_meanwhile() {
    let (stop, tasks, redis) = (
        CancellationToken::new(),
        TaskTracker::new(),
        SimulatedRedis::start(),
    );
    let (inbox, _receivers) = Inbox::new(1, 1_024);
    let path = Arc::new(Path::new(&redis, 0));
    let broker = RedisBroker::start(settings("t"), path, inbox, &tasks, &stop);
    assert!(broker.first(Duration::from_secs(30)).await);
    let room: RoomId = "board:7".parse().unwrap();
    let publish = async |id: &str| {
        let event = NewEvent {
            id: id.try_into().unwrap(),
            subject: None,
            origin: None,
            data: serde_json::value::to_raw_value(&1).unwrap(),
        };
        broker.append(&room, event).await.unwrap()
    };
    publish("known").await;
    let seen = publish("unknown").await;
    publish("meanwhile").await;
    broker.renew(&room, seen, vec![seen.seq]).await.unwrap();
    let begun = broker.snapshot(&room).await.unwrap();
    assert_ne!(begun.position.epoch, seen.epoch);
    let ids: Vec<&str> = begun.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["unknown", "meanwhile"]);
    // Another node that found the same has nothing left to do.
    broker.renew(&room, seen, vec![]).await.unwrap();
    let still = broker.snapshot(&room).await.unwrap();
    assert_eq!(still.position, begun.position);
    stop.cancel();
}

/// What its replica does not have yet, a master that dies takes with it.
#[tokio::test(start_paused = true)]
async fn c7_a_room_that_lost_what_only_its_publisher_knew_begins_anew() {
    let (stop, tasks, redis) = (
        CancellationToken::new(),
        TaskTracker::new(),
        SimulatedRedis::start(),
    );
    let (inbox, _receivers) = Inbox::new(1, 1_024);
    let path = Arc::new(Path::new(&redis, 0));
    let broker = RedisBroker::start(settings("t"), path, inbox, &tasks, &stop);
    assert!(broker.first(Duration::from_secs(30)).await);
    let publish = async |room: &RoomId, id: &str| {
        let event = NewEvent {
            id: id.try_into().unwrap(),
            subject: None,
            origin: None,
            data: serde_json::value::to_raw_value(&1).unwrap(),
        };
        broker.append(room, event).await.unwrap()
    };
    let rooms: [RoomId; 3] = ["board:1", "board:2", "board:3"].map(|room| room.parse().unwrap());
    let mut before = Vec::new();
    for room in &rooms {
        before.push(publish(room, "before").await.epoch);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let copy = redis.copy();
    publish(&rooms[0], "lost").await;
    let other = publish(&rooms[1], "lost").await;
    redis.start_again(Some(copy));
    // Somebody else has its place meanwhile.
    let (inbox, _others) = Inbox::new(1, 1_024);
    let path = Arc::new(Path::new(&redis, 1));
    let late = RedisBroker::start(settings("t"), path, inbox, &tasks, &stop);
    assert!(late.first(Duration::from_secs(30)).await);
    let event = NewEvent {
        id: "other".try_into().unwrap(),
        subject: None,
        origin: None,
        data: serde_json::value::to_raw_value(&1).unwrap(),
    };
    assert_eq!(late.append(&rooms[1], event).await.unwrap(), other);
    tokio::time::sleep(Duration::from_secs(10)).await;
    for ((room, before), (ids, anew)) in rooms.iter().zip(before).zip([
        (&["before"][..], true),
        (&["before", "other"], true),
        (&["before"], false),
    ]) {
        let snapshot = late.snapshot(room).await.unwrap();
        let kept: Vec<&str> = snapshot
            .events
            .iter()
            .map(|event| event.id.as_str())
            .collect();
        assert_eq!(
            (&*kept, snapshot.position.epoch != before),
            (ids, anew),
            "{room}"
        );
    }
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn the_broker_does_what_every_broker_does_over_the_stand_in() {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    suite::run(|| async {
        let redis = SimulatedRedis::start();
        let node = async || {
            let (inbox, mut receivers) = Inbox::new(1, 1_024);
            let path = Arc::new(Path::new(&redis, 0));
            let broker = RedisBroker::start(settings("t"), path, inbox, &tasks, &stop);
            assert!(broker.first(Duration::from_secs(30)).await);
            let received = receivers.remove(0);
            suite::Node { broker, received }
        };
        (node().await, node().await)
    })
    .await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

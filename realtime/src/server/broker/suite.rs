//! What every broker does: one suite, run against each implementation.
//!
//! A broker is given as a function that makes two nodes at one new meeting point, each with the messages it receives.

use std::{future::Future, time::Duration};

use serde_json::value::to_raw_value;

use super::{Broker, InboxReceiver};
use crate::{
    core::{
        message::{Entry, EntryChange, NewEvent, RoomMessage, RunId},
        replica::{Applied, Crowd, Replica},
    },
    protocol::{DeviceKind, EventId, RoomId, SessionId, Status, User},
};

/// One node's end of a broker.
pub(super) struct Node<B> {
    pub(super) broker: B,
    pub(super) received: InboxReceiver,
}

fn room() -> RoomId {
    "board:7".parse().unwrap()
}

fn entry(user: i64, session: &str, incarnation: u64, since: u64) -> Entry {
    Entry {
        session: SessionId::try_from(session).unwrap(),
        user: (user > 0).then(|| User::new(user, format!("P{user}"))),
        incarnation,
        run: RunId::default(),
        device: None,
        device_kind: DeviceKind::Other,
        status: Status::Online,
        since,
        at: Vec::new(),
    }
}

async fn next<B>(node: &mut Node<B>) -> RoomMessage {
    let message = tokio::time::timeout(Duration::from_secs(10), node.received.recv()).await;
    message
        .expect("a message in time")
        .expect("an open inbox")
        .1
}

async fn append<B: Broker>(node: &Node<B>, text: &str) -> u64 {
    let id = EventId::try_from(text).unwrap();
    node.broker
        .append(
            &room(),
            NewEvent {
                id,
                subject: None,
                origin: None,
                data: to_raw_value(text).unwrap(),
            },
        )
        .await
        .unwrap()
        .seq
}

/// Runs every part on nodes of its own.
pub(super) async fn run<B, F, Fut>(make: F)
where
    B: Broker,
    F: Fn() -> Fut,
    Fut: Future<Output = (Node<B>, Node<B>)>,
{
    events_are_numbered_and_reach_every_subscriber(make().await).await;
    an_event_published_again_keeps_its_place(make().await).await;
    only_subscribers_are_told(make().await).await;
    a_snapshot_and_what_follows_make_the_whole(make().await).await;
    an_older_incarnation_changes_nothing(make().await).await;
    a_person_stays_since_their_first_device_came(make().await).await;
    whoever_shows_themselves_comes_then(make().await).await;
}

async fn events_are_numbered_and_reach_every_subscriber<B: Broker>(
    (mut a, mut b): (Node<B>, Node<B>),
) {
    for node in [&a, &b] {
        node.broker.subscribe(&room()).await.unwrap();
        node.broker.subscribe(&room()).await.unwrap();
    }
    assert_eq!(append(&a, "one").await, 1);
    assert_eq!(append(&b, "two").await, 2);
    for node in [&mut a, &mut b] {
        for (seq, id) in [(1, "one"), (2, "two")] {
            let RoomMessage::Event { event, .. } = next(node).await else {
                panic!("an event")
            };
            assert_eq!((event.seq, event.id.as_str()), (seq, id));
        }
        assert!(
            node.received.try_recv().is_err(),
            "subscribing twice tells nothing twice"
        );
    }
}

async fn an_event_published_again_keeps_its_place<B: Broker>((mut a, b): (Node<B>, Node<B>)) {
    a.broker.subscribe(&room()).await.unwrap();
    assert_eq!(append(&a, "one").await, 1);
    assert_eq!(append(&b, "two").await, 2);
    assert_eq!(append(&b, "one").await, 1);
    assert_eq!(append(&a, "three").await, 3);
    for id in ["one", "two", "three"] {
        let RoomMessage::Event { event, .. } = next(&mut a).await else {
            panic!("an event")
        };
        assert_eq!(event.id.as_str(), id);
    }
}

async fn only_subscribers_are_told<B: Broker>((a, mut b): (Node<B>, Node<B>)) {
    b.broker.subscribe(&room()).await.unwrap();
    append(&a, "one").await;
    next(&mut b).await;
    b.broker.unsubscribe(&room()).await.unwrap();
    append(&a, "two").await;
    b.broker.subscribe(&room()).await.unwrap();
    append(&a, "three").await;
    let RoomMessage::Event { event, .. } = next(&mut b).await else {
        panic!("an event")
    };
    assert_eq!(event.id.as_str(), "three");
}

async fn a_snapshot_and_what_follows_make_the_whole<B: Broker>((a, mut b): (Node<B>, Node<B>)) {
    append(&a, "one").await;
    a.broker.enter(&room(), entry(1, "s1", 1, 5)).await.unwrap();
    b.broker.subscribe(&room()).await.unwrap();
    let mut replica = Replica::new(
        room(),
        b.broker.snapshot(&room()).await.unwrap(),
        Crowd::default(),
    );
    append(&a, "two").await;
    a.broker.enter(&room(), entry(2, "s2", 1, 6)).await.unwrap();
    a.broker
        .exit(&room(), &entry(1, "s1", 1, 5).key(), 1)
        .await
        .unwrap();
    for _ in 0..3 {
        let message = next(&mut b).await;
        assert_ne!(replica.apply(&message, 0), Applied::Gap, "{message:?}");
    }
    let fresh = Replica::new(
        room(),
        a.broker.snapshot(&room()).await.unwrap(),
        Crowd::default(),
    );
    assert_eq!(replica.first_view(), fresh.first_view());
    assert_eq!(replica.position().seq, 2);
}

async fn an_older_incarnation_changes_nothing<B: Broker>((a, mut b): (Node<B>, Node<B>)) {
    b.broker.subscribe(&room()).await.unwrap();
    let key = entry(1, "s1", 0, 0).key();
    a.broker.enter(&room(), entry(1, "s1", 2, 5)).await.unwrap();
    a.broker.exit(&room(), &key, 1).await.unwrap();
    a.broker.enter(&room(), entry(1, "s1", 1, 5)).await.unwrap();
    a.broker.exit(&room(), &key, 2).await.unwrap();
    a.broker.exit(&room(), &key, 3).await.unwrap();
    let changes = [next(&mut b).await, next(&mut b).await];
    let [
        RoomMessage::Presence {
            version: 1,
            change: EntryChange::Enter(_),
            ..
        },
        RoomMessage::Presence {
            version: 2,
            change: EntryChange::Exit(_),
            ..
        },
    ] = changes
    else {
        panic!("one enter and one exit, not {changes:?}")
    };
    assert!(b.received.try_recv().is_err());
    assert_eq!(a.broker.snapshot(&room()).await.unwrap().entries, []);
}

async fn a_person_stays_since_their_first_device_came<B: Broker>((a, _): (Node<B>, Node<B>)) {
    a.broker.enter(&room(), entry(1, "s1", 1, 5)).await.unwrap();
    a.broker.enter(&room(), entry(1, "s2", 1, 9)).await.unwrap();
    a.broker.enter(&room(), entry(0, "g1", 1, 7)).await.unwrap();
    a.broker.enter(&room(), entry(0, "g2", 1, 8)).await.unwrap();
    a.broker
        .exit(&room(), &entry(1, "s1", 1, 5).key(), 1)
        .await
        .unwrap();
    let mut since: Vec<u64> = a
        .broker
        .snapshot(&room())
        .await
        .unwrap()
        .entries
        .iter()
        .map(|entry| entry.since)
        .collect();
    since.sort_unstable();
    assert_eq!(since, [5, 7, 8], "guests are not one person");
}

async fn whoever_shows_themselves_comes_then<B: Broker>((a, _): (Node<B>, Node<B>)) {
    let enter = |session, incarnation, since, status| {
        let entry = Entry {
            status,
            ..entry(1, session, incarnation, since)
        };
        let broker = &a.broker;
        async move { broker.enter(&room(), entry).await.unwrap() }
    };
    for session in ["s1", "s2"] {
        enter(session, 1, 5, Status::Invisible).await;
    }
    for session in ["s1", "s2"] {
        enter(session, 2, 9, Status::Online).await;
    }
    let entries = a.broker.snapshot(&room()).await.unwrap().entries;
    let since: Vec<u64> = entries.iter().map(|entry| entry.since).collect();
    assert_eq!(since, [9, 9], "nothing is told of the time before");
}

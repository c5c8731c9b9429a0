//! C13: an event published in a transaction is delivered if and only if it commits, also when the process dies right
//! after. Each test runs on SQLite and on a real Postgres.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    between::Between,
    host::{Host, PostgresHost, SqliteHost},
};
use leptos_realtime::{
    Draft, Realtime, RealtimeConfig, User, UserId,
    protocol::Auth,
    rooms,
    server::{HostTransaction, PublishError, RealtimeBuilder, broker::BrokerError},
    testing::{TestClient, around_broker, beside},
};
use sqlx::Transaction;

rooms! { Board(i64) => String }

on_every_database!(
    c13_what_commits_is_delivered_once_and_in_order,
    c13_what_is_rolled_back_is_never_delivered,
    c13_what_a_dead_process_left_is_delivered_by_the_next,
    c13_nothing_is_shown_twice_where_marks_fail,
    c13_two_updates_published_in_another_order_end_at_the_newer,
    a_room_that_cannot_be_published_in_holds_nobody_up_and_keeps_its_order,
    a_room_whose_events_are_never_answered_does_not_stop_others,
    a_row_that_cannot_be_read_holds_nobody_up,
    what_only_a_newer_instance_knows_is_left_for_it,
    what_was_published_is_deleted_after_its_retention,
    the_extra_delay_is_not_longer_than_the_transaction_took,
    many_may_start_at_once_beside_the_hosts_own_migrations,
    two_instances_deliver_everything_once,
    without_its_database_nothing_is_published_in_a_transaction,
);

fn builder(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            let user = |name: &str| User::new(UserId::try_from(name).unwrap(), name);
            Ok(handshake.token().map(user))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
}

async fn node<H: Host>(host: &H) -> Realtime {
    node_with(host, RealtimeConfig::default()).await
}

async fn node_with<H: Host>(host: &H, config: RealtimeConfig) -> Realtime {
    let builder = builder(config).database(host.database().await);
    builder.start().await.unwrap()
}

/// A client that has joined a room.
async fn client(node: &Realtime, room: Board) -> TestClient {
    let auth = Auth {
        token: Some("Ada".into()),
        ..Auth::default()
    };
    let mut client = TestClient::connect(node, auth);
    client.join(room.clone(), None);
    client
        .until("the room is joined", |client| {
            client.names(room.clone()) == ["Ada"]
        })
        .await;
    client
}

async fn hears(client: &mut TestClient, room: Board, texts: &[&str]) {
    let expected: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    client
        .until(&format!("{texts:?} are here"), |client| {
            client.events(room.clone()).len() >= expected.len()
        })
        .await;
    assert_eq!(client.events(room), expected);
}

async fn unpublished<H: Host>(host: &H) -> i64 {
    host.number("select count(*) from realtime_outbox where published is null")
        .await
}

/// Waits until every row is marked.
async fn all_marked<H: Host>(host: &H) {
    unmarked_are(host, 0).await;
}

/// Waits until all but so many rows are marked.
async fn unmarked_are<H: Host>(host: &H, count: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while unpublished(host).await != count {
        assert!(Instant::now() < deadline, "rows stay unmarked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn publish<H: Host>(host: &H, node: &Realtime, room: Board, text: &str)
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let mut tx = host.begin().await;
    node.publish_in(&mut tx, room, &text.to_owned())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn c13_what_commits_is_delivered_once_and_in_order<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    let mut tx = host.begin().await;
    let texts: Vec<String> = (0..300).map(|i| i.to_string()).collect();
    for text in &texts {
        node.publish_in(&mut tx, Board(7), text).await.unwrap();
    }
    ada.run_for(Duration::from_millis(100)).await;
    assert!(ada.events(Board(7)).is_empty(), "not before the commit");
    tx.commit().await.unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    hears(&mut ada, Board(7), &texts).await;
    all_marked(&host).await;
    ada.run_for(Duration::from_millis(1_500)).await;
    hears(&mut ada, Board(7), &texts).await;
    node.shutdown().await;
}

async fn c13_what_is_rolled_back_is_never_delivered<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    let mut tx = host.begin().await;
    let never = "never".to_owned();
    node.publish_in(&mut tx, Board(7), &never).await.unwrap();
    tx.rollback().await.unwrap();
    let mut dropped = host.begin().await;
    node.publish_in(&mut dropped, Board(7), &never)
        .await
        .unwrap();
    drop(dropped);
    publish(&host, &node, Board(7), "after").await;
    ada.run_for(Duration::from_millis(1_500)).await;
    hears(&mut ada, Board(7), &["after"]).await;
    node.shutdown().await;
}

async fn c13_what_a_dead_process_left_is_delivered_by_the_next<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let first = node(&host).await;
    let mut tx = host.begin().await;
    let text = "left".to_owned();
    first.publish_in(&mut tx, Board(7), &text).await.unwrap();
    first.shutdown().await;
    tx.commit().await.unwrap();
    assert_eq!(unpublished(&host).await, 1, "nobody was there to publish");

    let second = node(&host).await;
    all_marked(&host).await;
    // A client that comes later, and begins where the room did.
    let mut ada = client(&second, Board(7)).await;
    let position = ada.view(Board(7)).unwrap().position;
    assert_eq!(position.unwrap().seq, 1);
    publish(&host, &second, Board(7), "next").await;
    hears(&mut ada, Board(7), &["next"]).await;
    second.shutdown().await;
}

async fn c13_nothing_is_shown_twice_where_marks_fail<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let appends = Arc::new(AtomicUsize::new(0));
    let counted = appends.clone();
    let builder = builder(RealtimeConfig::default()).database(host.database().await);
    let node = around_broker(builder, |inner| {
        Arc::new(Between {
            inner,
            link: None,
            before: Box::new(move |_, _| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(Duration::ZERO)
            }),
        })
    });
    let node = node.start().await.unwrap();
    let mut ada = client(&node, Board(7)).await;
    for statement in H::FORBID_MARKS {
        host.run(statement).await;
    }
    publish(&host, &node, Board(7), "once").await;
    hears(&mut ada, Board(7), &["once"]).await;
    ada.run_for(Duration::from_millis(1_500)).await;
    assert_eq!(unpublished(&host).await, 1);
    publish(&host, &node, Board(7), "another").await;
    hears(&mut ada, Board(7), &["once", "another"]).await;
    host.run(H::PERMIT_MARKS).await;
    all_marked(&host).await;
    hears(&mut ada, Board(7), &["once", "another"]).await;
    assert_eq!(
        appends.load(Ordering::Relaxed),
        2,
        "nor is it appended twice"
    );
    node.shutdown().await;
}

async fn c13_two_updates_published_in_another_order_end_at_the_newer<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    for (text, version) in [("newer", 2), ("older", 1), ("newest", 3)] {
        let mut tx = host.begin().await;
        let text = text.to_owned();
        let draft = Draft::from(&text).about("post:1", version).unwrap();
        node.publish_in(&mut tx, Board(7), draft).await.unwrap();
        tx.commit().await.unwrap();
        all_marked(&host).await;
    }
    for version in 1..=3 {
        let subject = format!(r#""subject":{{"key":"post:1","version":{version}}}"#);
        ada.until(&format!("{subject} is here"), |ada| {
            ada.received().iter().any(|text| text.contains(&subject))
        })
        .await;
    }
    let heard = ada.events(Board(7));
    assert_eq!(
        heard,
        ["\"newer\"", "\"newest\""],
        "the older one is no news"
    );
    node.shutdown().await;
}

async fn a_room_that_cannot_be_published_in_holds_nobody_up_and_keeps_its_order<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let broken = Arc::new(AtomicBool::new(true));
    let appended = Arc::new(Mutex::new(Vec::new()));
    let (is_broken, log) = (broken.clone(), appended.clone());
    let builder = builder(RealtimeConfig::default()).database(host.database().await);
    let node = around_broker(builder, |inner| {
        Arc::new(Between {
            inner,
            link: None,
            before: Box::new(move |room, event| {
                if room.id() == "13" && is_broken.load(Ordering::Relaxed) {
                    return Err(BrokerError::Unavailable("this room is broken".into()));
                }
                log.lock()
                    .unwrap()
                    .push(format!("{} {}", room.id(), event.data));
                Ok(Duration::ZERO)
            }),
        })
    });
    let node = node.start().await.unwrap();
    let mut ada = client(&node, Board(7)).await;
    // More than a batch of the broken room's stands first.
    let mut tx = host.begin().await;
    let stuck: Vec<String> = (0..300).map(|i| i.to_string()).collect();
    for text in &stuck {
        node.publish_in(&mut tx, Board(13), text).await.unwrap();
    }
    tx.commit().await.unwrap();
    publish(&host, &node, Board(7), "one").await;
    hears(&mut ada, Board(7), &["one"]).await;
    let began = Instant::now();
    publish(&host, &node, Board(7), "two").await;
    hears(&mut ada, Board(7), &["one", "two"]).await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    unmarked_are(&host, 300).await;
    broken.store(false, Ordering::Relaxed);
    all_marked(&host).await;
    let mut expected = vec!["7 \"one\"".to_owned(), "7 \"two\"".to_owned()];
    expected.extend(stuck.iter().map(|text| format!("13 \"{text}\"")));
    assert_eq!(*appended.lock().unwrap(), expected);
    node.shutdown().await;
}

async fn a_room_whose_events_are_never_answered_does_not_stop_others<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let builder = builder(RealtimeConfig::default()).database(host.database().await);
    let node = around_broker(builder, |inner| {
        Arc::new(Between {
            inner,
            link: None,
            before: Box::new(|room, _| {
                let never = Duration::from_secs(3_600);
                Ok(if room.id() == "13" {
                    never
                } else {
                    Duration::ZERO
                })
            }),
        })
    });
    let node = node.start().await.unwrap();
    let mut ada = client(&node, Board(7)).await;
    for text in ["one", "two", "three"] {
        publish(&host, &node, Board(13), text).await;
        publish(&host, &node, Board(7), text).await;
    }
    let began = Instant::now();
    hears(&mut ada, Board(7), &["one", "two", "three"]).await;
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    unmarked_are(&host, 3).await;
    node.shutdown().await;
}

async fn a_row_that_cannot_be_read_holds_nobody_up<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    host.run(
        "insert into realtime_outbox (room, event_id, data, created)
         values ('no room', 'a', '1', 0), ('board:7', '', '1', 0), ('board:7', 'b', '{', 0)",
    )
    .await;
    publish(&host, &node, Board(7), "fine").await;
    hears(&mut ada, Board(7), &["fine"]).await;
    all_marked(&host).await;
    node.shutdown().await;
}

/// A room's name, an event's and a kind of work that this version does not know, and work for people of another form.
const OF_A_NEWER_INSTANCE: &str = r#"
    insert into realtime_outbox (room, event_id, data, created)
    values ('board:7/thread', 'a', '1', 4102444800000), ('board:7', '', '1', 4102444800000),
        ('control:broadcast', 'c', '{"all":true}', 4102444800000),
        ('control:notify', 'd', '{"remind":["Ada"],"at":7}', 4102444800000)"#;

async fn what_only_a_newer_instance_knows_is_left_for_it<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    host.run(OF_A_NEWER_INSTANCE).await;
    // What comes after it does not wait: neither events nor work of the same kind.
    let mut tx = host.begin().await;
    node.publish_in(&mut tx, Board(7), &"fine".to_owned())
        .await
        .unwrap();
    let people = [UserId::try_from("Ada").unwrap()];
    node.notify_in(&mut tx, people, &"told".to_owned())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    hears(&mut ada, Board(7), &["fine"]).await;
    unmarked_are(&host, 4).await;
    let told = "select count(*) from realtime_notification";
    assert_eq!(host.number(told).await, 1);
    // Looks go by, and it is left still, also by an instance that starts.
    let other = self::node(&host).await;
    for text in ["next", "last"] {
        publish(&host, &other, Board(7), text).await;
        unmarked_are(&host, 4).await;
    }
    // Nobody came for it in all the time that there was.
    host.run("update realtime_outbox set created = 0 where published is null")
        .await;
    all_marked(&host).await;
    other.shutdown().await;
    node.shutdown().await;
}

async fn what_was_published_is_deleted_after_its_retention<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let left = node(&host).await;
    publish(&host, &left, Board(7), "old").await;
    all_marked(&host).await;
    left.shutdown().await;
    assert_eq!(
        host.number("select count(*) from realtime_outbox").await,
        1,
        "it stays for a while"
    );
    let mut config = RealtimeConfig::default();
    config.outbox_retention = Duration::ZERO;
    let node = node_with(&host, config).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while host.number("select count(*) from realtime_outbox").await > 0 {
        assert!(Instant::now() < deadline, "it is never deleted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.shutdown().await;
}

async fn the_extra_delay_is_not_longer_than_the_transaction_took<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let mut config = RealtimeConfig::default();
    // The poll plays no part.
    config.outbox_poll = Duration::from_secs(3_600);
    let node = node_with(&host, config).await;
    let mut ada = client(&node, Board(7)).await;
    // Postgres tells of commits once the line for it stands.
    publish(&host, &node, Board(7), "0").await;
    hears(&mut ada, Board(7), &["0"]).await;
    ada.run_for(Duration::from_millis(500)).await;
    let mut texts = vec!["0".to_owned()];
    for took in [0, 3, 30, 300] {
        let mut tx = host.begin().await;
        let (began, text) = (Instant::now(), took.to_string());
        node.publish_in(&mut tx, Board(7), &text).await.unwrap();
        texts.push(text);
        tokio::time::sleep(Duration::from_millis(took)).await;
        tx.commit().await.unwrap();
        let committed = Instant::now();
        let expected: Vec<&str> = texts.iter().map(String::as_str).collect();
        hears(&mut ada, Board(7), &expected).await;
        let late = committed.elapsed();
        println!(
            "a transaction of {:?} is heard {late:?} after",
            committed - began
        );
        // A busy machine has its own delays.
        assert!(
            late < committed - began + Duration::from_millis(250),
            "{late:?}"
        );
    }
    node.shutdown().await;
}

async fn many_may_start_at_once_beside_the_hosts_own_migrations<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    // The host's own migrations have numbers of their own, of which the module must not think that they are missing.
    host.run("create table _sqlx_migrations (version bigint primary key)")
        .await;
    host.run("insert into _sqlx_migrations (version) values (1), (7)")
        .await;
    let starts = (0..6).map(|_| async { node(&host).await });
    let nodes = futures::future::join_all(starts).await;
    for node in &nodes {
        publish(&host, node, Board(7), "hello").await;
    }
    all_marked(&host).await;
    let done = "select count(*) - count(distinct version) from _realtime_migrations where success";
    assert_eq!(host.number(done).await, 0, "each once");
    let theirs = "select max(version) from _sqlx_migrations";
    assert_eq!(host.number(theirs).await, 7);
    for node in nodes {
        node.shutdown().await;
    }
}

async fn two_instances_deliver_everything_once<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let one = node(&host).await;
    let config = RealtimeConfig::default();
    let two = beside(builder(config).database(host.database().await), &one);
    let two = two.start().await.unwrap();
    let mut ada = client(&one, Board(7)).await;
    let mut bob = client(&two, Board(7)).await;
    for i in 0..200 {
        let node = if i % 2 == 0 { &one } else { &two };
        publish(&host, node, Board(7), &i.to_string()).await;
    }
    all_marked(&host).await;
    for client in [&mut ada, &mut bob] {
        client
            .until("everything is here", |client| {
                client.events(Board(7)).len() >= 200
            })
            .await;
        client.run_for(Duration::from_millis(200)).await;
        let mut heard: Vec<u32> = client
            .events(Board(7))
            .iter()
            .map(|text| text.trim_matches('"').parse().unwrap())
            .collect();
        heard.sort_unstable();
        assert_eq!(heard, (0..200).collect::<Vec<_>>());
    }
    assert_eq!(ada.events(Board(7)), bob.events(Board(7)), "in one order");
    one.shutdown().await;
    two.shutdown().await;
}

async fn without_its_database_nothing_is_published_in_a_transaction<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let plain = builder(RealtimeConfig::default()).start().await.unwrap();
    let text = "hello".to_owned();
    let mut tx = host.begin().await;
    let error = plain.publish_in(&mut tx, Board(7), &text).await;
    assert!(matches!(error, Err(PublishError::NoDatabase)), "{error:?}");

    // The tables are not there: nobody has started a module on this database.
    let other = SqliteHost::new().await;
    let node = node(&other).await;
    let error = node.publish_in(&mut tx, Board(7), &text).await;
    assert!(
        matches!(
            error,
            Err(PublishError::OtherDatabase | PublishError::Database(_))
        ),
        "{error:?}"
    );
    drop(tx);
    plain.shutdown().await;
    node.shutdown().await;
}

#[tokio::test]
async fn on_postgres_a_row_of_an_earlier_number_that_commits_later_is_not_passed_over() {
    let host = PostgresHost::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    let (mut first, mut second) = (host.begin().await, host.begin().await);
    for (tx, text) in [(&mut first, "first"), (&mut second, "second")] {
        node.publish_in(tx, Board(7), &text.to_owned())
            .await
            .unwrap();
    }
    second.commit().await.unwrap();
    hears(&mut ada, Board(7), &["second"]).await;
    first.commit().await.unwrap();
    hears(&mut ada, Board(7), &["second", "first"]).await;
    node.shutdown().await;
}

#[tokio::test]
async fn on_postgres_a_lost_line_delays_events_and_loses_none() {
    let host = PostgresHost::new().await;
    let node = node(&host).await;
    let mut ada = client(&node, Board(7)).await;
    publish(&host, &node, Board(7), "before").await;
    hears(&mut ada, Board(7), &["before"]).await;
    let cut =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like 'LISTEN%'";
    assert_eq!(host.number(cut).await, 1);
    publish(&host, &node, Board(7), "while").await;
    hears(&mut ada, Board(7), &["before", "while"]).await;
    let listening = "select count(*) from pg_stat_activity where query like 'LISTEN%'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while host.number(listening).await == 0 {
        assert!(Instant::now() < deadline, "the line is not made again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    publish(&host, &node, Board(7), "after").await;
    hears(&mut ada, Board(7), &["before", "while", "after"]).await;
    node.shutdown().await;
}

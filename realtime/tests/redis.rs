//! Whole nodes that meet at a real Redis.
#![cfg(all(feature = "testing", feature = "redis"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "common/redis/mod.rs"]
#[allow(unused_imports, reason = "other tests use the rest")]
mod servers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use leptos_realtime::{
    Draft, Published, Realtime, RealtimeConfig, RedisConfig, User, UserId, protocol::Auth, rooms,
    testing::TestClient,
};
use servers::RedisServer;

rooms! {
    Board(i64) => String, u32;
}

async fn node(redis: &RedisServer) -> Realtime {
    node_with(redis, RealtimeConfig::default(), Arc::default()).await
}

/// The same with another configuration; it counts how often somebody is asked who they are.
async fn node_with(
    redis: &RedisServer,
    mut config: RealtimeConfig,
    asked: Arc<AtomicUsize>,
) -> Realtime {
    let mut redis = RedisConfig::from_url(&redis.url()).unwrap();
    redis.beat_interval = Duration::from_millis(250);
    redis.timeout = Duration::from_millis(500);
    config.redis = Some(redis);
    config.presence_window = Duration::from_millis(20);
    Realtime::builder(config)
        .authenticate(move |h| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let user = |name| User::new(UserId::try_from(name).unwrap(), name);
                Ok(h.token().map(user))
            }
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .start()
        .await
        .unwrap()
}

fn person(node: &Realtime, name: &str) -> TestClient {
    let auth = Auth {
        token: Some(name.to_owned()),
        session: Some(format!("s-{name}").try_into().unwrap()),
        ..Auth::default()
    };
    let mut client = TestClient::connect(node, auth);
    client.join(Board(7), None);
    client
}

/// Waits for something while another client goes on too.
async fn beside(other: &mut TestClient, waiting: impl Future<Output = ()>) {
    tokio::select! {
        () = waiting => {}
        () = other.run_for(Duration::from_secs(120)) => {}
    }
}

fn has(client: &TestClient, event: &str) -> bool {
    let event = format!("{event:?}");
    client.events(Board(7)).contains(&event)
}

fn sees_leave(client: &TestClient) -> bool {
    let frames = client.received().iter();
    frames
        .filter(|text| text.contains("\"room\""))
        .any(|text| text.contains("\"gone\""))
}

#[tokio::test]
async fn two_nodes_at_one_redis_are_one() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (node(&redis).await, node(&redis).await);
    let (mut ada, mut bob) = (person(&a, "Ada"), person(&b, "Bob"));
    let both = |client: &TestClient| client.names(Board(7)) == ["Ada", "Bob"];
    beside(&mut bob, ada.until("she sees both", both)).await;
    beside(&mut ada, bob.until("he sees both", both)).await;
    bob.typing(Board(7), true);
    let types = |client: &TestClient| {
        client
            .view(Board(7))
            .is_some_and(|view| !view.typing.is_empty())
    };
    beside(&mut bob, ada.until("she sees him type", types)).await;
    for (node, text) in [(&a, "one"), (&b, "two"), (&a, "three")] {
        node.publish(Board(7), &text.to_owned()).await.unwrap();
    }
    let all = |client: &TestClient| client.events(Board(7)) == ["\"one\"", "\"two\"", "\"three\""];
    beside(&mut bob, ada.until("she hears all in order", all)).await;
    beside(&mut ada, bob.until("he hears all in order", all)).await;
    bob.bye();
    let alone = |client: &TestClient| client.names(Board(7)) == ["Ada"];
    beside(&mut bob, ada.until("she sees him go", alone)).await;
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn c6_while_redis_is_away_each_node_goes_on_and_when_it_is_back_all_is_shown_once() {
    let mut redis = RedisServer::start(&[]);
    let (a, b) = (node(&redis).await, node(&redis).await);
    let (mut ada, mut bob) = (person(&a, "Ada"), person(&b, "Bob"));
    let both = |client: &TestClient| client.names(Board(7)) == ["Ada", "Bob"];
    beside(&mut bob, ada.until("she sees both", both)).await;
    beside(&mut ada, bob.until("he sees both", both)).await;
    redis.kill();
    let degraded = |client: &TestClient| client.session().is_degraded();
    beside(&mut bob, ada.until("she is told", degraded)).await;
    beside(&mut ada, bob.until("he is told", degraded)).await;
    for (node, text) in [(&a, "from a"), (&b, "from b")] {
        let text = text.to_owned();
        let draft = Draft::from(&text).id(text.clone()).unwrap();
        assert_eq!(
            node.publish(Board(7), draft).await.unwrap(),
            Published::Later
        );
    }
    beside(
        &mut bob,
        ada.until("she hears of her own instance", |ada| has(ada, "from a")),
    )
    .await;
    beside(
        &mut ada,
        bob.until("he hears of his", |bob| has(bob, "from b")),
    )
    .await;
    // Whoever comes now is seen where they are.
    let mut cyd = person(&a, "Cyd");
    let three = |client: &TestClient| client.names(Board(7)) == ["Ada", "Bob", "Cyd"];
    beside(&mut cyd, ada.until("she sees Cyd", three)).await;
    // It comes back without anything that it had.
    redis.restart();
    for client in [&mut ada, &mut bob] {
        let everything = |client: &TestClient| {
            !client.session().is_degraded()
                && has(client, "from a")
                && has(client, "from b")
                && three(client)
        };
        beside(&mut cyd, client.until("all is there", everything)).await;
    }
    for _ in 0..20 {
        for client in [&mut ada, &mut bob, &mut cyd] {
            client.run_for(Duration::from_millis(50)).await;
        }
    }
    for client in [&ada, &bob] {
        // A room whose order began anew is loaded again; what was told is not told again.
        let mut events = client.events(Board(7)).to_vec();
        events.retain(|event| event != "reset");
        events.sort_unstable();
        assert_eq!(events, ["\"from a\"", "\"from b\""], "once each");
        assert!(!sees_leave(client), "{:?}", client.received());
        assert!(three(client));
    }
    assert_eq!((a.stats().unpublished, a.stats().dropped), (0, 0));
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn at_a_redis_that_nobody_used_before_nobody_is_checked_again_for_nothing() {
    let redis = RedisServer::start(&[]);
    let mut config = RealtimeConfig::default();
    config.recheck_interval = Duration::from_millis(600);
    let asked = Arc::<AtomicUsize>::default();
    let node = node_with(&redis, config, asked.clone()).await;
    let mut ada = person(&node, "Ada");
    let is_in = |ada: &TestClient| ada.names(Board(7)) == ["Ada"];
    ada.until("she is in", is_in).await;
    let before = asked.load(Ordering::Relaxed);
    ada.run_for(Duration::from_secs(3)).await;
    assert_eq!(asked.load(Ordering::Relaxed), before);
    node.shutdown().await;
}

#[tokio::test]
async fn c1_what_a_newer_node_publishes_in_another_form_is_passed_and_what_follows_is_heard() {
    let redis = RedisServer::start(&[]);
    let node = node(&redis).await;
    let mut ada = person(&node, "Ada");
    ada.until("she is in", |ada| ada.names(Board(7)) == ["Ada"])
        .await;
    let one = "one".to_owned();
    let draft = Draft::from(&one).id("e1").unwrap();
    node.publish(Board(7), draft).await.unwrap();
    ada.until("she hears", |ada| has(ada, "one")).await;

    // As its scripts would: numbered, kept and told.
    let key = "leptos_realtime:{board:7}";
    let head: String = redis.command(&["HGET", key, "h"]);
    let parts: Vec<&str> = head.split('\t').collect();
    let [epoch, "1", version, bytes, "e1"] = parts[..] else {
        panic!("{head:?}")
    };
    let payload = r#"{"compressed":"x"}"#;
    let head = format!("{epoch}\t2\t{version}\t{bytes}\te2");
    let (log, ids) = (format!("{key}:log"), format!("{key}:ids"));
    let channel = format!("{key}:channel");
    let event = format!("E\t{epoch}\t2\t5\te2\te1\n{payload}");
    let _: i64 = redis.command(&["HSET", key, "h", &head]);
    let _: String = redis.command(&["XADD", &log, "2-0", "i", "e2", "a", "5", "p", payload]);
    let _: i64 = redis.command(&["ZADD", &ids, "2", "e2"]);
    for told in [&*event, "Q\tanother kind", "S\n{\"dance\":{}}"] {
        let heard: i64 = redis.command(&["PUBLISH", &channel, told]);
        assert_eq!(heard, 1, "{told}");
    }
    let is_at = |ada: &TestClient, seq| {
        let view = ada.view(Board(7));
        let position = view.and_then(|view| view.position);
        position.is_some_and(|position| position.seq == seq)
    };
    // Nothing follows: the room is compared in a while.
    ada.until("her place is after it", |ada| is_at(ada, 2))
        .await;
    for (seq, text) in [(3, "three"), (4, "four")] {
        node.publish(Board(7), &text.to_owned()).await.unwrap();
        ada.until("she hears what follows", |ada| {
            has(ada, text) && is_at(ada, seq)
        })
        .await;
    }
    assert_eq!(
        ada.events(Board(7)),
        ["\"one\"", "reset", "\"three\"", "\"four\""],
        "told once to look again"
    );
    assert_eq!(ada.names(Board(7)), ["Ada"]);
    assert_eq!(
        ada.session().auth().incarnation,
        1,
        "on the same connection"
    );
    node.shutdown().await;
}

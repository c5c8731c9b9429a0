//! The broker against real servers.

use std::sync::atomic::AtomicU64;

use serde_json::value::to_raw_value;

use super::{
    client::Client,
    servers::{Cluster, RedisServer},
    *,
};
use crate::{
    core::{
        log::Retention,
        message::{EntryChange, RoomMessage},
    },
    protocol::{DeviceKind, EventId, SessionId, Status, User},
    server::broker::{InboxReceiver, suite},
};

/// What the rights of a user have to be, beside its keys and channels.
const RIGHTS: &str = "-@all +@read +@write +@pubsub +@scripting +@connection +time +info";

/// How long anything may take that does not take long.
const PATIENCE: Duration = Duration::from_secs(30);

/// One process, as far as the broker knows.
struct Process {
    broker: RedisBroker,
    received: InboxReceiver,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Process {
    async fn start(url: &str, prefix: &str) -> Self {
        let config = RedisConfig::from_url(url).unwrap();
        let transport = Arc::new(Client::new(&config).unwrap());
        let (inbox, mut receivers) = Inbox::new(1, 1_024);
        let settings = Settings {
            beat: Duration::from_millis(100),
            timeout: Duration::from_secs(2),
            prefix: prefix.to_owned(),
            name: "test".to_owned(),
            retention: Retention::default(),
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let broker = RedisBroker::start(settings, transport, inbox, &tasks, &stop);
        assert!(broker.first(PATIENCE).await, "Redis is reached");
        Self {
            broker,
            received: receivers.remove(0),
            stop,
            tasks,
        }
    }

    /// Ends without a word, as a process that is killed.
    async fn kill(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn next(&mut self) -> RoomMessage {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
            let (_, message) = next.expect("a message in time").expect("an open inbox");
            if !matches!(message, RoomMessage::Head { .. }) {
                return message;
            }
        }
    }

    async fn append(&self, text: &str) -> Position {
        let event = NewEvent {
            id: EventId::try_from(text).unwrap(),
            subject: None,
            origin: None,
            data: to_raw_value(text).unwrap(),
        };
        self.broker.append(&room(), event).await.unwrap()
    }

    async fn events(&self) -> Vec<String> {
        let snapshot = self.broker.snapshot(&room()).await.unwrap();
        snapshot
            .events
            .iter()
            .map(|event| event.id.to_string())
            .collect()
    }
}

fn room() -> RoomId {
    "board:7".parse().unwrap()
}

fn entry(user: i64, session: &str) -> Entry {
    Entry {
        session: SessionId::try_from(session).unwrap(),
        user: Some(User::new(user, format!("P{user}"))),
        incarnation: 1,
        run: RunId::default(),
        device: None,
        device_kind: DeviceKind::Other,
        status: Status::Online,
        since: 5,
        at: Vec::new(),
    }
}

/// The suite of every broker, with this user at these servers.
async fn suite_at(url: &str) {
    let count = AtomicU64::new(0);
    suite::run(|| async {
        let prefix = format!("t{}", count.fetch_add(1, Ordering::Relaxed));
        let [one, other] = [
            Process::start(url, &prefix).await,
            Process::start(url, &prefix).await,
        ]
        .map(|process| suite::Node {
            broker: process.broker,
            received: process.received,
        });
        (one, other)
    })
    .await;
}

#[tokio::test]
async fn the_redis_broker_does_what_every_broker_does() {
    suite_at(&RedisServer::start(&[]).url()).await;
}

#[tokio::test]
async fn a_user_needs_no_more_rights_than_the_documented_ones() {
    let mut options = vec!["--user", "app", "on", ">s3cret", "~t*:*", "&t*:*"];
    options.extend(RIGHTS.split(' '));
    let server = RedisServer::start(&options);
    let url = format!("redis://app:s3cret@127.0.0.1:{}", server.port());
    suite_at(&url).await;
}

#[tokio::test]
async fn the_redis_broker_does_the_same_at_a_cluster() {
    let cluster = Cluster::start();
    suite_at(&cluster.url()).await;
}

#[tokio::test]
async fn c4_who_was_at_a_killed_node_leaves_once_and_the_run_never_comes_back() {
    let server = RedisServer::start(&[]);
    let one = Process::start(&server.url(), "t").await;
    let mut other = Process::start(&server.url(), "t").await;
    other.broker.subscribe(&room()).await.unwrap();
    for (user, session) in [(1, "a"), (2, "b")] {
        one.broker
            .enter(&room(), entry(user, session))
            .await
            .unwrap();
    }
    // One of them came back elsewhere before anybody noticed.
    let moved = Entry {
        incarnation: 2,
        ..entry(2, "b")
    };
    other.broker.enter(&room(), moved).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(
            other.next().await,
            RoomMessage::Presence {
                change: EntryChange::Enter(_),
                ..
            }
        ));
    }
    let node = one.broker.0.clone();
    let run = node.run();
    assert_eq!(other.broker.nodes().len(), 2);
    one.kill().await;
    let RoomMessage::Presence {
        change: EntryChange::Exit(gone),
        ..
    } = other.next().await
    else {
        panic!("somebody leaves")
    };
    assert_eq!(gone, entry(1, "a").key());
    let here = other.broker.snapshot(&room()).await.unwrap().entries;
    assert_eq!(here.len(), 1);
    assert_eq!(other.broker.nodes().len(), 1);
    assert_eq!(other.broker.standing(run), Standing::Gone);
    let exists: i64 = server.command(&["EXISTS", &format!("t:{{control:all}}:rooms:{run}")]);
    assert_eq!(exists, 0, "nothing of it is left");

    // A process that was only stopped goes on where it was: what it says late is not heard.
    let late = entry(3, "c");
    let field = format::field(&late.key());
    let line = format::line(&Entry { run, ..late });
    let args = [field.as_bytes(), line.as_bytes()];
    let answer = other
        .broker
        .0
        .ask_room(&script::ENTER, &room(), &args)
        .await;
    assert_eq!(format::text(answer.unwrap()).as_deref(), Some("dead"));
    let beaten = other
        .broker
        .0
        .ask(
            &script::BEAT,
            &other.broker.0.keys.beat(),
            &[
                run.to_string().as_bytes(),
                b"9",
                b"100\t0\t1\t-\tlate",
                b"register",
            ],
        )
        .await;
    assert_eq!(format::text(beaten.unwrap()).as_deref(), Some("swept"));
    other.kill().await;
}

#[tokio::test]
async fn c7_a_room_that_lost_events_begins_anew_with_those_that_nobody_else_knows() {
    let server = RedisServer::start(&[]);
    let one = Process::start(&server.url(), "t").await;
    for text in ["one", "two", "three"] {
        one.append(text).await;
    }
    one.broker.enter(&room(), entry(1, "a")).await.unwrap();
    let before = one.broker.snapshot(&room()).await.unwrap().position;
    // Even more was lost since it was looked at: it is looked at again.
    let later = Position { seq: 4, ..before };
    one.broker.renew(&room(), later, vec![]).await.unwrap();
    assert_eq!(one.broker.snapshot(&room()).await.unwrap().position, before);

    // What was appended since is kept.
    let earlier = Position { seq: 2, ..before };
    one.broker.renew(&room(), earlier, vec![]).await.unwrap();
    let anew = one.broker.snapshot(&room()).await.unwrap();
    assert_ne!(anew.position.epoch, before.epoch);
    assert_eq!(
        (anew.position.seq, anew.version, anew.entries.len()),
        (1, 0, 0)
    );
    assert_eq!(one.events().await, ["three"]);
    // What was published before is known still, and has no place in the new order.
    assert_eq!(one.append("one").await.seq, 0);
    assert_eq!(one.append("four").await.seq, 2);
    assert_eq!(one.events().await, ["three", "four"]);
    one.kill().await;
}

#[tokio::test]
async fn a_log_keeps_no_more_than_its_retention() {
    let server = RedisServer::start(&[]);
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let retention = Retention {
        count: 5,
        bytes: 100,
        ..Retention::default()
    };
    let (inbox, received) = Inbox::new(1, 64);
    let broker = RedisBroker::connect(&config, retention, inbox, &tasks, &stop).unwrap();
    assert!(broker.first(PATIENCE).await);
    let process = Process {
        broker,
        received: received.into_iter().next().unwrap(),
        stop,
        tasks,
    };
    for i in 0..20 {
        assert_eq!(process.append(&format!("e{i:02}")).await.seq, i + 1);
    }
    assert_eq!(process.events().await, ["e15", "e16", "e17", "e18", "e19"]);
    process.append(&"x".repeat(60)).await;
    process.append(&"y".repeat(60)).await;
    assert_eq!(
        process.events().await,
        ["y".repeat(60)],
        "100 bytes hold no two of 60"
    );
    process.kill().await;
}

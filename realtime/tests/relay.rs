//! Relays: what is published in one community reaches its partners, once, marked as coming from there. Each test runs on
//! SQLite and on a real Postgres.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::host::Host;
use leptos_realtime::{
    Notice, Notification, NotificationData, Original, Realtime, RealtimeConfig, RelayError,
    Relayed, Room, User, UserId, ViewState,
    core::view::RoomView,
    protocol::{Auth, InboxChange, InboxRoom},
    rooms,
    server::HostTransaction,
    testing::TestClient,
};
use serde::{Deserialize, Serialize};
use sqlx::Transaction;

rooms! { Board(i64) => String }

on_every_database!(
    what_is_published_reaches_a_partner_once_and_marked_and_no_further,
    what_a_relay_cannot_say_is_asked_again_and_nothing_is_told_twice,
    what_a_relay_never_can_say_holds_nothing_else_up,
    what_died_before_its_mark_is_relayed_once,
    people_of_a_partner_are_notified_once,
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told(String);

impl NotificationData for Told {
    fn kind(&self) -> &'static str {
        "partner"
    }

    fn title(notification: &Notification<Self>) -> String {
        notification.data.0.clone()
    }
}

/// Boards 1 and 2 are partners of each other, 3 is nobody's.
fn partners(original: &Original) -> Result<Vec<Relayed>, RelayError> {
    let Some((Board(board), text)) = original.read::<Board>() else {
        return Ok(Vec::new());
    };
    match board {
        1 => Ok(vec![Relayed::event(Board(2), &text, "one")?]),
        2 => Ok(vec![Relayed::event(Board(1), &text, "two")?]),
        _ => Ok(Vec::new()),
    }
}

async fn node<H: Host>(
    host: &H,
    relay: impl Fn(Original) -> Result<Vec<Relayed>, RelayError> + Send + Sync + 'static,
) -> Realtime {
    let builder = Realtime::builder(RealtimeConfig::default())
        .authenticate(|handshake| async move {
            let user = |name: &str| User::new(UserId::try_from(name).unwrap(), name);
            Ok(handshake.token().map(user))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .relay(move |original| std::future::ready(relay(original)))
        .database(host.database().await);
    builder.start().await.unwrap()
}

/// Ada, who looks at some boards and at her inbox.
async fn ada(node: &Realtime, boards: &[i64]) -> TestClient {
    let auth = Auth {
        token: Some("Ada".into()),
        ..Auth::default()
    };
    let mut ada = TestClient::connect(node, auth);
    for board in boards {
        ada.join(Board(*board), None);
    }
    let inbox = InboxRoom(UserId::try_from("Ada").unwrap());
    ada.join(inbox.clone(), None);
    ada.until("the rooms are joined", |ada| {
        let live = |view: Option<&RoomView>| view.is_some_and(|view| view.state == ViewState::Live);
        boards.iter().all(|board| live(ada.view(Board(*board)))) && live(ada.view(inbox.clone()))
    })
    .await;
    ada
}

async fn publish<H: Host>(host: &H, node: &Realtime, board: i64, text: &str)
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let mut tx = host.begin().await;
    node.publish_in(&mut tx, Board(board), &text.to_owned())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn all_marked<H: Host>(host: &H) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let left = "select count(*) from realtime_outbox where published is null";
    while host.number(left).await != 0 {
        assert!(Instant::now() < deadline, "rows stay unmarked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What is heard in a board, each with the community that it comes from.
fn heard(ada: &TestClient, board: i64) -> Vec<String> {
    let room = Board(board).room_id();
    let frames = ada.received().iter();
    let events = frames.filter_map(|frame| {
        let frame: (String, serde_json::Value) =
            serde_json::from_str(frame.strip_prefix("42")?).ok()?;
        (frame.0 == "room" && frame.1["room"] == room.as_str()).then(|| frame.1["events"].clone())
    });
    let events = events
        .filter_map(|events| events.as_array().cloned())
        .flatten();
    events
        .map(|event| {
            let origin = event["origin"].as_str().unwrap_or("here");
            format!(
                "{} from {origin}",
                event["data"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

async fn what_is_published_reaches_a_partner_once_and_marked_and_no_further<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host, |original| partners(&original)).await;
    let mut ada = ada(&node, &[1, 2, 3]).await;
    publish(&host, &node, 1, "a").await;
    publish(&host, &node, 2, "b").await;
    publish(&host, &node, 3, "c").await;
    ada.until("partners hear of it", |ada| {
        heard(ada, 1).len() >= 2 && heard(ada, 2).len() >= 2
    })
    .await;
    all_marked(&host).await;
    ada.run_for(Duration::from_millis(1_500)).await;
    for (board, expected) in [
        (1, vec!["a from here", "b from two"]),
        (2, vec!["a from one", "b from here"]),
        (3, vec!["c from here"]),
    ] {
        let mut heard = heard(&ada, board);
        heard.sort();
        assert_eq!(heard, expected, "board {board}");
    }
    node.shutdown().await;
}

async fn what_a_relay_cannot_say_is_asked_again_and_nothing_is_told_twice<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let node = node(&host, move |original| {
        match counted.fetch_add(1, Ordering::Relaxed) {
            0..3 => Err("the table of partners is away".into()),
            _ => partners(&original),
        }
    })
    .await;
    let mut ada = ada(&node, &[1, 2]).await;
    publish(&host, &node, 1, "a").await;
    ada.until("the partner hears of it", |ada| !heard(ada, 2).is_empty())
        .await;
    all_marked(&host).await;
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert_eq!(heard(&ada, 1), ["a from here"]);
    assert_eq!(heard(&ada, 2), ["a from one"]);
    node.shutdown().await;
}

async fn what_a_relay_never_can_say_holds_nothing_else_up<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host, |original| match original.read::<Board>() {
        Some((_, text)) if text == "never" => Err("no table of partners".into()),
        Some((_, text)) if text == "much" => {
            let much = "x".repeat(RealtimeConfig::default().max_event_bytes);
            Ok(vec![Relayed::event(Board(2), &much, "one")?])
        }
        _ => partners(&original),
    })
    .await;
    let mut ada = ada(&node, &[1, 2]).await;
    for text in ["never", "a", "much", "b"] {
        publish(&host, &node, 1, text).await;
    }
    ada.until("the partner hears of the others", |ada| {
        heard(ada, 2) == ["a from one", "b from one"]
    })
    .await;
    ada.run_for(Duration::from_secs(1)).await;
    let said = ["never", "a", "much", "b"].map(|text| format!("{text} from here"));
    assert_eq!(heard(&ada, 1), said, "each once");
    let left = "select count(*) from realtime_outbox where published is null";
    assert_eq!(host.number(left).await, 1, "one is asked for again");
    for origin in ["", "a\0b", &"x".repeat(65)] {
        let refused = Relayed::event(Board(2), &"a".to_owned(), origin).unwrap_err();
        assert!(refused.to_string().contains("1 to 64 bytes"), "{refused}");
    }
    node.shutdown().await;
}

async fn what_died_before_its_mark_is_relayed_once<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host, |original| partners(&original)).await;
    let mut ada = ada(&node, &[1, 2]).await;
    for forbid in H::FORBID_MARKS {
        host.run(forbid).await;
    }
    publish(&host, &node, 1, "a").await;
    ada.until("it is published", |ada| !heard(ada, 1).is_empty())
        .await;
    ada.run_for(Duration::from_millis(500)).await;
    assert!(heard(&ada, 2).is_empty(), "not before the mark");
    host.run(H::PERMIT_MARKS).await;
    ada.until("the partner hears of it", |ada| !heard(ada, 2).is_empty())
        .await;
    all_marked(&host).await;
    let rows = host.number("select count(*) from realtime_outbox").await;
    assert_eq!(
        (rows, heard(&ada, 1).len(), heard(&ada, 2).len()),
        (2, 1, 1)
    );
    node.shutdown().await;
}

async fn people_of_a_partner_are_notified_once<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let failing = Arc::new(AtomicUsize::new(0));
    let node = node(&host, move |original| {
        let (_, text) = original.read::<Board>().unwrap();
        let told = Told(text);
        let people = ["Ada", "Bob"].map(|name| UserId::try_from(name).unwrap());
        let notice = Notice::new(&told).origin("one");
        let relayed = vec![Relayed::notify(people, notice)?];
        match failing.fetch_add(1, Ordering::Relaxed) {
            0 => Err("not now".into()),
            _ => Ok(relayed),
        }
    })
    .await;
    let mut ada = ada(&node, &[]).await;
    publish(&host, &node, 1, "a").await;
    let inbox = InboxRoom(UserId::try_from("Ada").unwrap());
    ada.until("Ada is told", |ada| !ada.events(inbox.clone()).is_empty())
        .await;
    all_marked(&host).await;
    let [told] = ada.events(inbox.clone()) else {
        panic!("told more than once")
    };
    let told: InboxChange = serde_json::from_str(told).unwrap();
    let told = &told.notifications.unwrap()[0];
    assert_eq!(told.origin.as_deref(), Some("one"));
    assert_eq!(told.read_as::<Told>().unwrap().data, Told("a".to_owned()));
    let rows = host
        .number("select count(*) from realtime_notification")
        .await;
    assert_eq!(rows, 2);
    node.shutdown().await;
}

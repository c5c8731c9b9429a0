//! What becomes of a delivery, on either database, whatever the channel is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use leptos_realtime::{
    Realtime, SendError,
    core::session::Connection,
    protocol::Auth,
    server::StartError,
    testing::{TestClient, beside},
};
use sqlx::{Connection as _, Executor, PgConnection};

use super::support::{Note, Recorder, builder, config, id, until};
use crate::common::host::{Host, PostgresHost};

on_every_database!(
    what_is_told_is_sent_once_and_in_order_by_either_of_two_instances,
    what_was_seen_or_whose_person_is_here_is_not_sent,
    what_fails_is_tried_again_and_then_given_up,
    an_address_that_is_gone_is_unlinked_with_a_notice,
    what_was_sent_and_cannot_be_marked_is_not_sent_again,
    what_no_type_words_holds_nothing_up,
    deliveries_go_on_when_the_database_is_back,
);

const PENDING: &str = "select count(*) from realtime_delivery where done is null";

async fn node<H: Host>(host: &H, recorder: &Recorder) -> Realtime {
    let builder = builder(config()).channel(recorder.clone());
    builder
        .database(host.database().await)
        .start()
        .await
        .unwrap()
}

/// Until nothing waits.
async fn settled<H: Host>(host: &H) {
    until("nothing waits", async || host.number(PENDING).await == 0).await;
}

async fn tell(realtime: &Realtime, user: &str, n: i64) {
    let told = realtime.notify([id(user)], &Note { n }).await.unwrap();
    assert_eq!(told, 1);
}

async fn what_is_told_is_sent_once_and_in_order_by_either_of_two_instances<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let one = node(&host, &recorder).await;
    let two = builder(config())
        .channel(recorder.clone())
        .database(host.database().await);
    let two = beside(two, &one).start().await.unwrap();
    let people = ["ada", "bob", "cyd", "dan"];
    for name in people {
        one.link_channel(id(name), "recorder", name).await.unwrap();
    }
    let failures = std::sync::Mutex::new(0);
    recorder.fail(move |_| {
        let mut count = failures.lock().unwrap();
        *count += 1;
        (*count % 5 == 0).then(|| SendError::later("the fifth"))
    });
    for n in 0..30 {
        let teller = if n % 2 == 0 { &one } else { &two };
        let told = teller.notify(people.map(id), &Note { n }).await.unwrap();
        assert_eq!(told, 4);
    }
    settled(&host).await;
    let all: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    for name in people {
        assert_eq!(recorder.titles(name), all);
    }
    let tries = recorder.tried.lock().unwrap().len();
    assert_eq!(tries, 150 - 1, "each failure once more");
    let message = recorder.sent.lock().unwrap()[0].1.clone();
    assert_eq!(message.kind, "note");
    assert_eq!(message.link.as_deref(), Some("https://forum.example/n/0"));
    one.shutdown().await;
    two.shutdown().await;
}

async fn what_was_seen_or_whose_person_is_here_is_not_sent<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    // Nothing is sent by itself.
    let mut later = config();
    later.channel_delay = Duration::from_secs(3_600);
    let silent = builder(later).channel(recorder.clone());
    let silent = silent.database(host.database().await);
    let silent = silent.start().await.unwrap();
    for name in ["ada", "bob", "cyd", "dan"] {
        silent
            .link_channel(id(name), "recorder", name)
            .await
            .unwrap();
        tell(&silent, name, 7).await;
    }
    host.run("update realtime_notification set read = 1 where user_id = 'ada'")
        .await;
    host.run("update realtime_notification set seen = 1 where user_id = 'bob'")
        .await;
    host.run("update realtime_notification set archived = updated where user_id = 'dan'")
        .await;
    let auth = Auth {
        token: Some("cyd".into()),
        ..Auth::default()
    };
    let mut cyd = TestClient::connect(&silent, auth);
    cyd.until("she is here", |cyd| {
        matches!(cyd.connection(), Connection::Live)
    })
    .await;
    until("others see her", async || {
        silent.online(id("cyd")).await.unwrap()
    })
    .await;
    host.run("update realtime_delivery set due = since").await;
    settled(&host).await;
    assert!(recorder.tried.lock().unwrap().is_empty());
    let present =
        "select count(*) from realtime_delivery where user_id = 'cyd' and outcome = 'present'";
    assert_eq!(host.number(present).await, 1);
    let read = "select count(*) from realtime_delivery where outcome = 'read'";
    assert_eq!(host.number(read).await, 3);

    // Who hides is told all the same.
    silent.set_invisible(id("cyd"), true).await.unwrap();
    until("nobody sees her", async || {
        !silent.online(id("cyd")).await.unwrap()
    })
    .await;
    tell(&silent, "cyd", 8).await;
    host.run("update realtime_delivery set due = since where done is null")
        .await;
    settled(&host).await;
    assert_eq!(recorder.titles("cyd"), ["8"]);
    drop(cyd);
    silent.shutdown().await;
}

async fn what_fails_is_tried_again_and_then_given_up<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    node.link_channel(id("ada"), "recorder", "ada")
        .await
        .unwrap();
    recorder.fail(|title| match title {
        "1" => Some(SendError::later("never")),
        "2" => Some(SendError::Refused("not this".to_owned())),
        _ => None,
    });
    for n in 0..4 {
        tell(&node, "ada", n).await;
    }
    settled(&host).await;
    assert_eq!(
        recorder.titles("ada"),
        ["0", "3"],
        "what comes after is sent"
    );
    let tried = recorder.tried.lock().unwrap().clone();
    let tries = |title: &str| tried.iter().filter(|tried| *tried == title).count();
    assert_eq!(
        [tries("0"), tries("1"), tries("2"), tries("3")],
        [1, 20, 1, 1]
    );
    node.shutdown().await;
}

async fn an_address_that_is_gone_is_unlinked_with_a_notice<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    node.link_channel(id("ada"), "recorder", "old")
        .await
        .unwrap();
    let told = Arc::new(AtomicBool::new(false));
    let all_told = told.clone();
    recorder.fail(move |_| {
        Some(match all_told.load(Ordering::Relaxed) {
            true => SendError::Gone("blocked".to_owned()),
            false => SendError::Later {
                after: Some(Duration::from_millis(100)),
                why: "not all are told".to_owned(),
            },
        })
    });
    for n in 0..3 {
        tell(&node, "ada", n).await;
    }
    told.store(true, Ordering::Relaxed);
    settled(&host).await;
    let tried = recorder.tried.lock().unwrap().clone();
    assert!(
        tried.iter().all(|title| title == "0"),
        "the others wait for it: {tried:?}"
    );
    let linked = node.linked_channels(id("ada")).await.unwrap();
    assert_eq!((&*linked[0].channel, linked[0].linked), ("recorder", None));
    assert_eq!(linked[0].problem.as_deref(), Some("blocked"));
    tell(&node, "ada", 3).await;
    assert_eq!(host.number(PENDING).await, 0, "nothing is to be sent");

    recorder.fail(|_| None);
    node.link_channel(id("ada"), "recorder", "new")
        .await
        .unwrap();
    let linked = node.linked_channels(id("ada")).await.unwrap();
    assert!(linked[0].linked.is_some() && linked[0].problem.is_none());
    tell(&node, "ada", 4).await;
    settled(&host).await;
    assert_eq!(recorder.titles("new"), ["4"]);
    node.shutdown().await;
}

async fn what_was_sent_and_cannot_be_marked_is_not_sent_again<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    node.link_channel(id("ada"), "recorder", "ada")
        .await
        .unwrap();
    for statement in H::FORBID_DELIVERED {
        host.run(statement).await;
    }
    tell(&node, "ada", 1).await;
    until("it is sent", async || !recorder.titles("ada").is_empty()).await;
    tell(&node, "ada", 2).await;
    // As if the claim had ended meanwhile.
    host.run("update realtime_delivery set claimed_until = 0")
        .await;
    let claims = "select count(*) from realtime_delivery where claimed_until > 0";
    until("it is claimed anew", async || host.number(claims).await > 0).await;
    host.run(H::PERMIT_DELIVERED).await;
    settled(&host).await;
    assert_eq!(recorder.titles("ada"), ["1", "2"]);
    assert_eq!(recorder.tried.lock().unwrap().len(), 2);
    node.shutdown().await;
}

async fn what_no_type_words_holds_nothing_up<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    node.link_channel(id("ada"), "recorder", "ada")
        .await
        .unwrap();
    tell(&node, "ada", 1).await;
    settled(&host).await;
    let odd = "insert into realtime_notification
            (user_id, kind, data, count, created, updated, change)
        values ('ada', 'note', '{\"x\": []}', 1, 1, 1, 0)";
    host.run(odd).await;
    let odd = "insert into realtime_delivery (notification, user_id, channel, due, since)
        select max(id), 'ada', 'recorder', max(updated), max(updated) from realtime_notification";
    host.run(odd).await;
    let none = "insert into realtime_delivery (notification, user_id, channel, due, since)
        select -1, 'ada', 'recorder', max(updated), max(updated) from realtime_notification";
    host.run(none).await;
    let forgotten = "insert into realtime_delivery (notification, user_id, channel, due, since)
        select -2, 'ada', 'another', max(updated), max(updated) from realtime_notification";
    host.run(forgotten).await;
    tell(&node, "ada", 2).await;
    until("what can be sent is", async || {
        recorder.titles("ada") == ["1", "2"]
    })
    .await;
    for outcome in [
        "select count(*) from realtime_delivery where outcome = 'unworded'",
        "select count(*) from realtime_delivery where outcome = 'deleted'",
    ] {
        assert_eq!(host.number(outcome).await, 1, "{outcome}");
    }
    node.shutdown().await;
}

async fn deliveries_go_on_when_the_database_is_back<H: Host>() {
    let (host, recorder) = (H::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    for user in ["ada", "bob"] {
        node.link_channel(id(user), "recorder", user).await.unwrap();
        for n in 0..10 {
            tell(&node, user, n).await;
        }
    }
    until("some is sent", async || !recorder.titles("ada").is_empty()).await;
    host.run("alter table realtime_delivery rename to realtime_away")
        .await;
    let link = node.linked_channels(id("ada")).await;
    assert!(link.is_ok(), "the rest goes on");
    // Whatever is under way comes to its end, and the worker to a pause.
    tokio::time::sleep(Duration::from_millis(300)).await;
    host.run("alter table realtime_away rename to realtime_delivery")
        .await;
    settled(&host).await;
    let all: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    for user in ["ada", "bob"] {
        assert_eq!(recorder.titles(user), all);
    }
    node.shutdown().await;
}

/// Every connection is cut, and none is taken for a while.
#[tokio::test]
async fn a_postgres_that_was_away_is_gone_on_with() {
    let (host, recorder) = (PostgresHost::new().await, Recorder::new());
    let node = node(&host, &recorder).await;
    node.link_channel(id("ada"), "recorder", "ada")
        .await
        .unwrap();
    for n in 0..20 {
        tell(&node, "ada", n).await;
    }
    until("some is sent", async || recorder.titles("ada").len() > 2).await;
    let other = host.server.options().database("template1");
    let mut other = PgConnection::connect_with(&other).await.unwrap();
    let away = "alter database postgres with allow_connections false";
    other.execute(away).await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'";
    other.execute(cut).await.unwrap();
    let refused = node.link_channel(id("bob"), "recorder", "bob").await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("cannot be read or written"), "{refused}");
    let back = "alter database postgres with allow_connections true";
    other.execute(back).await.unwrap();
    until("all is sent", async || recorder.titles("ada").len() >= 20).await;
    settled(&host).await;
    let all: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(
        recorder.titles("ada"),
        all,
        "once, also what could not be marked at first"
    );
    node.shutdown().await;
}

#[tokio::test]
async fn what_a_channel_needs_is_asked_for_at_the_start() {
    let none = builder(config()).channel(Recorder::new()).start().await;
    let Err(StartError::Missing(missing)) = none.map(drop) else {
        panic!("a database is missing");
    };
    assert_eq!(missing, "database");
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
    let twice = builder(config())
        .channel(Recorder::new())
        .channel(Recorder::new());
    let twice = twice.database(pool.clone()).start().await.map(drop);
    assert!(matches!(twice, Err(StartError::ChannelName("recorder"))));
    let unworded = Realtime::builder(config())
        .authenticate(|_| async { Ok(None::<leptos_realtime::User>) })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .channel(Recorder::new());
    let unworded = unworded.database(pool).start().await.map(drop);
    let error = unworded.unwrap_err().to_string();
    assert!(error.contains(".notifications::<…>(…)"), "{error}");
}

//! C10 on several instances: what a host does on one of them holds on all.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use leptos_realtime::{
    core::message::NewEvent,
    protocol::EventId,
    server::broker::Broker,
    testing::{Cluster, LinkFaults, around_broker, handshake},
};

use super::slow::Slow;
use super::support::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two nodes, with Ada at the first and Bob at the second.
async fn ada_and_bob(build: impl Fn() -> RealtimeBuilder + Send + Sync + 'static) -> Cluster {
    let mut cluster = Cluster::start(7, 2, build).await;
    for (node, name) in [(0, "Ada"), (1, "Bob")] {
        let client = cluster.connect(node, auth(name));
        cluster.client(client).join(Board(7), None);
    }
    let both = |cluster: &mut Cluster| {
        let mut clients = cluster.clients().iter();
        clients.all(|client| client.names(Board(7)) == ["Ada", "Bob"])
    };
    cluster.eventually("both see both", both).await;
    cluster
}

const ADA: usize = 0;
const BOB: usize = 1;

fn stopped(client: &TestClient) -> Option<(CloseAction, ErrorCode)> {
    match client.connection() {
        Connection::Stopped(goodbye) => Some((goodbye.action, goodbye.error.code)),
        _ => None,
    }
}

const KICKED: Option<(CloseAction, ErrorCode)> = Some((CloseAction::Stop, ErrorCode::Kicked));
const REVOKED: Option<(CloseAction, ErrorCode)> =
    Some((CloseAction::SignIn, ErrorCode::Unauthorized));

/// Tokens are `name` or `name@when it was issued`, in milliseconds from now.
fn dated() -> RealtimeBuilder {
    let now = now();
    builder().authenticate(move |handshake| async move {
        let Some(token) = handshake.token() else {
            return Ok(None);
        };
        let (name, issued) = token.split_once('@').unwrap_or((token, "-1000"));
        let issued = now.checked_add_signed(issued.parse().unwrap());
        Ok(Some(SignIn {
            user: user(name),
            issued,
            expires: None,
        }))
    })
}

fn now() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

#[tokio::test(start_paused = true)]
async fn c10_who_is_kicked_on_one_node_is_gone_on_all_and_stays_away() {
    let mut cluster = ada_and_bob(builder).await;
    cluster.node(0).kick(id("Bob")).await;
    assert_eq!(cluster.node(0).stats().untold, 0);
    cluster.run_for(SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    assert_eq!(cluster.clients()[ADA].names(Board(7)), ["Ada"]);
    assert!(!cluster.node(0).online(id("Bob")).await.unwrap());
    cluster.run_for(30 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    // It is kept nowhere: a new page may come.
    let again = cluster.connect(1, tab("Bob", "again"));
    cluster.run_for(30 * SECOND).await;
    assert!(live(&cluster.clients()[again]));
    assert!(live(&cluster.clients()[ADA]));
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_two_nodes_that_kick_at_the_same_time_kick_once() {
    let mut cluster = ada_and_bob(builder).await;
    let (one, two) = (cluster.node(0).clone(), cluster.node(1).clone());
    futures::future::join(one.kick(id("Bob")), two.kick(id("Bob"))).await;
    cluster.run_for(SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    let again = [
        cluster.connect(0, tab("Bob", "one")),
        cluster.connect(1, tab("Bob", "two")),
    ];
    cluster.run_for(30 * SECOND).await;
    for client in again {
        assert!(live(&cluster.clients()[client]), "not kicked again");
    }
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_what_is_revoked_on_one_node_is_good_for_nothing_on_any() {
    let mut cluster = ada_and_bob(dated).await;
    let newer = Auth {
        token: Some("Bob@3600000".to_owned()),
        ..tab("Bob", "newer")
    };
    let newer = cluster.connect(1, newer);
    cluster.run_for(SECOND).await;
    cluster.node(0).revoke(id("Bob")).await.unwrap();
    cluster.run_for(SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), REVOKED);
    assert!(
        live(&cluster.clients()[newer]),
        "who signed in after it was revoked stays, where that is heard late"
    );
    for node in [0, 1] {
        let old = cluster.connect(node, tab("Bob", "old"));
        cluster.run_for(SECOND).await;
        assert_eq!(stopped(&cluster.clients()[old]), REVOKED);
        let parts = http::Request::new(()).into_parts().0;
        let page = handshake(parts, Some("Bob".to_owned()));
        assert!(cluster.node(node).first_view(page, Board(7)).await.is_err());
    }
    assert!(live(&cluster.clients()[ADA]));
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_who_is_hidden_on_one_node_is_hidden_on_all() {
    let mut cluster = ada_and_bob(builder).await;
    // Bob has a phone at the first node, and Cyd looks on from the second.
    let phone = cluster.connect(0, tab("Bob", "phone"));
    let cyd = cluster.connect(1, auth("Cyd"));
    for client in [phone, cyd] {
        cluster.client(client).join(Board(7), None);
    }
    cluster.run_for(SECOND).await;
    for node in [0, 1] {
        let people = cluster.node(node).presence(Board(7)).await.unwrap();
        let names: Vec<_> = people.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(
            names,
            ["Ada", "Bob", "Cyd"],
            "in the order in which they came"
        );
        assert!(cluster.node(node).online(id("Bob")).await.unwrap());
        assert!(!cluster.node(node).online(id("Nobody")).await.unwrap());
    }
    let mut hidden = false;
    for step in 0..4 {
        hidden = !hidden;
        match step {
            // The host, on either node, and Bob himself.
            0 | 1 => cluster
                .node(step)
                .set_invisible(id("Bob"), hidden)
                .await
                .unwrap(),
            2 => drop(cluster.client(BOB).set_invisible(hidden)),
            _ => drop(cluster.client(phone).set_invisible(hidden)),
        }
        cluster.run_for(SECOND).await;
        for client in [ADA, cyd] {
            let seen = cluster.clients()[client]
                .names(Board(7))
                .contains(&"Bob".to_owned());
            assert_eq!(seen, !hidden, "client {client} in step {step}");
        }
        for client in [BOB, phone] {
            let knows = cluster.clients()[client].session().is_invisible();
            assert_eq!(knows, hidden, "client {client} in step {step}");
        }
        for node in [0, 1] {
            let people = cluster.node(node).presence(Board(7)).await.unwrap();
            assert_eq!(people.len(), 3 - usize::from(hidden));
            let online = cluster.node(node).online(id("Bob")).await.unwrap();
            assert_eq!(online, !hidden);
        }
    }
    cluster.shutdown().await;
}

/// Bob loses board 66 where the switch is on.
fn demoting(demoted: &Switch) -> impl Fn() -> RealtimeBuilder + Send + Sync + use<> {
    let demoted = demoted.clone();
    move || {
        let demoted = demoted.clone();
        builder().authorize(move |who, rooms, _| {
            let demoted = demoted.get() && who.is_some_and(|user| user.name == "Bob");
            async move {
                let open = |room: &RoomId| !demoted || room.id() != "66";
                Ok(rooms.into_iter().filter(open).collect())
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn c10_who_is_downgraded_on_one_node_loses_their_rooms_on_all() {
    let demoted = Switch::default();
    let mut cluster = ada_and_bob(demoting(&demoted)).await;
    cluster.client(BOB).join(Board(66), None);
    cluster.run_for(SECOND).await;
    assert_eq!(cluster.clients()[BOB].names(Board(66)), ["Bob"]);
    demoted.set(true);
    cluster.node(0).recheck(id("Bob")).await;
    cluster.run_for(SECOND).await;
    let bob = &cluster.clients()[BOB];
    assert!(is_refused(bob, Board(66), ErrorCode::Forbidden));
    assert_eq!(bob.names(Board(7)), ["Ada", "Bob"]);
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_join_that_is_under_way_while_another_node_changes_rights_is_checked_again() {
    let (demoted, asked) = (Switch::default(), Switch::default());
    let (role, question) = (demoted.clone(), asked.clone());
    let build = move || {
        let (role, question) = (role.clone(), question.clone());
        builder().authorize(move |_, rooms, _| {
            let (before, question) = (role.get(), question.clone());
            async move {
                if rooms.iter().any(|room| room.id() == "66") {
                    question.set(true);
                    tokio::time::sleep(2 * SECOND).await;
                }
                let open = |room: &RoomId| !before || room.id() != "66";
                Ok(rooms.into_iter().filter(open).collect())
            }
        })
    };
    let mut cluster = ada_and_bob(build).await;
    cluster.client(BOB).join(Board(66), None);
    cluster
        .eventually("the question is asked", |_| asked.get())
        .await;
    demoted.set(true);
    cluster.node(0).recheck(id("Bob")).await;
    cluster.run_for(10 * SECOND).await;
    let bob = &cluster.clients()[BOB];
    assert!(is_refused(bob, Board(66), ErrorCode::Forbidden), "{bob:?}");
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_room_that_is_closed_on_one_node_is_empty_and_forgotten_on_all_once() {
    let mut cluster = ada_and_bob(builder).await;
    let before = cluster.node(1).publish(Board(7), &"old".to_owned()).await;
    cluster.run_for(SECOND).await;
    cluster.node(0).close_room(Board(7)).await.unwrap();
    let after = cluster.node(0).publish(Board(7), &"new".to_owned()).await;
    cluster.run_for(SECOND).await;
    // Who comes then stays.
    let cyd = cluster.connect(1, auth("Cyd"));
    cluster.client(cyd).join(Board(7), None);
    cluster.run_for(20 * SECOND).await;
    for client in [ADA, BOB] {
        let client = &cluster.clients()[client];
        assert!(is_refused(client, Board(7), ErrorCode::RoomClosed));
        assert_eq!(client.events(Board(7)), ["\"old\""]);
    }
    assert_eq!(cluster.clients()[cyd].names(Board(7)), ["Cyd"]);
    let people = cluster.node(1).presence(Board(7)).await.unwrap();
    assert_eq!(people.len(), 1);
    let later = cluster.node(1).publish(Board(7), &"later".to_owned()).await;
    let [before, after, later] = [before, after, later].map(Result::unwrap);
    let [before, after, later] = [before, after, later].map(|one| one.position().unwrap());
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(after.epoch, later.epoch, "cleared once");
    assert_eq!((after.seq, later.seq), (1, 2));
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_elsewhere_while_a_room_is_closed_is_in_it() {
    let build = || {
        around_broker(builder(), |inner| {
            Arc::new(Slow {
                inner,
                enter: |_, _| 0,
                exit: |room| if room.id() == "7" { 1000 } else { 0 },
            })
        })
    };
    let mut cluster = ada_and_bob(build).await;
    let node = cluster.node(0).clone();
    let closing = tokio::spawn(async move { node.close_room(Board(7)).await.unwrap() });
    cluster.run_for(Duration::from_millis(200)).await;
    let cyd = cluster.connect(1, auth("Cyd"));
    cluster.client(cyd).join(Board(7), None);
    cluster.run_for(30 * SECOND).await;
    closing.await.unwrap();
    assert_eq!(cluster.clients()[cyd].names(Board(7)), ["Cyd"]);
    let people = cluster.node(0).presence(Board(7)).await.unwrap();
    assert_eq!(people.len(), 1, "{people:?}");
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_control_message_that_was_lost_on_its_way_is_found_again() {
    let mut cluster = ada_and_bob(builder).await;
    cluster.link(1).set_faults(LinkFaults {
        drop: 1.0,
        ..LinkFaults::default()
    });
    cluster.node(0).kick(id("Bob")).await;
    cluster.run_for(SECOND).await;
    assert!(live(&cluster.clients()[BOB]), "it is lost");
    cluster.link(1).heal();
    // The hub compares each room with the broker, twice.
    cluster.run_for(9 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_node_cut_from_the_broker_finds_what_is_revoked_and_hidden_within_the_interval() {
    let demoted = Switch::default();
    let rights = demoting(&demoted);
    let dates = move || {
        let now = now();
        rights().authenticate(move |handshake| async move {
            Ok(handshake.token().map(|name| SignIn {
                user: user(name),
                issued: Some(now - 1_000),
                expires: None,
            }))
        })
    };
    let mut cluster = ada_and_bob(dates).await;
    let (cyd, dan) = (
        cluster.connect(1, auth("Cyd")),
        cluster.connect(1, auth("Dan")),
    );
    let guest = cluster.connect(1, Auth::default());
    for client in [cyd, dan, guest] {
        cluster.client(client).join(Board(7), None);
    }
    cluster.run_for(SECOND).await;
    cluster.link(1).cut();
    cluster.run_for(12 * SECOND).await;
    cluster.node(0).revoke(id("Bob")).await.unwrap();
    cluster
        .node(0)
        .set_invisible(id("Cyd"), true)
        .await
        .unwrap();
    cluster.run_for(31 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), REVOKED);
    assert!(cluster.clients()[cyd].session().is_invisible());
    for client in [cyd, dan, guest] {
        assert!(live(&cluster.clients()[client]), "others stay");
    }
    // What is kept nowhere comes when the broker is back.
    cluster.node(0).kick(id("Dan")).await;
    cluster.run_for(5 * SECOND).await;
    assert!(live(&cluster.clients()[dan]));
    cluster.link(1).heal();
    cluster.run_for(10 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[dan]), KICKED);
    assert_eq!(cluster.clients()[ADA].names(Board(7)), ["Ada"]);
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_rights_are_checked_again_while_a_node_is_cut_from_the_broker() {
    let demoted = Switch::default();
    let mut cluster = ada_and_bob(demoting(&demoted)).await;
    cluster.client(BOB).join(Board(66), None);
    cluster.run_for(SECOND).await;
    cluster.link(1).cut();
    cluster.run_for(SECOND).await;
    demoted.set(true);
    cluster.node(0).recheck(id("Bob")).await;
    cluster.run_for(31 * SECOND).await;
    assert!(is_refused(
        &cluster.clients()[BOB],
        Board(66),
        ErrorCode::Forbidden
    ));
    cluster.shutdown().await;
}

#[cfg(feature = "simulated-redis")]
#[tokio::test(start_paused = true)]
async fn c10_who_is_kicked_just_when_redis_was_emptied_is_gone_on_all() {
    let mut cluster = Cluster::start_over_redis(7, 2, builder).await;
    for (node, name) in [(0, "Ada"), (1, "Bob")] {
        let client = cluster.connect(node, auth(name));
        cluster.client(client).join(Board(7), None);
    }
    let both = |cluster: &mut Cluster| {
        let mut clients = cluster.clients().iter();
        clients.all(|client| client.names(Board(7)) == ["Ada", "Bob"])
    };
    cluster.eventually("both see both", both).await;
    cluster.redis().flush();
    cluster.node(0).kick(id("Bob")).await;
    cluster.run_for(SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    // The control room has begun anew, and what was said in it stays said once.
    let again = cluster.connect(1, tab("Bob", "again"));
    cluster.run_for(30 * SECOND).await;
    assert!(live(&cluster.clients()[again]));
    assert!(live(&cluster.clients()[ADA]));
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_node_that_the_control_rooms_log_does_not_reach_any_more_checks_everyone() {
    let build = || {
        let mut config = RealtimeConfig::default();
        config.retention.count = 2;
        config.recheck_interval = Duration::from_secs(3_600);
        let now = now();
        builder_with(config).authenticate(move |handshake| async move {
            Ok(handshake.token().map(|name| SignIn {
                user: user(name),
                issued: Some(now - 1_000),
                expires: None,
            }))
        })
    };
    let mut cluster = ada_and_bob(build).await;
    let cyd = cluster.connect(1, auth("Cyd"));
    cluster.run_for(SECOND).await;
    cluster.link(1).cut();
    cluster.node(0).revoke(id("Bob")).await.unwrap();
    cluster
        .node(0)
        .set_invisible(id("Cyd"), true)
        .await
        .unwrap();
    for number in 0..5 {
        cluster.node(0).recheck(number).await;
    }
    cluster.run_for(SECOND).await;
    assert!(live(&cluster.clients()[BOB]));
    cluster.link(1).heal();
    cluster.run_for(10 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), REVOKED);
    assert!(cluster.clients()[cyd].session().is_invisible());
    assert!(live(&cluster.clients()[cyd]) && live(&cluster.clients()[ADA]));
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_what_a_node_does_while_it_is_cut_off_holds_there_at_once_and_elsewhere_later() {
    let mut cluster = ada_and_bob(builder).await;
    let phone = cluster.connect(0, tab("Bob", "phone"));
    cluster.run_for(SECOND).await;
    cluster.link(0).cut();
    let begun = tokio::time::Instant::now();
    cluster.node(0).kick(id("Bob")).await;
    assert!(begun.elapsed() <= 5 * SECOND, "{:?}", begun.elapsed());
    cluster.run_for(SECOND).await;
    assert_eq!(stopped(&cluster.clients()[phone]), KICKED);
    assert!(live(&cluster.clients()[BOB]));
    assert_eq!(cluster.node(0).stats().untold, 1);
    // Who comes back here meanwhile is not kicked by what this node said before.
    let again = cluster.connect(0, tab("Bob", "again"));
    cluster.run_for(10 * SECOND).await;
    cluster.link(0).heal();
    cluster.run_for(10 * SECOND).await;
    assert_eq!(stopped(&cluster.clients()[BOB]), KICKED);
    assert!(live(&cluster.clients()[again]));
    assert_eq!(cluster.node(0).stats().untold, 0);
    cluster.shutdown().await;
}

/// A node and its broker.
async fn overheard(builder: RealtimeBuilder) -> (Realtime, Arc<dyn Broker>) {
    let broker: Arc<Mutex<Option<Arc<dyn Broker>>>> = Arc::default();
    let found = broker.clone();
    let builder = around_broker(builder, move |inner| {
        *found.lock().unwrap() = Some(inner.clone());
        inner
    });
    let node = builder.start().await.unwrap();
    let broker = broker.lock().unwrap().take().unwrap();
    (node, broker)
}

/// Another node says this in the control room.
async fn say(broker: &Arc<dyn Broker>, word: &str) {
    let data = format!(r#"{{"from":"another","event":{word}}}"#);
    let event = NewEvent {
        id: EventId::try_from(format!("{:x}", rand::random::<u64>())).unwrap(),
        subject: None,
        origin: None,
        data: serde_json::value::RawValue::from_string(data).unwrap(),
    };
    let room = "control:all".parse().unwrap();
    broker.append(&room, event).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c10_a_sign_in_that_was_refreshed_since_is_not_revoked_by_what_is_heard_late() {
    let begun = now();
    let builder = builder().authenticate(move |handshake| async move {
        let is_new = handshake.token() == Some("newer");
        Ok(Some(SignIn {
            user: user("Bob"),
            issued: Some(if is_new { begun } else { begun - 2_000 }),
            expires: Some(now() + 60_000),
        }))
    });
    let (node, broker) = overheard(builder).await;
    let asked = AtomicU64::new(0);
    let token = move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Some("older".to_owned()),
        _ => Some("newer".to_owned()),
    };
    let mut bob = TestClient::with_tokens(&node, tab("Bob", "new"), token);
    bob.until("it is refreshed", |bob| {
        heard(bob, r#"42["refreshed""#) == 1
    })
    .await;
    let mut old = TestClient::connect(&node, tab("Bob", "old"));
    run_all(&mut [&mut old, &mut bob], SECOND).await;
    assert!(live(&old));
    let revoked = format!(
        r#"{{"revoke":{{"user":"Bob","not_before":{}}}}}"#,
        begun - 1_000
    );
    say(&broker, &revoked).await;
    run_all(&mut [&mut old, &mut bob], SECOND).await;
    assert_eq!(stopped(&old), REVOKED);
    assert!(live(&bob));
    // Nor by a look at what is kept.
    say(&broker, "\"everything\"").await;
    run_all(&mut [&mut old, &mut bob], SECOND).await;
    assert!(live(&bob));
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_node_without_a_database_keeps_what_others_say() {
    let (node, broker) = overheard(dated()).await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    for (word, seen) in [("true", 1), ("false", 2)] {
        let hidden = format!(r#"{{"invisible":{{"user":"Bob","invisible":{word}}}}}"#);
        say(&broker, &hidden).await;
        run_all(&mut [&mut ada, &mut bob], SECOND).await;
        assert_eq!(ada.names(Board(7)).len(), seen);
    }
    let revoked = format!(r#"{{"revoke":{{"user":"Bob","not_before":{}}}}}"#, now());
    say(&broker, &revoked).await;
    bob.run_for(SECOND).await;
    assert_eq!(stopped(&bob), REVOKED);
    let mut again = TestClient::connect(&node, tab("Bob", "again"));
    again
        .until("it is kept", |again| stopped(again) == REVOKED)
        .await;
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_word_of_a_newer_node_checks_everyone_and_only_some_at_a_time() {
    const PEOPLE: usize = 100;
    let (now, most, checks) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicU64::new(0)),
    );
    let (n, m, c, slow) = (now, most.clone(), checks.clone(), Switch::default());
    let s = slow.clone();
    let builder = builder().authorize(move |_, rooms, _| {
        let (n, m, c, s) = (n.clone(), m.clone(), c.clone(), s.clone());
        async move {
            if s.get() {
                m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                c.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
                n.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(rooms)
        }
    });
    let (node, broker) = overheard(builder).await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(person(&node, &format!("P{number}")).await);
    }
    slow.set(true);
    for word in ["\"dance\"", r#"{"teleport":{"user":"P1"}}"#, "7"] {
        say(&broker, word).await;
    }
    tokio::time::sleep(5 * SECOND).await;
    let checks = checks.load(Ordering::SeqCst) as usize;
    assert!(checks >= PEOPLE, "{checks}");
    assert!(
        checks <= 3 * PEOPLE,
        "{checks}: words that come together are one check"
    );
    let most = most.load(Ordering::SeqCst);
    assert!((2..=32).contains(&most), "{most} at once");
    for person in &mut people {
        person.run_for(Duration::from_millis(10)).await;
        assert!(live(person));
    }
    // While everyone is checked, what concerns one person does not wait.
    say(&broker, "\"dance\"").await;
    say(&broker, r#"{"kick":{"user":"P99"}}"#).await;
    people[99].run_for(Duration::from_millis(50)).await;
    assert_eq!(stopped(&people[99]), KICKED);
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c10_nobody_sees_the_control_room_and_no_host_publishes_in_it() {
    let open = builder()
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .auto_join(|_| async { vec!["control:all".parse().unwrap()] })
        .whereabouts(|_, _| async { vec!["control:all".parse().unwrap()] });
    let node = open.start().await.unwrap();
    let mut ada = person(&node, "Ada").await;
    for name in ["control:all", "control:all:part", "control:7"] {
        let control: RoomId = name.parse().unwrap();
        ada.join(control.clone(), None);
        ada.watch(control.clone(), vec![id("Bob")]);
        ada.until("it is refused", |ada| {
            is_refused(ada, control.clone(), ErrorCode::Forbidden)
        })
        .await;
        ada.typing(control.clone(), true);
        let signal = ada.signal(control.clone(), &serde_json::Value::from(1));
        ada.run_for(SECOND).await;
        assert!(matches!(ada.answer(signal), Some(Answer::Rejected(_))));
        // A place in it changes nothing.
        let since = leptos_realtime::Position {
            epoch: leptos_realtime::protocol::Epoch(7),
            seq: 0,
        };
        let mut bob = TestClient::connect(&node, auth("Bob"));
        bob.join(control.clone(), Some(since));
        bob.until("it is refused", |bob| {
            is_refused(bob, control.clone(), ErrorCode::Forbidden)
        })
        .await;
        let page = || handshake(http::Request::new(()).into_parts().0, None);
        assert!(node.first_view(page(), control.clone()).await.is_err());
        let data = serde_json::Value::from(r#"{"from":"x","event":"everything"}"#);
        assert!(node.publish(control.clone(), &data).await.is_err());
        assert!(node.signal(control.clone(), &data).await.is_err());
        assert!(node.close_room(control.clone()).await.is_err());
        assert_eq!(node.presence(control).await.unwrap(), []);
    }
    node.kick(id("Nobody")).await;
    node.recheck(id("Ada")).await;
    ada.run_for(SECOND).await;
    assert_eq!(heard(&ada, "Nobody"), 0);
    assert_eq!(heard(&ada, r#""position""#), 1, "her board's alone");
    assert_eq!(
        node.stats().rooms,
        4,
        "announcements, her board, and two people"
    );
    node.shutdown().await;
}

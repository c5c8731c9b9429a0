//! The real gateway, hub and broker over in-memory streams: what one or two nodes do for their clients, and what they
//! do with bad input.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use leptos_realtime::{
    Access, AuthError, Realtime, RealtimeConfig, RoomId, User, UserId,
    core::{session::Connection, view::ViewState},
    protocol::{Auth, DeviceKind, ErrorCode, SessionId},
    rooms,
    server::RealtimeBuilder,
    testing::{TestClient, beside},
};
use tokio::io::DuplexStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

rooms! {
    Board(i64) => String;
    Community(i64)
}

/// Board 13 is closed to all; nobody may type on board 14; members are in community 1 wherever they are.
fn builder() -> RealtimeBuilder {
    builder_with(RealtimeConfig::default())
}

fn builder_with(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            match handshake.token() {
                None => Ok(None),
                Some("wrong") => Err(AuthError::rejected(
                    "this token is not valid: sign in again",
                )),
                Some("database-away") => {
                    Err(AuthError::unavailable("connection refused at 10.0.0.7"))
                }
                Some(name) => Ok(Some(User::new(UserId::try_from(name).unwrap(), name))),
            }
        })
        .authorize(|_, rooms, access| async move {
            let open =
                |room: &RoomId| room.id() != "13" && (access == Access::View || room.id() != "14");
            Ok(rooms.into_iter().filter(open).collect())
        })
        .auto_join(|user| async move { user.map(|_| Community(1).into()).into_iter().collect() })
}

async fn node() -> Realtime {
    builder().start().await.unwrap()
}

fn auth(name: &str) -> Auth {
    tab(name, name)
}

fn tab(name: &str, session: &str) -> Auth {
    Auth {
        token: Some(name.into()),
        session: Some(SessionId::try_from(session).unwrap()),
        device_kind: DeviceKind::Desktop,
        ..Auth::default()
    }
}

fn since_of(client: &TestClient, name: &str) -> u64 {
    client.view(Board(7)).unwrap().members[&UserId::try_from(name).unwrap()].since
}

async fn person(node: &Realtime, name: &str) -> TestClient {
    let mut client = TestClient::connect(node, auth(name));
    client.join(Board(7), None);
    client
        .until("the client sees itself", |client| {
            client.names(Board(7)).contains(&name.to_owned())
        })
        .await;
    client
}

fn live(client: &TestClient) -> bool {
    *client.connection() == Connection::Live
}

#[tokio::test(start_paused = true)]
async fn two_people_see_each_other_come_type_post_and_go() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    assert_eq!(
        bob.names(Board(7)),
        ["Ada", "Bob"],
        "who was here before is in the first view"
    );
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)) == ["Ada", "Bob"])
        .await;

    bob.typing(Board(7), true);
    bob.run_for(Duration::from_millis(10)).await;
    ada.until("Ada sees Bob type", |ada| {
        ada.view(Board(7)).unwrap().typing == [User::new(UserId::try_from("Bob").unwrap(), "Bob")]
    })
    .await;
    ada.until("the typing line ends by itself", |ada| {
        ada.view(Board(7)).unwrap().typing.is_empty()
    })
    .await;

    let position = node.publish(Board(7), &"hello".to_owned()).await.unwrap();
    assert_eq!(position.seq, 1);
    for client in [&mut ada, &mut bob] {
        client
            .until("the post is here", |client| {
                client.events(Board(7)) == ["\"hello\""]
            })
            .await;
    }

    bob.bye();
    bob.run_for(Duration::from_millis(10)).await;
    ada.run_for(Duration::from_millis(200)).await;
    assert_eq!(
        ada.names(Board(7)),
        ["Ada"],
        "an explicit end knows no grace"
    );
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c1_everyone_gets_every_event_in_order() {
    let node = node().await;
    let mut clients = vec![person(&node, "Ada").await, person(&node, "Bob").await];
    for i in 0..500 {
        node.publish(Board(7), &i.to_string()).await.unwrap();
    }
    let expected: Vec<String> = (0..500).map(|i| format!("\"{i}\"")).collect();
    for client in &mut clients {
        client
            .until("all events are here", |client| {
                client.events(Board(7)).len() >= 500
            })
            .await;
        assert_eq!(client.events(Board(7)), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn c2_what_happens_between_the_page_and_the_join_is_delivered() {
    let node = node().await;
    node.publish(Board(7), &"before".to_owned()).await.unwrap();
    let handshake = |name: &str| {
        let request = http::Request::new(()).into_parts().0;
        leptos_realtime::testing::handshake(request, Some(name.to_owned()))
    };
    let view = node.first_view(handshake("Ada"), Board(7)).await.unwrap();
    node.publish(Board(7), &"between".to_owned()).await.unwrap();
    let mut ada = TestClient::connect(&node, auth("Ada"));
    ada.join(Board(7), Some(view.position));
    ada.until("the event between is here", |ada| {
        ada.events(Board(7)) == ["\"between\""]
    })
    .await;

    let denied = node
        .first_view(handshake("Ada"), Board(13))
        .await
        .unwrap_err();
    assert_eq!(denied.0.code, ErrorCode::Forbidden);
    let denied = node
        .first_view(handshake("wrong"), Board(7))
        .await
        .unwrap_err();
    assert_eq!(denied.0.code, ErrorCode::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn c5_a_reload_within_the_grace_is_no_leave_and_a_longer_absence_is_one() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    let since = since_of(&ada, "Bob");
    for _ in 0..10 {
        // Each connection lives long enough to count as a success, so that the next comes within the grace.
        bob.run_for(Duration::from_secs(6)).await;
        bob.drop_connection(&node);
        bob.until("Bob is back", |bob| {
            bob.view(Board(7))
                .is_some_and(|view| view.state == ViewState::Live)
        })
        .await;
    }
    bob.run_for(Duration::from_secs(8)).await;
    ada.run_for(Duration::from_secs(1)).await;
    let leaves = |ada: &TestClient| {
        let of_board = |text: &&String| text.contains("board:7") && text.contains("gone");
        ada.received().iter().filter(of_board).count()
    };
    assert_eq!(leaves(&ada), 0);
    assert_eq!(since_of(&ada, "Bob"), since);
    drop(bob);
    ada.until("Bob has gone", |ada| ada.names(Board(7)) == ["Ada"])
        .await;
    ada.run_for(Duration::from_secs(8)).await;
    assert_eq!(leaves(&ada), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_one_of_two_tabs_changes_nothing_for_others() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let first = person(&node, "Bob").await;
    let mut second = TestClient::connect(&node, tab("Bob", "second tab"));
    second.join(Board(7), None);
    second
        .until("the second tab is in", |tab| tab.names(Board(7)).len() == 2)
        .await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    let since = since_of(&ada, "Bob");
    drop(first);
    ada.run_for(Duration::from_secs(8)).await;
    assert_eq!(ada.names(Board(7)), ["Ada", "Bob"]);
    assert!(!ada.received().iter().any(|text| text.contains("gone")));
    assert_eq!(since_of(&ada, "Bob"), since);
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_a_session_takes_over_and_knowing_its_id_is_not_enough() {
    let node = node().await;
    let mut bob = person(&node, "Bob").await;
    let mut thief = TestClient::connect(&node, tab("Mallory", "Bob"));
    thief.join(Board(7), None);
    thief
        .until("the thief is in", |thief| {
            thief.names(Board(7)) == ["Bob", "Mallory"]
        })
        .await;
    bob.run_for(Duration::from_secs(1)).await;
    assert!(
        live(&bob),
        "another person's session of the same id is another session"
    );
    let mut newer = TestClient::connect(&node, auth("Bob"));
    newer.until("the newer connection lives", live).await;
    bob.until("the older is told", |bob| {
        bob.received().iter().any(|text| text.contains("replaced"))
    })
    .await;
    bob.until("and goes on with a session of its own", live)
        .await;
    newer.run_for(Duration::from_secs(1)).await;
    assert!(live(&newer));
}

#[tokio::test(start_paused = true)]
async fn people_are_in_the_hosts_rooms_wherever_they_are() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = TestClient::connect(&node, auth("Bob"));
    bob.join(Community(1), None);
    bob.until("Ada is in the community", |bob| {
        bob.names(Community(1)) == ["Ada", "Bob"]
    })
    .await;
    // Its page is closed, but Bob stays in the community while he is connected.
    bob.leave(Community(1));
    bob.run_for(Duration::from_secs(2)).await;
    ada.join(Community(1), None);
    ada.until("Bob is still in", |ada| {
        ada.names(Community(1)) == ["Ada", "Bob"]
    })
    .await;
    let frames = bob.received().len();
    ada.bye();
    ada.run_for(Duration::from_secs(1)).await;
    bob.run_for(Duration::from_secs(1)).await;
    assert_eq!(
        bob.received().len(),
        frames,
        "a room that no page shows sends nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn every_command_of_a_burst_is_answered_or_the_connection_ends() {
    let node = node().await;
    for count in [60, 2_000] {
        let mut bad = person(&node, "Bad").await;
        let from = bad.received().len();
        for id in 100..100 + count {
            let leave = format!(r#"42{id}["leave",{{"rooms":["board:{id}"]}}]"#);
            bad.send_raw(Message::text(leave)).await;
        }
        let over = |text: &String| text.starts_with(r#"42["welcome""#);
        bad.until(
            "the last is answered, or there is a new connection",
            |bad| {
                let last = format!("43{}[", 99 + count);
                let texts = &bad.received()[from..];
                texts
                    .iter()
                    .any(|text| text.starts_with(&last) || over(text))
            },
        )
        .await;
        let texts = &bad.received()[from..];
        let answers = texts.iter().filter(|text| text.starts_with("43")).count();
        let ended = texts.iter().any(over);
        assert!(answers == count || ended, "{answers} of {count} answered");
        assert!(
            !texts.iter().any(|text| text.contains(r#"42["error""#)),
            "not twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn guests_are_a_number() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut guest = TestClient::connect(&node, Auth::default());
    guest.join(Board(7), None);
    guest
        .until("the guest sees Ada", |guest| {
            guest.names(Board(7)) == ["Ada"]
        })
        .await;
    ada.until("Ada sees one guest", |ada| {
        ada.view(Board(7)).unwrap().guests == 1
    })
    .await;
    guest.typing(Board(7), true);
    guest
        .until("guests do not type", |guest| {
            guest
                .received()
                .iter()
                .any(|t| t.contains("guests have no name"))
        })
        .await;
    drop(guest);
    ada.until("the guest has gone", |ada| {
        ada.view(Board(7)).unwrap().guests == 0
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_nodes_are_one() {
    let one = node().await;
    let two = beside(builder(), &one).start().await.unwrap();
    let mut ada = person(&one, "Ada").await;
    let mut bob = person(&two, "Bob").await;
    assert_eq!(bob.names(Board(7)), ["Ada", "Bob"]);
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)) == ["Ada", "Bob"])
        .await;
    two.publish(Board(7), &"from two".to_owned()).await.unwrap();
    ada.until("Ada hears it", |ada| {
        ada.events(Board(7)) == ["\"from two\""]
    })
    .await;
    // From one node to the other, with events in between.
    bob.drop_connection(&one);
    two.publish(Board(7), &"meanwhile".to_owned())
        .await
        .unwrap();
    bob.until("Bob has both", |bob| {
        bob.events(Board(7)) == ["\"from two\"", "\"meanwhile\""]
    })
    .await;
    ada.run_for(Duration::from_secs(8)).await;
    assert!(
        !ada.received().iter().any(|text| text.contains("gone")),
        "moving is no leave"
    );
    assert_eq!(ada.names(Board(7)), ["Ada", "Bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_loses_nobody_and_the_log_begins_anew() {
    let before = node().await;
    let mut ada = person(&before, "Ada").await;
    before.publish(Board(7), &"one".to_owned()).await.unwrap();
    ada.until("one is here", |ada| ada.events(Board(7)).len() == 1)
        .await;
    before.shutdown().await;
    ada.until("Ada waits for the next", |ada| {
        matches!(ada.connection(), Connection::Waiting { .. })
    })
    .await;
    assert!(
        ada.received()
            .iter()
            .any(|text| text.contains("going_away"))
    );
    let after = node().await;
    ada.drop_connection(&after);
    ada.until("she is told to look again", |ada| {
        ada.events(Board(7)) == ["\"one\"", "reset"]
    })
    .await;
    after.publish(Board(7), &"two".to_owned()).await.unwrap();
    ada.until("and goes on", |ada| {
        ada.events(Board(7)).last().unwrap() == "\"two\""
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn c10_a_room_that_is_not_allowed_is_refused_and_nothing_of_it_is_sent() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    ada.join(Board(13), None);
    ada.until("it is refused", |ada| {
        matches!(&ada.view(Board(13)).unwrap().state, ViewState::Refused(error) if error.code == ErrorCode::Forbidden)
    })
    .await;
    node.publish(Board(13), &"a secret".to_owned())
        .await
        .unwrap();
    ada.run_for(Duration::from_secs(3)).await;
    assert!(!ada.received().iter().any(|text| text.contains("a secret")));
    ada.join(Board(14), None);
    ada.until("board 14 may be seen", |ada| {
        ada.names(Board(14)) == ["Ada"]
    })
    .await;
    ada.typing(Board(14), true);
    ada.until("but not typed in", |ada| {
        ada.received()
            .iter()
            .any(|t| t.contains("board:14 is not open"))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_sign_in_is_a_guest_a_wrong_one_is_refused_and_a_broken_database_is_no_secret_spilled() {
    let node = node().await;
    let mut wrong = TestClient::connect(&node, auth("wrong"));
    wrong
        .until("it is refused", |c| {
            matches!(c.connection(), Connection::Stopped(_))
        })
        .await;
    assert_eq!(
        wrong.received().last().unwrap(),
        r#"44{"message":"unauthorized: this token is not valid: sign in again"}"#
    );
    let mut away = TestClient::connect(&node, auth("database-away"));
    away.until("it is put off", |c| {
        c.received().iter().any(|t| t.contains("unavailable: "))
    })
    .await;
    assert!(!away.received().iter().any(|text| text.contains("10.0.0.7")));
    let mut old = TestClient::connect(
        &node,
        Auth {
            protocol: 99,
            ..Auth::default()
        },
    );
    old.until("it is told to reload", |c| {
        c.received()
            .iter()
            .any(|t| t.contains("unsupported_protocol"))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_bad_command_is_answered_and_nobody_else_is_harmed() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bad = person(&node, "Bad").await;
    let long_room = format!(
        r#"420["join",{{"rooms":[{{"room":"board:{}"}}]}}]"#,
        "x".repeat(200)
    );
    let too_large = format!(r#"421["join",{{"pad":"{}"}}]"#, "x".repeat(20_000));
    let too_many: Vec<String> = (100..200)
        .map(|i| format!(r#"{{"room":"board:{i}"}}"#))
        .collect();
    let too_many = format!(r#"422["join",{{"rooms":[{}]}}]"#, too_many.join(","));
    for (message, code) in [
        (long_room.as_str(), "invalid_room"),
        (too_large.as_str(), "too_large"),
        (too_many.as_str(), "limit_exceeded"),
        (r#"423["dance",{}]"#, "unknown_command"),
        (r#"424["join",7]"#, "bad_request"),
        (
            r#"425["join",{"rooms":[{"room":"Board 7"}]}]"#,
            "invalid_room",
        ),
        (
            r#"426["join",{"rooms":[{"room":"board:7","since":"yesterday"}]}]"#,
            "bad_request",
        ),
        (
            r#"427["typing",{"room":"board:99","on":true}]"#,
            "not_joined",
        ),
        (r#"428["leave",{"rooms":null}]"#, "bad_request"),
    ] {
        let id = &message[2..3];
        bad.send_raw(Message::text(message)).await;
        let answer = format!(r#"43{id}[{{"error":{{"code":"{code}""#);
        bad.until("the acknowledgement says why", |bad| {
            bad.received().iter().any(|text| text.starts_with(&answer))
        })
        .await;
        assert!(live(&bad), "{message} is no reason to disconnect");
    }
    // Frames that are no Socket.IO, or too much: this connection ends, and comes back.
    for message in [
        Message::text("not socket.io"),
        Message::text("42{\"x\":"),
        Message::text("9"),
        Message::text(format!("42[\"x\",\"{}\"]", "y".repeat(100_000))),
        Message::text("45-[\"x\"]"),
    ] {
        // Long enough for the connection to count as a success, so that the next try comes within the grace.
        bad.run_for(Duration::from_secs(6)).await;
        let before = bad.received().len();
        bad.send_raw(message.clone()).await;
        bad.until("the connection is new", |bad| {
            bad.received()[before..]
                .iter()
                .any(|t| t.contains("welcome"))
        })
        .await;
    }
    bad.send_raw(Message::binary(vec![0xff; 64])).await;
    bad.run_for(Duration::from_secs(1)).await;
    node.publish(Board(7), &"all is well".to_owned())
        .await
        .unwrap();
    ada.until("Ada goes on", |ada| {
        ada.events(Board(7)) == ["\"all is well\""]
    })
    .await;
    assert!(
        !ada.received().iter().any(|text| text.contains("gone")),
        "Bad was never seen to leave"
    );
}

#[tokio::test(start_paused = true)]
async fn c8_a_client_that_does_not_read_delays_nobody_and_is_cut_off() {
    // Only by what it does not take: it is never silent for long enough to be cut for that.
    let mut config = RealtimeConfig::default();
    config.ping_timeout = Duration::from_secs(3_600);
    let node = builder_with(config).start().await.unwrap();
    let mut ada = person(&node, "Ada").await;
    let stuck = person(&node, "Stuck").await;
    let big = "x".repeat(2_000);
    for _ in 0..400 {
        node.publish(Board(7), &big).await.unwrap();
        ada.run_for(Duration::from_millis(1)).await;
    }
    ada.until("Ada has everything", |ada| {
        ada.events(Board(7)).len() == 400
    })
    .await;
    ada.until("Stuck is gone, though his socket is open", |ada| {
        ada.names(Board(7)) == ["Ada"]
    })
    .await;
    drop(stuck);
}

#[tokio::test(start_paused = true)]
async fn c8_a_client_that_reads_again_in_time_is_brought_up_to_date() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let big = "x".repeat(2_000);
    // More than the pipe and the send buffer hold, one at a time so that each is a frame of its own.
    for i in 0..400 {
        node.publish(Board(7), &format!("{i} {big}")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ada.until("Ada has everything", |ada| {
        ada.events(Board(7)).len() >= 400
    })
    .await;
    ada.run_for(Duration::from_secs(3)).await;
    let numbers = ada
        .events(Board(7))
        .iter()
        .map(|event| event[1..].split(' ').next().unwrap());
    let expected: Vec<String> = (0..400).map(|i| i.to_string()).collect();
    assert_eq!(numbers.collect::<Vec<_>>(), expected, "once each, in order");
    let views = ada
        .received()
        .iter()
        .filter(|text| text.starts_with(r#"42["joined""#));
    assert!(views.count() > 1, "it was behind, and shown the room anew");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_connection_is_not_kept() {
    // Pings play no part: a client may answer them for ever.
    let mut config = RealtimeConfig::default();
    config.ping_timeout = Duration::from_secs(3_600);
    let node = builder_with(config).start().await.unwrap();
    // One that never says who it is, one that is refused and stays, and one that stays after its end.
    let mut silent = leptos_realtime::testing::raw_stream(&node).await;
    let mut refused = leptos_realtime::testing::raw_stream(&node).await;
    let refusal = Message::text(r#"40{"token":"wrong"}"#);
    refused.send(refusal).await.unwrap();
    let mut ended = leptos_realtime::testing::raw_stream(&node).await;
    ended.send(Message::text("40")).await.unwrap();
    let welcome = |message: &Message| message.to_text().unwrap().contains("welcome");
    while !welcome(&ended.next().await.unwrap().unwrap()) {}
    ended.send(Message::text(r#"42["bye",{}]"#)).await.unwrap();
    let ends = async |stream: &mut WebSocketStream<DuplexStream>| {
        while let Some(Ok(_)) = stream.next().await {}
    };
    let all = futures::future::join3(ends(&mut silent), ends(&mut refused), ends(&mut ended));
    tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .expect("the node ends them");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_bye_and_hangs_up_at_once_has_left() {
    let mut config = RealtimeConfig::default();
    config.leave_grace = Duration::from_secs(3_600);
    let node = builder_with(config).start().await.unwrap();
    let mut ada = person(&node, "Ada").await;
    for _ in 0..50 {
        let mut bob = person(&node, "Bob").await;
        ada.until("Bob is here", |ada| ada.names(Board(7)) == ["Ada", "Bob"])
            .await;
        bob.send_raw(Message::text(r#"42["bye",{}]"#)).await;
        drop(bob);
        ada.until("Bob has left", |ada| ada.names(Board(7)) == ["Ada"])
            .await;
    }
}

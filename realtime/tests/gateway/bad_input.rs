//! Bad input, and what becomes of connections that send it.

use super::support::*;

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
    // Beyond the limit rooms are refused one by one: the others are joined.
    bad.send_raw(Message::text(too_many)).await;
    bad.until("those beyond the limit are refused", |bad| {
        let refused = r#"42["refused",{"room":"board:199","error":{"code":"limit_exceeded""#;
        heard(bad, refused) == 1 && heard(bad, r#"42["joined",{"room":"board:100""#) == 1
    })
    .await;
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

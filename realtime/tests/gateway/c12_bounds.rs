//! C12 bounds: everything that may be asked for has a limit, and says so when it is reached.

use std::num::NonZeroU32;

use leptos_realtime::server::limits::Rate;

use super::support::*;

fn rate(per_second: u32, burst: u32) -> Rate {
    let number = |n| NonZeroU32::new(n).unwrap();
    Rate {
        per_second: number(per_second),
        burst: number(burst),
    }
}

#[tokio::test(start_paused = true)]
async fn c12_too_many_commands_are_told_when_to_come_back_and_a_flood_is_ended() {
    let node = node_with(|config| {
        config.limits.commands_per_connection = rate(1, 10);
        config.limits.floods = 20;
    })
    .await;
    let mut flood = person(&node, "Flood").await;
    let from = flood.received().len();
    for id in 100..115 {
        let typing = format!(r#"42{id}["typing",{{"room":"board:7","on":true}}]"#);
        flood.send_raw(Message::text(typing)).await;
    }
    flood.run_for(Duration::from_millis(100)).await;
    let refusals: Vec<_> = flood.received()[from..]
        .iter()
        .filter(|text| text.contains("limit_exceeded"))
        .collect();
    assert!((1..15).contains(&refusals.len()), "{refusals:?}");
    assert!(refusals[0].contains(r#""retry_after_ms":"#), "{refusals:?}");
    assert!(live(&flood), "told, and not ended");
    // Later it is heard again.
    flood.run_for(Duration::from_secs(15)).await;
    flood
        .send_raw(Message::text(
            r#"42900["typing",{"room":"board:7","on":true}]"#,
        ))
        .await;
    flood
        .until("it is heard again", |flood| {
            heard(flood, r#"43900[{"ok":true}]"#) == 1
        })
        .await;
    for _ in 0..100 {
        flood
            .send_raw(Message::text(
                r#"42["typing",{"room":"board:7","on":true}]"#,
            ))
            .await;
    }
    flood
        .until("it is told to come back later", |flood| {
            heard(
                flood,
                r#"42["goodbye",{"action":"retry","error":{"code":"limit_exceeded""#,
            ) == 1
        })
        .await;
    flood
        .until("it waits", |flood| {
            matches!(flood.connection(), Connection::Waiting { .. })
        })
        .await;
    flood.run_for(Duration::from_secs(9)).await;
    assert!(!live(&flood), "as long as it was told to");
    flood.until("it is back", live).await;
}

#[tokio::test(start_paused = true)]
async fn c12_a_person_has_so_many_connections_and_a_room_so_many_sessions() {
    let node = node_with(|config| {
        config.limits.connections_per_person = 2;
        config.limits.sessions_per_room = 3;
    })
    .await;
    let first = TestClient::connect(&node, tab("Ada", "one"));
    let second = TestClient::connect(&node, tab("Ada", "two"));
    let mut tabs = [first, second];
    for client in &mut tabs {
        client.join(Board(7), None);
        client
            .until("it is in", |c| c.names(Board(7)) == ["Ada"])
            .await;
    }
    let mut third = TestClient::connect(&node, tab("Ada", "three"));
    third
        .until("it is refused", |third| {
            heard(third, "limit_exceeded: ") > 0
        })
        .await;
    let [first, _second] = tabs;
    drop(first);
    third.until("there is room again", live).await;
    third.join(Board(7), None);
    third.run_for(Duration::from_secs(8)).await;
    let bob = person(&node, "Bob").await;
    let mut cyd = person_in(&node, auth("Cyd"), Board(8)).await;
    cyd.join(Board(7), None);
    cyd.until("the room is full", |cyd| heard(cyd, "board:7 is full") > 0)
        .await;
    assert_eq!(cyd.view(Board(7)).unwrap().state, ViewState::Loading);
    drop(bob);
    cyd.until("it is asked for again, until it is not", |cyd| {
        cyd.names(Board(7)).contains(&"Cyd".to_owned())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn c12_signals_are_small_and_few_and_reach_everyone_else() {
    let node = node_with(|config| {
        config.limits.signals_per_connection = rate(1, 4);
        config.limits.signals_per_person = rate(1, 4);
    })
    .await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    let requests: Vec<_> = (0..6).map(|i| ada.signal(Board(7), &i)).collect();
    run_all(&mut [&mut ada, &mut bob], Duration::from_millis(500)).await;
    let answers: Vec<_> = requests.iter().map(|r| ada.answer(*r).unwrap()).collect();
    assert_eq!(answers[..4], [&Answer::Acknowledged; 4]);
    for answer in &answers[4..] {
        let Answer::Rejected(error) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(error.code, ErrorCode::LimitExceeded);
        assert!(error.retry_after_ms.is_some());
    }
    let signals: Vec<&str> = bob.signals().iter().map(|s| s.data.get()).collect();
    assert_eq!(signals, ["0", "1", "2", "3"]);
    assert_eq!(bob.signals()[0].user, Some(id("Ada")));
    assert!(ada.signals().is_empty(), "not to herself");
    node.signal(Board(7), &42).await.unwrap();
    run_all(&mut [&mut ada, &mut bob], Duration::from_millis(50)).await;
    assert_eq!((ada.signals().len(), bob.signals().len()), (1, 5));
    assert_eq!(ada.signals()[0].user, None, "the host's");
    let long = format!(
        r#"4299["signal",{{"room":"board:7","data":"{}"}}]"#,
        "x".repeat(2_000)
    );
    ada.run_for(Duration::from_secs(5)).await;
    ada.send_raw(Message::text(long)).await;
    ada.until("too large", |ada| {
        heard(ada, r#"4399[{"error":{"code":"too_large""#) == 1
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn c12_what_is_asked_without_a_connection_is_lost_at_once_and_what_can_wait_waits() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    ada.set_network(false);
    let signal = ada.signal(Board(7), &1);
    let hide = ada.set_invisible(true);
    ada.run_for(Duration::from_millis(10)).await;
    assert_eq!(ada.answer(signal), Some(&Answer::Lost), "of the moment");
    assert_eq!(ada.answer(hide), None);
    ada.set_network(true);
    ada.until("it was done when the network was back", |ada| {
        ada.answer(hide) == Some(&Answer::Acknowledged)
    })
    .await;
    ada.set_network(false);
    let hide = ada.set_invisible(false);
    ada.run_for(Duration::from_secs(11)).await;
    assert_eq!(ada.answer(hide), Some(&Answer::Lost), "not for ever");
}

#[tokio::test(start_paused = true)]
async fn c12_one_heartbeat_does_not_ask_for_one_view_after_the_other() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let before = heard(&ada, "[\"joined\"");
    let seen = r#"{"room":"board:7","frame":1,"digest":"0000000000000001"}"#;
    let frame = (1..=3)
        .map(|f| seen.replace(":1,", &format!(":{f},")))
        .collect::<Vec<_>>()
        .join(",");
    let many = vec![frame; 20].join(",");
    ada.send_raw(Message::text(format!(
        r#"42["heartbeat",{{"active":true,"rooms":[{many}]}}]"#
    )))
    .await;
    ada.run_for(Duration::from_secs(2)).await;
    let views = heard(&ada, "[\"joined\"") - before;
    assert!(views <= 1, "{views} views");
}

#[tokio::test(start_paused = true)]
async fn c12_a_leave_over_the_limit_is_told_again_and_leaves_nobody_behind() {
    let node = node_with(|config| config.limits.commands_per_connection = rate(1, 10)).await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    ada.until("both", |ada| ada.names(Board(7)).len() == 2)
        .await;
    bob.run_for(Duration::from_secs(20)).await;
    ada.run_for(Duration::from_secs(1)).await;
    // Pointer signals, and then he goes to another page.
    for i in 0..14 {
        bob.signal(Board(7), &i);
    }
    bob.touch();
    bob.leave(Board(7));
    let both = futures::future::join(
        ada.run_for(Duration::from_secs(60)),
        bob.run_for(Duration::from_secs(60)),
    );
    both.await;
    assert!(live(&bob));
    assert!(bob.view(Board(7)).is_none(), "his page has left");
    assert_eq!(ada.names(Board(7)), ["Ada"]);
}

#[tokio::test(start_paused = true)]
async fn c12_a_watch_list_that_is_too_long_is_cut() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    ada.drop_connection(&node);
    ada.watch(
        Board(7),
        (0..101).map(leptos_realtime::UserId::from).collect(),
    );
    ada.join(Board(8), None);
    ada.run_for(Duration::from_secs(120)).await;
    assert_eq!(ada.view(Board(8)).unwrap().state, ViewState::Live);
}

#[tokio::test(start_paused = true)]
async fn c12_one_room_too_many_leaves_the_others_alone() {
    let node = node().await;
    let mut ada = TestClient::connect(&node, auth("Ada"));
    for i in 100..165 {
        ada.join(Board(i), None);
    }
    ada.run_for(Duration::from_secs(120)).await;
    let n = (100..165)
        .filter(|i| ada.view(Board(*i)).unwrap().state == ViewState::Live)
        .count();
    assert_eq!(n, 64);
}

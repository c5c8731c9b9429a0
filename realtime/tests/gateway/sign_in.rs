//! Sign-ins that expire, are refreshed, taken back, and ended.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use leptos_realtime::testing::around_broker;

use super::slow::Slow;
use super::support::*;

fn now() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as u64
}

/// Tokens are `name:seconds to live`, or `name` for ever.
fn expiring() -> RealtimeBuilder {
    builder().authenticate(|handshake| async move {
        let Some(token) = handshake.token() else {
            return Ok(None);
        };
        let (name, lives) = match token.split_once(':') {
            Some((name, lives)) => (name, lives.parse::<u64>().ok()),
            None => (token, None),
        };
        Ok(Some(SignIn {
            user: user(name),
            issued: Some(now()),
            expires: lives.map(|seconds| now() + seconds * 1_000),
        }))
    })
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_expires_ends_the_session_and_a_refresh_in_place_goes_on() {
    let node = expiring().start().await.unwrap();
    let mut ada = TestClient::connect(
        &node,
        Auth {
            token: Some("Ada:60".into()),
            ..Auth::default()
        },
    );
    ada.join(Board(7), None);
    ada.until("she is in", |ada| ada.names(Board(7)) == ["Ada"])
        .await;
    let tokens = Arc::new(AtomicU64::new(0));
    let count = tokens.clone();
    let mut bob = TestClient::with_tokens(&node, Auth::default(), move || {
        count.fetch_add(1, Ordering::SeqCst);
        Some("Bob:60".into())
    });
    bob.join(Board(7), None);
    bob.until("he is in", |bob| bob.names(Board(7)).len() == 2)
        .await;
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(300)).await;
    let Connection::Stopped(goodbye) = ada.connection() else {
        panic!("{ada:?}")
    };
    assert_eq!(goodbye.action, CloseAction::SignIn);
    assert!(live(&bob));
    assert_eq!(heard(&bob, r#"42["welcome""#), 1, "on one connection");
    assert!(
        tokens.load(Ordering::SeqCst) >= 6,
        "with a new token each time"
    );
    assert_eq!(
        bob.names(Board(7)),
        ["Bob"],
        "an expired session is seen by nobody"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refresh_with_a_bad_token_or_another_persons_changes_nothing() {
    let node = builder().start().await.unwrap();
    let mut ada = person(&node, "Ada").await;
    for (id, token, code) in [
        (1_001, "wrong", "unauthorized"),
        (1_002, "Bob", "unauthorized"),
    ] {
        let refresh = format!(r#"42{id}["refresh",{{"token":"{token}"}}]"#);
        ada.send_raw(Message::text(refresh)).await;
        let answer = format!(r#"43{id}[{{"error":{{"code":"{code}""#);
        ada.until("it is refused", |ada| heard(ada, &answer) == 1)
            .await;
    }
    assert!(live(&ada));
    ada.send_raw(Message::text(r#"421003["refresh",{"token":"Ada"}]"#))
        .await;
    ada.until("her own is taken", |ada| {
        heard(ada, r#"431003[{"ok":true}]"#) == 1
    })
    .await;
    assert_eq!(heard(&ada, r#"42["refreshed",{}]"#), 1);
}

/// Tokens are `name/device`, and good until they are ended.
fn ending(ended: &Arc<Mutex<Vec<String>>>) -> RealtimeBuilder {
    let ended = ended.clone();
    builder().authenticate(move |handshake| {
        let token = handshake.token().map(str::to_owned);
        let token = token.filter(|token| !ended.lock().unwrap().contains(token));
        async move { Ok(token.and_then(|token| Some(user(token.split_once('/')?.0)))) }
    })
}

fn with_token(session: &str, token: &str) -> Auth {
    Auth {
        token: Some(token.into()),
        ..tab(token, session)
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_persons_sign_ins_one_is_ended_and_the_others_go_on() {
    let ended = Arc::default();
    let node = ending(&ended).start().await.unwrap();
    let mut ada = TestClient::connect(&node, with_token("ada", "Ada/desk"));
    let mut desk = TestClient::connect(&node, with_token("desk", "Bob/desk"));
    let mut phone = TestClient::connect(&node, with_token("phone", "Bob/phone"));
    for client in [&mut ada, &mut desk, &mut phone] {
        client.join(Board(7), None);
        client.until("it is in", live).await;
    }
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    ended.lock().unwrap().push("Bob/phone".to_owned());
    node.recheck(id("Bob")).await;
    run_all(
        &mut [&mut ada, &mut desk, &mut phone],
        Duration::from_secs(1),
    )
    .await;
    let Connection::Stopped(goodbye) = phone.connection() else {
        panic!("{phone:?}")
    };
    assert_eq!(goodbye.action, CloseAction::SignIn);
    assert!(live(&desk) && live(&ada));
    assert_eq!(ada.names(Board(7)).len(), 2);
    assert_eq!(node.stats().connections, 2);
    ended.lock().unwrap().push("Bob/desk".to_owned());
    node.recheck(id("Bob")).await;
    run_all(&mut [&mut ada, &mut desk], Duration::from_secs(1)).await;
    assert_eq!(ada.names(Board(7)), ["Ada"], "without a grace");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_ended_while_the_host_is_asked_ends_all_the_same() {
    let (ended, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (is_ended, asking) = (ended.clone(), asked.clone());
    let node = builder()
        .authenticate(move |handshake| {
            let good = is_ended.load(Ordering::SeqCst) == 0;
            let is_bob = handshake.token() == Some("Bob");
            // What Bob's is answered was found out a second before.
            let slow = is_bob && asking.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if slow {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                let token = handshake.token().filter(|_| good || !is_bob);
                Ok(token.map(user))
            }
        })
        .start()
        .await
        .unwrap();
    let _ada = person(&node, "Ada").await;
    let mut bob = TestClient::connect(&node, auth("Bob"));
    bob.run_for(Duration::from_millis(500)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the host is being asked");
    assert_eq!(node.stats().connections, 1, "and has not answered");
    ended.store(1, Ordering::SeqCst);
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_secs(10)).await;
    let Connection::Stopped(goodbye) = bob.connection() else {
        panic!("{bob:?}")
    };
    assert_eq!(goodbye.action, CloseAction::SignIn);
    assert_eq!(node.stats().connections, 1, "Ada's");
}

#[tokio::test(start_paused = true)]
async fn who_is_renamed_is_seen_by_the_new_name_and_not_to_go() {
    let name = Arc::new(Mutex::new("Bob".to_owned()));
    let now = name.clone();
    let node = builder()
        .authenticate(move |handshake| {
            let name = match handshake.token() {
                Some("Bob") => now.lock().unwrap().clone(),
                other => other.unwrap_or_default().to_owned(),
            };
            async move {
                let token = handshake.token();
                Ok(token.map(|token| User::new(id(token), name)))
            }
        })
        .start()
        .await
        .unwrap();
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    *name.lock().unwrap() = "Robert".to_owned();
    node.recheck(id("Bob")).await;
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(10)).await;
    let mut names = ada.names(Board(7));
    names.sort_unstable();
    assert_eq!(names, ["Ada", "Robert"]);
    assert_eq!(heard(&ada, r#""gone""#), 0);
    assert!(live(&bob));
}

#[tokio::test(start_paused = true)]
async fn who_refreshed_their_token_is_checked_by_the_newer_one() {
    let ended = Arc::default();
    let node = ending(&ended).start().await.unwrap();
    let mut bob = TestClient::connect(&node, with_token("bob", "Bob/old"));
    bob.join(Board(7), None);
    bob.until("he is in", live).await;
    bob.send_raw(Message::text(r#"421001["refresh",{"token":"Bob/new"}]"#))
        .await;
    bob.until("it is taken", |bob| {
        heard(bob, r#"431001[{"ok":true}]"#) == 1
    })
    .await;
    ended.lock().unwrap().push("Bob/old".to_owned());
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_secs(1)).await;
    assert!(live(&bob));
    ended.lock().unwrap().push("Bob/new".to_owned());
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_secs(1)).await;
    assert!(!live(&bob));
}

#[tokio::test(start_paused = true)]
async fn a_kicked_person_is_gone_at_once_and_stays_away() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    let mut phone = TestClient::connect(&node, tab("Bob", "phone"));
    phone.join(Board(7), None);
    phone.until("the phone is in", live).await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    node.kick(id("Bob")).await;
    run_all(
        &mut [&mut ada, &mut bob, &mut phone],
        Duration::from_secs(1),
    )
    .await;
    assert_eq!(ada.names(Board(7)), ["Ada"]);
    for device in [&bob, &phone] {
        assert!(
            matches!(device.connection(), Connection::Stopped(goodbye) if goodbye.error.code == ErrorCode::Kicked)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_good_for_nothing_and_a_newer_one_is() {
    let (issued, late) = (now(), Arc::new(AtomicU64::new(now())));
    let newer = late.clone();
    let node = builder()
        .authenticate(move |handshake| {
            let issued = match handshake.token() {
                Some("new") => newer.load(Ordering::SeqCst),
                _ => issued,
            };
            async move {
                Ok(handshake.token().map(|_| SignIn {
                    user: user("Bob"),
                    issued: Some(issued),
                    expires: None,
                }))
            }
        })
        .start()
        .await
        .unwrap();
    let with = |token: &str| Auth {
        token: Some(token.into()),
        ..Auth::default()
    };
    let mut bob = TestClient::connect(&node, with("old"));
    bob.until("he is connected", live).await;
    node.revoke(id("Bob")).await.unwrap();
    bob.until("he is told to sign in again", |bob| {
        matches!(bob.connection(), Connection::Stopped(goodbye) if goodbye.action == CloseAction::SignIn)
    })
    .await;
    let mut again = TestClient::connect(&node, with("old"));
    again
        .until("the old token is refused, however valid", |again| {
            matches!(again.connection(), Connection::Stopped(goodbye) if goodbye.error.code == ErrorCode::Unauthorized)
        })
        .await;
    late.store(now() + 1_000, Ordering::SeqCst);
    let mut newer = TestClient::connect(&node, with("new"));
    newer.until("a newer one is taken", live).await;
    // Nor does a page show anything to the old one.
    let handshake = |token: &str| {
        let parts = http::Request::new(()).into_parts().0;
        leptos_realtime::testing::handshake(parts, Some(token.to_owned()))
    };
    assert!(node.first_view(handshake("old"), Board(7)).await.is_err());
    assert!(node.first_view(handshake("new"), Board(7)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn c3_a_kick_while_an_enter_is_under_way_leaves_no_ghost() {
    let node = around_broker(builder(), |inner| {
        Arc::new(Slow {
            inner,
            enter: |room, entry| {
                if room.id() == "7" && entry.session.as_str() == "Bob" {
                    1000
                } else {
                    0
                }
            },
            exit: |_| 0,
        })
    })
    .start()
    .await
    .unwrap();
    let mut ada = person(&node, "Ada").await;
    let mut bob = TestClient::connect(&node, auth("Bob"));
    bob.join(Board(7), None);
    bob.run_for(Duration::from_millis(500)).await;
    node.kick(id("Bob")).await;
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(60)).await;
    assert_eq!(ada.names(Board(7)), ["Ada"]);
}

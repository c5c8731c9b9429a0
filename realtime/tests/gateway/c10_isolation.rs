//! C10 isolation: nothing reaches whoever may not see it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use leptos_realtime::testing::around_broker;

use super::slow::Slow;
use super::support::*;

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

/// Whatever the client received: nothing in it holds one of these texts.
fn knows_nothing_of(client: &TestClient, texts: &[&str]) {
    for text in texts {
        let leaks: Vec<_> = client
            .received()
            .iter()
            .filter(|message| message.contains(text))
            .collect();
        assert!(leaks.is_empty(), "{text} leaked: {leaks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn c10_an_invisible_person_leaves_no_trace_in_anything_anybody_receives() {
    let node = node().await;
    node.set_invisible(id("Ghost"), true).await.unwrap();
    let mut ada = person(&node, "Ada").await;
    ada.join(Community(1), None);
    ada.join(Online(id("Ghost")), None);
    ada.run_for(Duration::from_secs(1)).await;
    let frames = ada.received().len();
    let stats = node.stats();
    // They come, with two devices, move about, type, signal, look away, lose their connection, and go.
    let mut ghost = person(&node, "Ghost").await;
    assert_eq!(
        status_of(&ghost, "Ghost"),
        Some(Status::Invisible),
        "they see themselves"
    );
    assert_eq!(ghost.names(Board(7)), ["Ada"], "and are not counted");
    let mut phone = TestClient::connect(&node, tab("Ghost", "phone"));
    phone.join(Board(7), None);
    phone.until("the phone is in", live).await;
    ghost.typing(Board(7), true);
    let signal = ghost.signal(Board(7), &7);
    ghost.join(Board(8), None);
    ghost.set_visible(false);
    run_all(
        &mut [&mut ada, &mut ghost, &mut phone],
        Duration::from_secs(60),
    )
    .await;
    assert!(
        matches!(ghost.answer(signal), Some(Answer::Rejected(error)) if error.code == ErrorCode::Forbidden)
    );
    assert_eq!(node.stats().connections, stats.connections + 2);
    ghost.drop_connection(&node);
    run_all(
        &mut [&mut ada, &mut ghost, &mut phone],
        Duration::from_secs(10),
    )
    .await;
    phone.bye();
    phone.run_for(Duration::from_secs(1)).await;
    drop(ghost);
    ada.run_for(Duration::from_secs(20)).await;
    // Beside the pings and her own heartbeats nothing came to Ada at all.
    let news: Vec<_> = ada.received()[frames..]
        .iter()
        .filter(|text| *text != "2" && !text.starts_with("43"))
        .collect();
    assert!(news.is_empty(), "{news:?}");
    let asked = ada.received().iter().filter(|text| text.contains("Ghost"));
    let asked: Vec<_> = asked
        .filter(|text| !text.contains("online:Ghost"))
        .collect();
    assert!(asked.is_empty(), "{asked:?}");
    let view = ada.view(Online(id("Ghost"))).unwrap();
    assert!(view.members.is_empty() && view.last_seen.is_none());
    // A page's first view tells no more.
    let parts = http::Request::new(()).into_parts().0;
    let handshake = leptos_realtime::testing::handshake(parts, Some("Ada".to_owned()));
    let mut ghost = person(&node, "Ghost").await;
    let first = node.first_view(handshake, Board(7)).await.unwrap();
    assert_eq!(first.members.len(), 1);
    // And when they show themselves, they have only just come.
    let shown = ghost.set_invisible(false);
    ghost
        .until("they are shown", |ghost| {
            ghost.answer(shown) == Some(&Answer::Acknowledged)
        })
        .await;
    ada.until("Ada sees them", |ada| {
        ada.names(Board(7)) == ["Ada", "Ghost"]
    })
    .await;
    assert!(!ghost.session().is_invisible());
    assert_eq!(node.stats().divergences, 0);
}

#[tokio::test(start_paused = true)]
async fn c10_hiding_is_leaving_to_others_on_all_devices_and_showing_is_coming() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut desk = person(&node, "Bob").await;
    let mut phone = person_in(&node, tab("Bob", "phone"), Board(7)).await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    desk.typing(Board(7), true);
    run_all(&mut [&mut ada, &mut desk], Duration::from_millis(50)).await;
    assert_eq!(ada.view(Board(7)).unwrap().typing.len(), 1);
    phone.set_invisible(true);
    run_all(
        &mut [&mut ada, &mut desk, &mut phone],
        Duration::from_secs(1),
    )
    .await;
    assert_eq!(ada.names(Board(7)), ["Ada"]);
    assert!(ada.view(Board(7)).unwrap().typing.is_empty());
    assert!(desk.session().is_invisible(), "told on all devices");
    // A reload, and a new device, come hidden.
    desk.drop_connection(&node);
    let mut third = person_in(&node, tab("Bob", "third"), Board(7)).await;
    run_all(
        &mut [&mut ada, &mut desk, &mut third],
        Duration::from_secs(8),
    )
    .await;
    assert_eq!(ada.names(Board(7)), ["Ada"]);
    assert!(third.session().is_invisible());
    third.set_invisible(false);
    run_all(
        &mut [&mut ada, &mut desk, &mut third],
        Duration::from_secs(1),
    )
    .await;
    assert_eq!(ada.names(Board(7)), ["Ada", "Bob"]);
    assert_eq!(heard(&ada, r#""gone":["Bob"]"#), 1);
}

#[tokio::test(start_paused = true)]
async fn c10_a_downgraded_role_loses_its_rooms_at_once_and_hears_no_more_of_them() {
    let demoted = Switch::default();
    let role = demoted.clone();
    let node = builder()
        .authorize(move |who, rooms, _| {
            let demoted = role.get() && who.is_some_and(|user| user.name == "Bob");
            async move {
                let open = |room: &RoomId| !demoted || room.id() != "66";
                Ok(rooms.into_iter().filter(open).collect())
            }
        })
        .start()
        .await
        .unwrap();
    let mut ada = person_in(&node, auth("Ada"), Board(66)).await;
    let mut bob = person_in(&node, auth("Bob"), Board(66)).await;
    bob.join(Board(7), None);
    bob.until("he is at both", |bob| bob.names(Board(7)) == ["Bob"])
        .await;
    demoted.set(true);
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_millis(10)).await;
    assert!(is_refused(&bob, Board(66), ErrorCode::Forbidden));
    ada.until("he is not seen there", |ada| {
        ada.names(Board(66)) == ["Ada"]
    })
    .await;
    node.publish(Board(66), &"a secret of the admins".to_owned())
        .await
        .unwrap();
    ada.typing(Board(66), true);
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(2)).await;
    bob.drop_connection(&node);
    bob.until("he is back where he may be", |bob| {
        bob.names(Board(7)) == ["Bob"] && is_refused(bob, Board(66), ErrorCode::Forbidden)
    })
    .await;
    knows_nothing_of(
        &bob,
        &[
            "a secret of the admins",
            r#"42["typing",{"room":"board:66""#,
        ],
    );
    assert_eq!(ada.events(Board(66)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn c10_rights_that_change_while_a_room_is_joined_are_checked_again() {
    let (demoted, asked) = (Switch::default(), Switch::default());
    let (role, question) = (demoted.clone(), asked.clone());
    let node = builder()
        .authorize(move |_, rooms, _| {
            let (before, question) = (role.get(), question.clone());
            async move {
                // The answer is on its way while the role changes.
                if rooms.iter().any(|room| room.id() == "66") {
                    question.set(true);
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                let open = |room: &RoomId| !before || room.id() != "66";
                Ok(rooms.into_iter().filter(open).collect())
            }
        })
        .start()
        .await
        .unwrap();
    let mut bob = person(&node, "Bob").await;
    bob.join(Board(66), None);
    bob.until("the question is asked", |_| asked.get()).await;
    demoted.set(true);
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_secs(10)).await;
    assert!(is_refused(&bob, Board(66), ErrorCode::Forbidden), "{bob:?}");
    assert_eq!(node.stats().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn c10_a_closed_room_is_empty_and_forgotten() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    let before = node.publish(Board(7), &"old".to_owned()).await.unwrap();
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    node.close_room(Board(7)).await.unwrap();
    node.publish(Board(7), &"nobody is there to hear this".to_owned())
        .await
        .unwrap();
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(20)).await;
    for client in [&ada, &bob] {
        assert!(is_refused(client, Board(7), ErrorCode::RoomClosed));
        assert_eq!(client.events(Board(7)), ["\"old\""]);
    }
    let mut cyd = TestClient::connect(&node, auth("Cyd"));
    cyd.join(Board(7), before.position());
    let anew = ["reset", "\"nobody is there to hear this\""];
    cyd.until("it begins anew", |cyd| cyd.events(Board(7)) == anew)
        .await;
    cyd.until("with nobody in it", |cyd| cyd.names(Board(7)) == ["Cyd"])
        .await;
    knows_nothing_of(&cyd, &["\"old\""]);
}

#[tokio::test(start_paused = true)]
async fn c10_rights_that_cannot_be_checked_again_are_not_used() {
    let demoted = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicBool::new(false));
    let (d, a) = (demoted.clone(), asked.clone());
    let node = builder()
        .authorize(move |_, rooms, _| {
            let (before, a) = (d.load(Ordering::SeqCst), a.clone());
            async move {
                if rooms.iter().any(|room| room.id() == "66") {
                    if before {
                        return Err(AuthError::unavailable("away"));
                    }
                    a.store(true, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                Ok(rooms)
            }
        })
        .start()
        .await
        .unwrap();
    let mut bob = person(&node, "Bob").await;
    bob.join(Board(66), None);
    bob.until("asked", |_| asked.load(Ordering::SeqCst)).await;
    demoted.store(true, Ordering::SeqCst);
    node.recheck(id("Bob")).await;
    bob.run_for(Duration::from_secs(5)).await;
    node.publish(Board(66), &"a secret".to_owned())
        .await
        .unwrap();
    bob.run_for(Duration::from_secs(5)).await;
    assert_eq!(heard(&bob, "a secret"), 0);
}

#[tokio::test]
async fn c10_who_shows_themselves_again_does_not_tell_that_they_were_there() {
    let node = node().await;
    node.set_invisible(id("Ghost"), true).await.unwrap();
    let mut ada = person(&node, "Ada").await;
    let mut ghost = person(&node, "Ghost").await;
    ghost.run_for(Duration::from_millis(1500)).await;
    let shown = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    node.set_invisible(id("Ghost"), false).await.unwrap();
    ada.until("seen", |ada| {
        ada.names(Board(7)).contains(&"Ghost".to_owned())
    })
    .await;
    let since = since_of(&ada, "Ghost");
    assert!(since >= shown, "there {} ms before", shown - since);
}

#[tokio::test(start_paused = true)]
async fn c10_an_older_answer_of_auto_join_does_not_win() {
    let demoted = Arc::new(AtomicBool::new(false));
    let d = demoted.clone();
    let node = builder()
        .auto_join(move |user| {
            let before = d.load(Ordering::SeqCst);
            async move {
                let bob = user.is_some_and(|user| user.name == "Bob");
                if bob && !before {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    return vec![Community(1).into()];
                }
                Vec::new()
            }
        })
        .start()
        .await
        .unwrap();
    let mut ada = TestClient::connect(&node, auth("Ada"));
    ada.join(Community(1), None);
    let mut bob = TestClient::connect(&node, auth("Bob"));
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    demoted.store(true, Ordering::SeqCst);
    node.recheck(id("Bob")).await;
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(20)).await;
    assert_eq!(ada.names(Community(1)), ["Ada"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_while_a_room_is_closed_is_in_it_or_refused() {
    let node = around_broker(builder(), |inner| {
        Arc::new(Slow {
            inner,
            enter: |_, _| 0,
            exit: |room| if room.id() == "7" { 1000 } else { 0 },
        })
    })
    .start()
    .await
    .unwrap();
    let mut ada = person(&node, "Ada").await;
    let n = node.clone();
    let closing = tokio::spawn(async move { n.close_room(Board(7)).await.unwrap() });
    ada.run_for(Duration::from_millis(200)).await;
    let mut carl = person(&node, "Carl").await;
    closing.await.unwrap();
    carl.run_for(Duration::from_secs(30)).await;
    assert!(
        carl.names(Board(7)) == ["Carl"] || is_refused(&carl, Board(7), ErrorCode::RoomClosed),
        "{:?}",
        carl.view(Board(7))
    );
}

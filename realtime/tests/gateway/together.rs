//! People together: coming, typing, going, on one node or two.

use super::support::*;

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
    assert_eq!(position.position().unwrap().seq, 1);
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

//! C5 no false leaves: a reload, a blip, or one of two devices gone.

use super::support::*;

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
async fn c5_a_clock_that_jumps_and_a_node_that_stands_still_make_nobody_leave() {
    use leptos_realtime::testing::Cluster;
    let mut cluster = Cluster::start(5, 2, builder).await;
    let (ada, bob) = (
        cluster.connect(0, auth("Ada")),
        cluster.connect(1, auth("Bob")),
    );
    for client in [ada, bob] {
        cluster.client(client).join(Board(7), None);
    }
    let both = |cluster: &mut Cluster| {
        let sees = |client: &TestClient| client.names(Board(7)) == ["Ada", "Bob"];
        cluster.clients().iter().all(sees)
    };
    cluster.eventually("both see both", both).await;
    for jump in [3_600_000, -7_200_000, 3_600_000] {
        cluster.move_clock(jump);
        cluster.run_for(Duration::from_secs(30)).await;
    }
    // Bob's node stands still for a while; what it should have said and heard comes later.
    cluster.link(1).freeze();
    let event = "meanwhile".to_owned();
    cluster.node(0).publish(Board(7), &event).await.unwrap();
    cluster.run_for(Duration::from_secs(3)).await;
    assert_eq!(cluster.clients()[bob].events(Board(7)).len(), 0);
    cluster.link(1).heal();
    cluster.run_for(Duration::from_secs(10)).await;
    assert_eq!(cluster.clients()[bob].events(Board(7)), ["\"meanwhile\""]);
    assert!(both(&mut cluster));
    for client in cluster.clients() {
        assert_eq!(heard(client, "gone"), 0);
    }
    cluster.shutdown().await;
}

#[cfg(feature = "simulated-redis")]
#[tokio::test(start_paused = true)]
async fn c5_a_node_that_cannot_listen_to_redis_but_speak_is_not_taken_for_dead() {
    use leptos_realtime::testing::{
        Cluster,
        redis::{Cut, Role},
    };
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
    for cut in [Cut::Refused, Cut::Silent] {
        cluster.path(0).cut(Some(Role::Messages), cut);
        cluster.run_for(Duration::from_secs(40)).await;
        assert_eq!(cluster.node(1).nodes().len(), 2, "{cut:?}");
        cluster.path(0).mend();
        cluster.run_for(Duration::from_secs(10)).await;
    }
    for client in 0..2 {
        assert_eq!(cluster.client(client).take_departures(), []);
        assert!(!cluster.clients()[client].session().is_degraded());
    }
    cluster.shutdown().await;
}

#[cfg(feature = "simulated-redis")]
#[tokio::test(start_paused = true)]
async fn c7_who_came_after_the_copy_that_redis_was_restored_from_stays_until_their_node_speaks() {
    use leptos_realtime::testing::Cluster;
    let mut cluster = Cluster::start_over_redis(7, 2, builder).await;
    for name in ["Bob", "Cyd", "Dan", "Eve", "Fay", "Gus"] {
        let client = cluster.connect(1, auth(name));
        cluster.client(client).join(Board(7), None);
    }
    cluster.run_for(Duration::from_secs(5)).await;
    let copy = cluster.redis().copy();
    cluster.run_for(Duration::from_secs(2)).await;
    let ada = cluster.connect(0, auth("Ada"));
    cluster.client(ada).join(Board(7), None);
    let all = |cluster: &mut Cluster| {
        let mut clients = cluster.clients().iter();
        clients.all(|client| client.names(Board(7)).len() == 7)
    };
    cluster.eventually("all see all", all).await;
    // Ada's node takes a while; the others tell again at once that they are here.
    cluster.path(0).freeze();
    cluster.redis().start_again(Some(copy));
    cluster.run_for(Duration::from_secs(2)).await;
    cluster.path(0).thaw();
    cluster.run_for(Duration::from_secs(20)).await;
    for client in 0..7 {
        assert_eq!(cluster.client(client).take_departures(), []);
    }
    assert!(all(&mut cluster));
    cluster.shutdown().await;
}

//! C3 convergence: when changes stop, everyone sees the truth; a divergence is found, mended and counted.

use leptos_realtime::testing::{Cluster, LinkFaults};

use super::support::*;

#[tokio::test(start_paused = true)]
async fn c3_a_view_that_diverged_is_found_by_its_heartbeat_mended_and_counted() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let _bob = person(&node, "Bob").await;
    ada.until("Ada sees Bob", |ada| ada.names(Board(7)).len() == 2)
        .await;
    let views = heard(&ada, r#"42["joined",{"room":"board:7""#);
    ada.run_for(Duration::from_secs(60)).await;
    assert!(heard(&ada, "43") > 2, "heartbeats are answered");
    assert_eq!(node.stats().divergences, 0);
    // What it shows is not what it was sent.
    let view = ada.view(Board(7)).unwrap();
    let wrong = view.digest().0 ^ 1;
    let frame = last_frame(&ada);
    let heartbeat = format!(
        r#"42["heartbeat",{{"active":true,"rooms":[{{"room":"board:7","frame":{frame},"digest":"{wrong:016x}"}}]}}]"#
    );
    ada.send_raw(Message::text(heartbeat)).await;
    ada.until("it is shown the room anew", |ada| {
        heard(ada, r#"42["joined",{"room":"board:7""#) == views + 1
    })
    .await;
    assert_eq!(node.stats().divergences, 1);
    // About a frame that is long gone, or of a room that is not joined, nothing can be said.
    for rooms in [
        r#"{"room":"board:7","frame":999999,"digest":"0000000000000000"}"#,
        r#"{"room":"board:99","frame":1,"digest":"0000000000000000"}"#,
    ] {
        let heartbeat = format!(r#"42["heartbeat",{{"rooms":[{rooms}]}}]"#);
        ada.send_raw(Message::text(heartbeat)).await;
    }
    ada.run_for(Duration::from_secs(60)).await;
    assert_eq!(node.stats().divergences, 1);
}

fn last_frame(client: &TestClient) -> u64 {
    let frames = client.received().iter().rev();
    let of_board = frames.filter(|text| text.contains(r#"{"room":"board:7""#));
    let number = |text: &String| {
        let (_, rest) = text.split_once(r#""frame":"#)?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    of_board.filter_map(number).next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn c3_the_loss_of_a_rooms_last_message_is_noticed_and_mended() {
    let mut cluster = Cluster::start(1, 2, builder).await;
    let (ada, bob) = (
        cluster.connect(0, auth("Ada")),
        cluster.connect(1, auth("Bob")),
    );
    for client in [ada, bob] {
        cluster.client(client).join(Board(7), None);
    }
    cluster
        .eventually("both see both", |cluster| {
            let both = |client: &TestClient| client.names(Board(7)) == ["Ada", "Bob"];
            cluster.clients().iter().all(both)
        })
        .await;
    // The last thing that happens is lost, and nothing comes after it.
    cluster.link(1).set_faults(LinkFaults {
        drop: 1.0,
        ..LinkFaults::default()
    });
    cluster
        .node(0)
        .publish(Board(7), &"lost on its way".to_owned())
        .await
        .unwrap();
    cluster.run_for(Duration::from_millis(100)).await;
    cluster.link(1).heal();
    cluster.run_for(Duration::from_secs(8)).await;
    assert_eq!(
        cluster.clients()[bob].events(Board(7)),
        ["\"lost on its way\""]
    );
    assert_eq!(cluster.node(1).stats().losses, 1);
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn c3_messages_that_are_lost_late_repeated_or_out_of_order_make_no_difference() {
    let mut cluster = Cluster::start(2, 2, builder).await;
    for name in ["Ada", "Bob", "Cyd"] {
        let client = cluster.connect(1, auth(name));
        cluster.client(client).join(Board(7), None);
    }
    cluster.link(1).set_faults(LinkFaults {
        drop: 0.1,
        duplicate: 0.3,
        delay: Some(Duration::ZERO..Duration::from_millis(300)),
    });
    let expected: Vec<String> = (0..100).map(|i| format!("\"{i}\"")).collect();
    for i in 0..100 {
        let event = i.to_string();
        cluster.node(0).publish(Board(7), &event).await.unwrap();
        cluster.run_for(Duration::from_millis(30)).await;
    }
    cluster.link(1).heal();
    cluster
        .eventually("everyone has heard the last", |cluster| {
            let last = |client: &TestClient| client.events(Board(7)).last() == expected.last();
            cluster.clients().iter().all(last)
        })
        .await;
    for client in cluster.clients() {
        let heard = client.events(Board(7));
        assert!(expected.ends_with(heard), "{heard:?}");
        assert_eq!(client.names(Board(7)), ["Ada", "Bob", "Cyd"]);
    }
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_nodes_people_leave_once_and_those_who_come_back_never_left() {
    let mut cluster = Cluster::start(3, 2, builder).await;
    let (ada, bob, cyd) = (
        cluster.connect(0, auth("Ada")),
        cluster.connect(1, auth("Bob")),
        cluster.connect(1, auth("Cyd")),
    );
    for client in [ada, bob, cyd] {
        cluster.client(client).join(Board(7), None);
    }
    let all = |cluster: &mut Cluster| cluster.clients()[ada].names(Board(7)).len() == 3;
    cluster.eventually("all are here", all).await;
    // Cyd's machine dies with the node.
    cluster.stall(cyd, true);
    cluster.kill(1).await;
    cluster.run_for(Duration::from_secs(6)).await;
    let names = cluster.clients()[ada].names(Board(7));
    assert_eq!(names, ["Ada", "Bob"]);
    assert_eq!(heard(&cluster.clients()[ada], r#""gone":["Cyd"]"#), 1);
    assert_eq!(heard(&cluster.clients()[ada], r#""gone":["Bob"]"#), 0);
    cluster.shutdown().await;
}

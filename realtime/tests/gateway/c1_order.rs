//! C1 order: events come in order, each once.

use super::support::*;

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
async fn c1_a_repeat_is_shown_once_and_an_older_version_never_after_a_newer_one() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let versioned = |text: &str, version| {
        let text = text.to_owned();
        let node = node.clone();
        async move {
            let draft = Draft::from(&text).about("post:7", version).unwrap();
            node.publish(Board(7), draft).await.unwrap()
        }
    };
    versioned("first", 1).await;
    // Committed in one order, published in another.
    versioned("third", 3).await;
    versioned("second", 2).await;
    let once = "once".to_owned();
    let first = node
        .publish(Board(7), Draft::from(&once).id("order-17").unwrap())
        .await
        .unwrap();
    let again = node
        .publish(Board(7), Draft::from(&once).id("order-17").unwrap())
        .await
        .unwrap();
    assert_eq!(first, again);
    versioned("removed", 4).await;
    ada.run_for(Duration::from_secs(1)).await;
    assert_eq!(
        ada.events(Board(7)),
        ["\"first\"", "\"third\"", "\"once\"", "\"removed\""]
    );
    // Someone who missed it all is given the same, in the same order.
    let mut bob = TestClient::connect(&node, auth("Bob"));
    let begin = leptos_realtime::Position {
        seq: 0,
        ..first.position().unwrap()
    };
    bob.join(Board(7), Some(begin));
    bob.until("he has the last", |bob| bob.events(Board(7)).len() == 4)
        .await;
    assert_eq!(bob.events(Board(7)), ada.events(Board(7)));
}

#[tokio::test(start_paused = true)]
async fn c1_an_event_that_is_published_again_in_a_new_life_of_the_log_is_shown_once() {
    let before = node().await;
    let mut ada = person(&before, "Ada").await;
    let publish = async |node: &Realtime, text: &str| {
        let event = text.to_owned();
        let draft = Draft::from(&event).id(text).unwrap();
        node.publish(Board(7), draft).await.unwrap();
    };
    publish(&before, "one").await;
    ada.until("one is here", |ada| ada.events(Board(7)).len() == 1)
        .await;
    before.shutdown().await;
    ada.until("the node is gone", |ada| {
        matches!(ada.connection(), Connection::Waiting { .. })
    })
    .await;
    let after = node().await;
    ada.drop_connection(&after);
    ada.until("she is told to look again", |ada| {
        ada.events(Board(7)).len() == 2
    })
    .await;
    publish(&after, "one").await;
    publish(&after, "two").await;
    ada.until("two is here", |ada| ada.events(Board(7)).len() == 3)
        .await;
    assert_eq!(ada.events(Board(7)), ["\"one\"", "reset", "\"two\""]);
}

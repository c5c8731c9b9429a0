//! C11 recovery: what was missed comes, or a reset.

use super::support::*;

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
async fn c11_each_of_thirty_drops_in_a_row_brings_what_was_missed_once() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    ada.join(Board(8), None);
    ada.until("she is at both", |ada| ada.names(Board(8)) == ["Ada"])
        .await;
    let mut expected = Vec::new();
    for i in 0..30 {
        // With no event before the first drop, with one between, with many, and with none.
        ada.drop_connection(&node);
        for k in 0..[0, 1, 7, 0][i % 4] {
            let text = format!("{i}.{k}");
            node.publish(Board(7), &text).await.unwrap();
            expected.push(format!("\"{text}\""));
        }
        if i % 5 == 0 {
            // Again while it resumes.
            ada.run_for(Duration::from_millis(1)).await;
            ada.drop_connection(&node);
        }
        ada.until("she is back", |ada| {
            let live = |board| ada.view(board).unwrap().state == ViewState::Live;
            live(Board(7)) && live(Board(8))
        })
        .await;
        assert_eq!(ada.events(Board(7)), expected);
    }
    assert_eq!(ada.events(Board(8)), [] as [&str; 0]);
    assert_eq!(node.stats().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn c11_what_is_no_longer_retained_is_a_reset_and_never_a_gap() {
    let node = node_with(|config| config.retention.count = 10).await;
    let mut ada = person(&node, "Ada").await;
    node.publish(Board(7), &"before".to_owned()).await.unwrap();
    ada.until("before is here", |ada| ada.events(Board(7)).len() == 1)
        .await;
    ada.drop_connection(&node);
    for i in 0..11 {
        node.publish(Board(7), &i.to_string()).await.unwrap();
    }
    ada.until("she is told to look again", |ada| {
        ada.events(Board(7)) == ["\"before\"", "reset"]
    })
    .await;
    node.publish(Board(7), &"after".to_owned()).await.unwrap();
    ada.until("and it goes on", |ada| {
        ada.events(Board(7)) == ["\"before\"", "reset", "\"after\""]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn c11_a_position_in_an_empty_room_is_good_for_the_retention() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    ada.set_network(false);
    ada.run_for(Duration::from_secs(50)).await;
    node.publish(Board(7), &"hello".to_owned()).await.unwrap();
    ada.set_network(true);
    ada.run_for(Duration::from_secs(60)).await;
    assert_eq!(ada.events(Board(7)), ["\"hello\""]);
}

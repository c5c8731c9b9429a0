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

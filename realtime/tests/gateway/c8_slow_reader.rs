//! C8 slow reader: bounded, harmless, brought up to date, and cut off in the end.

use super::support::*;

#[tokio::test(start_paused = true)]
async fn c8_a_client_that_does_not_read_delays_nobody_and_is_cut_off() {
    // Only by what it does not take: it is never silent for long enough to be cut for that.
    let mut config = RealtimeConfig::default();
    config.ping_timeout = Duration::from_secs(3_600);
    let node = builder_with(config).start().await.unwrap();
    let mut ada = person(&node, "Ada").await;
    let stuck = person(&node, "Stuck").await;
    let big = "x".repeat(2_000);
    for _ in 0..400 {
        node.publish(Board(7), &big).await.unwrap();
        ada.run_for(Duration::from_millis(1)).await;
    }
    ada.until("Ada has everything", |ada| {
        ada.events(Board(7)).len() == 400
    })
    .await;
    ada.until("Stuck is gone, though his socket is open", |ada| {
        ada.names(Board(7)) == ["Ada"]
    })
    .await;
    drop(stuck);
}

#[tokio::test(start_paused = true)]
async fn c8_a_client_that_reads_again_in_time_is_brought_up_to_date() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let big = "x".repeat(2_000);
    // More than the pipe and the send buffer hold, one at a time so that each is a frame of its own.
    for i in 0..400 {
        node.publish(Board(7), &format!("{i} {big}")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ada.until("Ada has everything", |ada| {
        ada.events(Board(7)).len() >= 400
    })
    .await;
    ada.run_for(Duration::from_secs(3)).await;
    let numbers = ada
        .events(Board(7))
        .iter()
        .map(|event| event[1..].split(' ').next().unwrap());
    let expected: Vec<String> = (0..400).map(|i| i.to_string()).collect();
    assert_eq!(numbers.collect::<Vec<_>>(), expected, "once each, in order");
    let views = ada
        .received()
        .iter()
        .filter(|text| text.starts_with(r#"42["joined""#));
    assert!(views.count() > 1, "it was behind, and shown the room anew");
    assert_eq!(node.stats().unsent_bytes, 0, "nothing waits any more");
}

#[tokio::test(start_paused = true)]
async fn c8_a_client_with_a_full_buffer_is_not_cut_by_the_next_ping() {
    let node = node().await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    // The ping comes 25 s after the connection began, into buffers that have been full for a while.
    let both = futures::future::join(
        ada.run_for(Duration::from_secs(10)),
        bob.run_for(Duration::from_secs(10)),
    );
    both.await;
    let big = "x".repeat(2_000);
    for i in 0..400 {
        node.publish(Board(7), &format!("{i} {big}")).await.unwrap();
        ada.run_for(Duration::from_millis(45)).await;
    }
    assert!(
        node.stats().unsent_bytes > 100_000,
        "much waits for Bob: {:?}",
        node.stats()
    );
    bob.until("Bob reads again, and has everything", |bob| {
        bob.events(Board(7)).len() == 400
    })
    .await;
    let welcomes = bob.received().iter().filter(|t| t.contains("welcome"));
    assert_eq!(welcomes.count(), 1, "he was connected all the time");
    assert_eq!(node.stats().unsent_bytes, 0, "nothing waits any more");
    assert!(
        !ada.received().iter().any(|text| text.contains("gone")),
        "and nobody saw him leave"
    );
}

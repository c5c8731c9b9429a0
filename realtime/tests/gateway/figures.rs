//! What a host can know of its own load, and for whom it would say so.

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_room_is_occupied_as_long_as_anybody_is_in_it_on_any_instance_seen_or_not() {
    let one = node_with(|config| config.leave_grace = Duration::from_millis(200)).await;
    let two = beside(builder(), &one).start().await.unwrap();
    let is_occupied = async || {
        let both = [
            one.is_occupied(Board(7)).await,
            two.is_occupied(Board(7)).await,
        ];
        both.map(Result::unwrap)
    };
    assert_eq!(is_occupied().await, [false, false]);
    let mut guest = TestClient::connect(&one, Auth::default());
    guest.join(Board(7), None);
    guest.until("the guest is in", live).await;
    guest.run_for(Duration::from_secs(1)).await;
    assert_eq!(is_occupied().await, [true, true], "a guest is somebody");
    guest.bye();
    guest.run_for(Duration::from_secs(1)).await;
    assert_eq!(is_occupied().await, [false, false]);
    one.set_invisible(id("Ghost"), true).await.unwrap();
    let mut ghost = person(&two, "Ghost").await;
    ghost.run_for(Duration::from_secs(1)).await;
    assert_eq!(one.count(Board(7)).await.unwrap(), 0);
    assert_eq!(is_occupied().await, [true, true], "who hides hears too");
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_counted_and_never_counted_down() {
    let node = node().await;
    let before = node.stats();
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    for _ in 0..3 {
        node.publish(Board(7), &"hello".to_owned()).await.unwrap();
        run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    }
    ada.join(Board(13), None);
    node.signal(Board(7), &1).await.unwrap();
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    let stats = node.stats();
    assert_eq!(stats.events_published - before.events_published, 3);
    assert_eq!(stats.events_received - before.events_received, 3);
    assert_eq!(stats.events_delivered - before.events_delivered, 6);
    assert_eq!(stats.signals_received - before.signals_received, 1);
    assert!(stats.frames >= 3 && stats.deliveries >= stats.frames);
    assert!(stats.presence_received >= 2, "{stats:?}");
    assert_eq!((stats.connections_opened, stats.connections_closed), (2, 0));
    assert_eq!(stats.joins_refused, 1);
    assert!(stats.joins >= 2 && stats.uptime >= before.uptime);
    assert_eq!(stats.redis_round_trips, 0, "there is no Redis");
    ada.drop_connection(&node);
    ada.until("she is back", |ada| ada.received().len() > 2 && live(ada))
        .await;
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    let after = node.stats();
    assert_eq!((after.connections_opened, after.connections_closed), (3, 1));
    assert!(after.resumes > stats.resumes, "{after:?}");
}

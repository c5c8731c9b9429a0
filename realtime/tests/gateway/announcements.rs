//! What is said to everyone connected.

use super::support::*;

#[tokio::test(start_paused = true)]
async fn everyone_connected_hears_an_announcement_once_whatever_rooms_they_are_in() {
    let one = node().await;
    let two = beside(builder(), &one).start().await.unwrap();
    let mut ada = person(&one, "Ada").await;
    // In no room at all, without a name, and at another node.
    let mut guest = TestClient::connect(&two, Auth::default());
    guest.until("the guest is connected", live).await;
    guest.run_for(Duration::from_millis(50)).await;
    one.announce(&"maintenance at noon".to_owned())
        .await
        .unwrap();
    run_all(&mut [&mut ada, &mut guest], Duration::from_secs(1)).await;
    assert_eq!(heard(&ada, "maintenance at noon"), 1);
    assert_eq!(heard(&guest, "maintenance at noon"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_away_for_a_moment_hears_what_was_announced_meanwhile() {
    let node = node().await;
    let room = Announcements::<String>::new();
    let mut ada = TestClient::connect(&node, auth("Ada"));
    ada.join(room.clone(), None);
    ada.until("she listens", |ada| {
        ada.view(Announcements::id()).unwrap().state == ViewState::Live
    })
    .await;
    node.announce(&"one".to_owned()).await.unwrap();
    ada.until("she hears one", |ada| ada.events(room.clone()).len() == 1)
        .await;
    ada.drop_connection(&node);
    node.announce(&"two".to_owned()).await.unwrap();
    node.announce(Draft::from(&"two".to_owned()).id("two").unwrap())
        .await
        .unwrap();
    node.announce(Draft::from(&"two".to_owned()).id("two").unwrap())
        .await
        .unwrap();
    ada.until("she hears the others", |ada| {
        ada.events(room.clone()).len() >= 3
    })
    .await;
    ada.run_for(Duration::from_secs(2)).await;
    assert_eq!(
        ada.events(room),
        ["\"one\"", "\"two\"", "\"two\""],
        "an id that is published again is nothing new"
    );
}

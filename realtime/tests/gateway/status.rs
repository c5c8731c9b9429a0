//! Online, away, where, and last seen.

use super::support::*;

#[tokio::test(start_paused = true)]
async fn whoever_hides_the_page_or_does_nothing_is_away_and_back_with_the_first_touch() {
    let node = node_with(|config| {
        config.away_after_hidden = Duration::from_secs(30);
        config.away_after_idle = Duration::from_secs(300);
    })
    .await;
    let mut ada = person(&node, "Ada").await;
    let mut bob = person(&node, "Bob").await;
    let away = |who: &'static str| move |c: &TestClient| status_of(c, who) == Some(Status::Away);
    let online =
        |who: &'static str| move |c: &TestClient| status_of(c, who) == Some(Status::Online);
    bob.set_visible(false);
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(29)).await;
    assert!(online("Bob")(&ada));
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(2)).await;
    assert!(away("Bob")(&ada));
    bob.set_visible(true);
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    assert!(online("Bob")(&ada));
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(301)).await;
    assert!(away("Bob")(&ada) && away("Ada")(&bob));
    ada.touch();
    run_all(&mut [&mut ada, &mut bob], Duration::from_secs(1)).await;
    assert!(online("Ada")(&bob) && away("Bob")(&ada));
    // One device in use is enough.
    let mut phone = TestClient::connect(&node, tab("Bob", "phone"));
    phone.join(Board(7), None);
    phone.until("the phone is in", live).await;
    ada.until("Bob is back", online("Bob")).await;
    assert_eq!(heard(&ada, "gone"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rooms_people_are_told_where_somebody_is_as_far_as_the_host_lets_them_know() {
    let node = node().await;
    let mut ada = TestClient::connect(&node, auth("Ada"));
    ada.join(Community(1), None);
    ada.until("she sees herself", |ada| ada.names(Community(1)) == ["Ada"])
        .await;
    let mut bob = TestClient::connect(&node, auth("Bob"));
    bob.join(Board(7), None);
    bob.join(Board(99), None);
    let places = |ada: &TestClient| -> Option<Vec<String>> {
        let bob = ada.view(Community(1))?.member(&id("Bob"))?;
        Some(bob.at.iter().map(|place| place.room.to_string()).collect())
    };
    bob.until("Bob is at both boards", |bob| {
        bob.names(Board(99)) == ["Bob"]
    })
    .await;
    bob.run_for(Duration::from_millis(10)).await;
    ada.until("Ada knows of one of them", |ada| {
        places(ada) == Some(vec!["board:7".to_owned()])
    })
    .await;
    bob.leave(Board(7));
    bob.join(Board(8), None);
    bob.run_for(Duration::from_secs(1)).await;
    ada.until("he has moved", |ada| {
        places(ada) == Some(vec!["board:8".to_owned()])
    })
    .await;
    assert_eq!(heard(&ada, "board:99"), 0);
    assert_eq!(heard(&ada, "gone"), 0, "moving is no leave");
    // After a loss he is where he was, and nobody saw anything.
    let frames = ada.received().len();
    bob.drop_connection(&node);
    bob.until("he is back", |bob| bob.names(Board(8)) == ["Bob"])
        .await;
    bob.run_for(Duration::from_secs(8)).await;
    ada.run_for(Duration::from_millis(10)).await;
    let news = ada.received()[frames..]
        .iter()
        .filter(|text| text.contains("Bob"));
    assert_eq!(news.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn whether_a_person_is_online_can_be_watched_without_being_seen() {
    let node = node().await;
    let bobs = Online(id("Bob"));
    let mut ada = person(&node, "Ada").await;
    ada.join(bobs.clone(), None);
    ada.until("he never was here", |ada| {
        let view = ada.view(bobs.clone()).unwrap();
        view.state == ViewState::Live && view.members.is_empty() && view.last_seen.is_none()
    })
    .await;
    let mut bob = person_in(&node, auth("Bob"), Board(99)).await;
    ada.until("he is online", |ada| ada.names(bobs.clone()) == ["Bob"])
        .await;
    bob.join(bobs.clone(), None);
    bob.until("he sees himself alone there", |bob| {
        bob.names(bobs.clone()) == ["Bob"]
    })
    .await;
    drop(bob);
    ada.until("he was seen last", |ada| {
        let view = ada.view(bobs.clone()).unwrap();
        view.members.is_empty() && view.last_seen.is_some()
    })
    .await;
    // It is kept, and told to whoever asks later, before and after the room is served anew.
    ada.leave(bobs.clone());
    ada.run_for(Duration::from_secs(120)).await;
    let mut cyd = person(&node, "Cyd").await;
    cyd.join(bobs.clone(), None);
    cyd.until("it is kept", |cyd| {
        let view = cyd.view(bobs.clone()).unwrap();
        view.state == ViewState::Live && view.last_seen.is_some()
    })
    .await;
}

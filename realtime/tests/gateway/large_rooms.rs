//! Large rooms: the number, the first people, those who are watched, and the rest page by page.

use leptos_realtime::core::replica::Crowd;

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_room_that_grows_large_shows_its_number_its_first_people_and_who_is_watched() {
    let node = node_with(|config| config.crowd = Crowd { large: 6, page: 3 }).await;
    let mut people = Vec::new();
    for i in 0..6 {
        people.push(person(&node, &format!("P{i}")).await);
    }
    let mut ada = person(&node, "Ada").await;
    ada.run_for(Duration::from_secs(1)).await;
    assert_eq!(ada.view(Board(7)).unwrap().count(), 7);
    let first = &mut people[0];
    first
        .until("the first one is told", |first| {
            first.view(Board(7)).unwrap().count == Some(7)
        })
        .await;
    let names = |client: &TestClient| -> Vec<String> {
        let members = client.view(Board(7)).unwrap().members_by_arrival();
        members.into_iter().map(|member| member.name).collect()
    };
    assert_eq!(names(first).len(), 3, "the first three, among them itself");
    assert_eq!(names(&ada).len(), 4, "the first three, and herself");
    ada.watch(Board(7), vec![id("P5"), id("Nobody")]);
    ada.until("she sees her friend", |ada| {
        names(ada).contains(&"P5".to_owned())
    })
    .await;
    let friend = people.pop().unwrap();
    drop(friend);
    ada.until("and that her friend has gone", |ada| {
        !names(ada).contains(&"P5".to_owned())
    })
    .await;
    assert_eq!(ada.view(Board(7)).unwrap().count(), 6, "still large");
    // Fewer than four fifths of the threshold: everyone is shown again.
    people.truncate(3);
    ada.until("the room is small again", |ada| {
        ada.view(Board(7)).unwrap().count.is_none()
    })
    .await;
    ada.until("and whole", |ada| names(ada) == ["P0", "P1", "P2", "Ada"])
        .await;
    assert_eq!(node.stats().divergences, 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_rooms_people_can_be_had_page_by_page() {
    use leptos::prelude::{Owner, provide_context};
    let node = node_with(|config| config.crowd = Crowd { large: 6, page: 3 }).await;
    let mut people = Vec::new();
    for i in 0..8 {
        people.push(person(&node, &format!("P{i}")).await);
    }
    let context = node.context();
    let owner = Owner::new();
    owner.set();
    context();
    provide_context(http::Request::new(()).into_parts().0);
    let mut all = Vec::new();
    let (mut since, mut user) = (None, None);
    loop {
        let page = leptos_realtime::people_in(Board(7).room_id(), since, user, 3)
            .await
            .unwrap();
        assert_eq!(page.count, 8);
        all.extend(page.members.into_iter().map(|member| member.name));
        let Some(next) = page.next else { break };
        (since, user) = (Some(next.since), Some(next.user));
    }
    all.sort();
    let expected: Vec<String> = (0..8).map(|i| format!("P{i}")).collect();
    assert_eq!(all, expected);
    let denied = leptos_realtime::people_in(Board(13).room_id(), None, None, 0)
        .await
        .unwrap_err();
    assert_eq!(denied.code, ErrorCode::Forbidden);
}

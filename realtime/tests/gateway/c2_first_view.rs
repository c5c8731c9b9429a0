//! C2 first view: nothing between the page and the join is missed.

use super::support::*;

#[tokio::test(start_paused = true)]
async fn c2_what_happens_between_the_page_and_the_join_is_delivered() {
    let node = node().await;
    node.publish(Board(7), &"before".to_owned()).await.unwrap();
    let handshake = |name: &str| {
        let request = http::Request::new(()).into_parts().0;
        leptos_realtime::testing::handshake(request, Some(name.to_owned()))
    };
    let view = node.first_view(handshake("Ada"), Board(7)).await.unwrap();
    node.publish(Board(7), &"between".to_owned()).await.unwrap();
    let mut ada = TestClient::connect(&node, auth("Ada"));
    ada.join(Board(7), Some(view.position));
    ada.until("the event between is here", |ada| {
        ada.events(Board(7)) == ["\"between\""]
    })
    .await;

    let denied = node
        .first_view(handshake("Ada"), Board(13))
        .await
        .unwrap_err();
    assert_eq!(denied.0.code, ErrorCode::Forbidden);
    let denied = node
        .first_view(handshake("wrong"), Board(7))
        .await
        .unwrap_err();
    assert_eq!(denied.0.code, ErrorCode::Unauthorized);
}

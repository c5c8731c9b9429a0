//! What becomes of an event whose publishing fails.

#[path = "../common/between.rs"]
mod between;

use std::sync::Arc;

use between::Between;
use leptos_realtime::{
    Published,
    core::message::NewEvent,
    server::broker::{BrokerError, LinkState},
    testing,
};
use tokio::sync::watch;

use crate::support::*;

/// As where a command waits for a server that is gone, and the others find the next server meanwhile.
#[tokio::test]
async fn what_fails_on_a_link_that_was_replaced_meanwhile_is_tried_on_the_new_one() {
    let link = watch::Sender::new(LinkState {
        up: true,
        returns: 1,
    });
    let state = link.subscribe();
    let node = testing::around_broker(builder(), move |inner| {
        let before = move |_: &RoomId, event: &NewEvent| {
            let refused = || Err(BrokerError::Unavailable("it moved".to_owned()));
            match event.id.as_str() {
                "replaced" if link.borrow().returns == 1 => {
                    link.send_modify(|link| link.returns += 1);
                    refused()
                }
                "refused" => refused(),
                _ => Ok(Duration::ZERO),
            }
        };
        Arc::new(Between {
            inner,
            before: Box::new(before),
            link: Some(state),
        })
    });
    let node = node.start().await.unwrap();
    let publish = async |id: &str| {
        let event = "hello".to_owned();
        let draft = Draft::from(&event).id(id).unwrap();
        node.publish(Board(1), draft).await
    };
    let published = publish("replaced").await.unwrap();
    assert!(matches!(published, Published::At(_)), "{published:?}");
    // On the same link it would fail again.
    assert!(publish("refused").await.is_err());
}

//! Notifications of a kind that only a newer instance has words for.

#[path = "../common/redis/mod.rs"]
#[allow(unused_imports, reason = "other tests use the rest")]
mod servers;

use std::time::Duration;

use leptos_realtime::{Notification, NotificationData, Realtime, RealtimeBuilder, RedisConfig};
use serde::{Deserialize, Serialize};
use servers::RedisServer;

use super::support::{Recorder, builder, config, id, until};
use crate::common::host::{Host, PostgresHost};

/// What the newer version tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wave {
    hands: i64,
}

impl NotificationData for Wave {
    fn kind(&self) -> &'static str {
        "wave"
    }

    fn title(notification: &Notification<Self>) -> String {
        format!("{} hands", notification.data.hands)
    }
}

/// One of several instances, of the version before.
async fn older(host: &PostgresHost, redis: &RedisServer, recorder: &Recorder) -> RealtimeBuilder {
    let mut config = config();
    let mut redis = RedisConfig::from_url(&redis.url()).unwrap();
    redis.beat_interval = Duration::from_millis(250);
    config.redis = Some(redis);
    builder(config)
        .channel(recorder.clone())
        .database(host.database().await)
}

async fn are(nodes: &[&Realtime], count: usize) {
    until("all know of each other", async || {
        nodes.iter().all(|node| node.nodes().len() == count)
    })
    .await;
}

#[tokio::test]
async fn an_instance_without_words_for_a_notification_leaves_it_to_one_that_has_them() {
    let (host, recorder) = (PostgresHost::new().await, Recorder::new());
    let redis = RedisServer::start(&[]);
    let one = older(&host, &redis, &recorder).await.start().await.unwrap();
    let two = older(&host, &redis, &recorder).await.start().await.unwrap();
    are(&[&one, &two], 2).await;
    one.link_channel(id("ada"), "recorder", "ada")
        .await
        .unwrap();
    // A page of the newer version told it, which is served by an older instance.
    one.notify([id("ada")], &Wave { hands: 2 }).await.unwrap();
    let left = "select count(*) from realtime_delivery
        where done is null and attempts >= 1 and claim is null";
    until("it was tried, and is left", async || {
        host.number(left).await == 1
    })
    .await;
    assert_eq!(recorder.titles("ada"), [""; 0]);

    let newer = older(&host, &redis, &recorder)
        .await
        .notifications::<Wave>();
    let newer = newer.start().await.unwrap();
    for old in [one, two] {
        old.shutdown().await;
    }
    host.run("update realtime_delivery set due = since where done is null")
        .await;
    until("it is sent", async || recorder.titles("ada") == ["2 hands"]).await;
    newer.shutdown().await;
}

//! The broker against a real server.

use super::{client::Client, servers::RedisServer, *};
use crate::{
    core::log::Retention,
    server::broker::{InboxReceiver, suite},
};

struct Ends {
    stop: CancellationToken,
    tasks: TaskTracker,
}

fn settings(prefix: &str) -> Settings {
    Settings {
        beat: Duration::from_millis(200),
        timeout: Duration::from_secs(2),
        prefix: prefix.to_owned(),
        name: "test".to_owned(),
        retention: Retention::default(),
    }
}

async fn node(server: &RedisServer, prefix: &str, ends: &Ends) -> (RedisBroker, InboxReceiver) {
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let transport = Arc::new(Client::new(&config).unwrap());
    let (inbox, mut receivers) = Inbox::new(1, 1_024);
    let broker = RedisBroker::start(settings(prefix), transport, inbox, &ends.tasks, &ends.stop);
    assert!(
        broker.first(Duration::from_secs(30)).await,
        "Redis is reached"
    );
    (broker, receivers.remove(0))
}

#[tokio::test]
async fn the_redis_broker_does_what_every_broker_does() {
    let server = RedisServer::start(&[]);
    let ends = Ends {
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    let count = std::sync::atomic::AtomicU64::new(0);
    suite::run(|| async {
        let prefix = format!("t{}", count.fetch_add(1, Ordering::Relaxed));
        let (one, other) = (
            node(&server, &prefix, &ends).await,
            node(&server, &prefix, &ends).await,
        );
        let end = |(broker, received)| suite::Node { broker, received };
        (end(one), end(other))
    })
    .await;
    ends.stop.cancel();
    ends.tasks.close();
    ends.tasks.wait().await;
}

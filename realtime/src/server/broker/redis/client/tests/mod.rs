//! With real servers, as a user would configure them.

mod cluster;
mod sentinel;
mod single;
mod tls;

use redis::{PushInfo, PushKind, Value, from_redis_value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::server::broker::redis::servers::PATIENCE;

type Pushes = UnboundedReceiver<PushInfo>;

fn config(url: &str) -> RedisConfig {
    RedisConfig::from_url(url).unwrap()
}

async fn open(config: &RedisConfig) -> RedisResult<(Connection, Pushes)> {
    let (sender, pushes) = unbounded_channel();
    let connection = Client::new(config).unwrap().open(sender).await?;
    Ok((connection, pushes))
}

async fn refused(config: &RedisConfig) -> String {
    match open(config).await {
        Ok(_) => panic!("it was let in"),
        Err(error) => format!("{error} {error:?}"),
    }
}

/// Opens until it works and a key can be written.
async fn open_when_ready(config: &RedisConfig, key: &str) -> (Connection, Pushes) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let problem = match open(config).await {
            Err(error) => error,
            Ok((mut connection, pushes)) => match set(&mut connection, key, "there").await {
                Ok(()) => return (connection, pushes),
                Err(error) => error,
            },
        };
        assert!(tokio::time::Instant::now() < deadline, "never: {problem}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn set(connection: &mut Connection, key: &str, value: &str) -> RedisResult<()> {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(value).query_async(connection).await
}

async fn get(connection: &mut Connection, key: &str) -> RedisResult<Option<String>> {
    redis::cmd("GET").arg(key).query_async(connection).await
}

/// The next message, as channel and payload.
async fn message(pushes: &mut Pushes) -> (String, String) {
    let next = async {
        loop {
            let push = pushes.recv().await.expect("the connection lives");
            if matches!(push.kind, PushKind::Message | PushKind::SMessage) {
                let [channel, payload] = <[Value; 2]>::try_from(push.data).unwrap();
                return (
                    from_redis_value(channel).unwrap(),
                    from_redis_value(payload).unwrap(),
                );
            }
        }
    };
    tokio::time::timeout(PATIENCE, next)
        .await
        .expect("a message comes")
}

async fn pushed(pushes: &mut Pushes, kind: PushKind) {
    let wait = async { while pushes.recv().await.expect("the connection lives").kind != kind {} };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("it is pushed");
}

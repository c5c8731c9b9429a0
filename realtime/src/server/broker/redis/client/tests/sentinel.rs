//! A master that Sentinels know.

use super::*;
use crate::server::broker::redis::servers::Watched;

#[tokio::test]
async fn sentinels_lead_to_the_master_and_to_the_next_one() {
    let mut watched = Watched::start();
    // A Sentinel that is away does not matter.
    let url = format!(
        "redis+sentinel://:{}@127.0.0.1:1,127.0.0.1:{}/mymaster/1",
        Watched::PASSWORD,
        watched.sentinel.port()
    );
    let with = |url: &str, password: &str| {
        let get = |asked: &str| match asked {
            "REDIS_URL" => Some(url.to_owned()),
            "REDIS_SENTINEL_PASSWORD" => Some(password.to_owned()),
            _ => None,
        };
        RedisConfig::from_lookup(&get).unwrap().unwrap()
    };
    let config = with(&url, Watched::SENTINEL_PASSWORD);
    let (mut connection, mut pushes) = open(&config).await.unwrap();
    set(&mut connection, "key", "old master").await.unwrap();
    connection.subscribe(&["channel".to_owned()]).await.unwrap();
    watched
        .master
        .command::<()>(&["PUBLISH", "channel", "hello"]);
    assert_eq!(message(&mut pushes).await.1, "hello");

    watched.master.kill();
    pushed(&mut pushes, PushKind::Disconnection).await;
    let (mut connection, _pushes) = open_when_ready(&config, "new").await;
    assert_eq!(
        get(&mut connection, "new").await.unwrap().as_deref(),
        Some("there")
    );
    let mut role = redis::cmd("ROLE");
    let role: Vec<Value> = role.take().query_async(&mut connection).await.unwrap();
    assert_eq!(role[0], Value::BulkString(b"master".to_vec()));
    assert_eq!(watched.replica.command::<Vec<Value>>(&["ROLE"])[0], role[0]);

    let unknown = url.replace("mymaster", "another");
    let said = refused(&with(&unknown, Watched::SENTINEL_PASSWORD)).await;
    assert!(said.contains("no master of the name"), "{said}");
    for (url, password) in [
        (
            url.replace(Watched::PASSWORD, "hunter2"),
            Watched::SENTINEL_PASSWORD,
        ),
        (url, "hunter2"),
    ] {
        let said = refused(&with(&url, password)).await;
        assert!(said.contains("refuses the user or the password"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_no_master_is_not_taken_for_one() {
    let watched = Watched::start();
    let url = format!(
        "redis://:{}@127.0.0.1:{}",
        Watched::PASSWORD,
        watched.replica.port()
    );
    let client = Client::new(&config(&url)).unwrap();
    let replica = Address {
        host: "127.0.0.1".to_owned(),
        port: watched.replica.port(),
    };
    let (sender, _pushes) = unbounded_channel();
    let taken = client.open_if_master(&replica, Arc::new(sender)).await;
    assert!(taken.is_err_and(|error| error.to_string().contains("not the master")));
}

//! One server.

use super::*;
use crate::server::broker::redis::servers::RedisServer;

#[tokio::test]
async fn one_server_answers_and_pushes_what_is_published() {
    let server = RedisServer::start(&[]);
    let (mut connection, mut pushes) = open(&config(&server.url())).await.unwrap();
    assert!(!connection.is_cluster());
    set(&mut connection, "key", "value").await.unwrap();
    assert_eq!(
        get(&mut connection, "key").await.unwrap().as_deref(),
        Some("value")
    );

    // More than one command takes, and each of them.
    let channels: Vec<_> = (0..1_203).map(|at| format!("channel:{at}")).collect();
    connection.subscribe(&channels).await.unwrap();
    for channel in [&channels[0], &channels[777], &channels[1_202]] {
        let heard: i64 = server.command(&["PUBLISH", channel, "hello"]);
        assert_eq!(heard, 1, "{channel}");
        assert_eq!(
            message(&mut pushes).await,
            (channel.clone(), "hello".to_owned())
        );
    }
    connection.unsubscribe(&channels[1..]).await.unwrap();
    let heard: Vec<String> = server.command(&["PUBSUB", "CHANNELS"]);
    assert_eq!(heard, channels[..1]);

    let clients: String = server.command(&["CLIENT", "LIST"]);
    assert!(clients.contains("name=leptos_realtime"), "{clients}");
}

#[tokio::test]
async fn a_configuration_is_tried_without_starting() {
    let server = RedisServer::start(&["--requirepass", "hunter2"]);
    let with = |password: &str| config(&format!("redis://:{password}@127.0.0.1:{}", server.port()));
    with("hunter2").check().await.unwrap();
    let said = with("hunter3").check().await.unwrap_err().to_string();
    assert!(
        said.contains("the password") && !said.contains("hunter"),
        "{said}"
    );
    let place = format!("Redis at 127.0.0.1:{}", server.port());
    assert!(said.contains(&place), "{said}");
    assert_eq!(with("hunter2").to_string(), place);
}

#[tokio::test]
async fn a_lost_connection_says_so_and_the_next_is_a_fresh_one() {
    let mut server = RedisServer::start(&[]);
    let config = config(&server.url());
    let (mut connection, mut pushes) = open(&config).await.unwrap();
    server.kill();
    pushed(&mut pushes, PushKind::Disconnection).await;
    assert!(set(&mut connection, "key", "value").await.is_err());
    let said = refused(&config).await;
    assert!(
        said.contains(&format!("127.0.0.1:{}", server.port())),
        "{said}"
    );

    server.restart();
    open_when_ready(&config, "key").await;
    // The old one stays lost: whoever holds it must have noticed.
    assert!(get(&mut connection, "key").await.is_err());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = RedisServer::start(&[]);
    let mut config = config(&server.url());
    config.timeout = Duration::from_millis(100);
    config.connect_timeout = Duration::from_millis(200);
    let (mut connection, _pushes) = open(&config).await.unwrap();
    server.pause();
    assert!(get(&mut connection, "key").await.unwrap_err().is_timeout());
    refused(&config).await;
    server.resume();
    open_when_ready(&config, "key").await;
}

#[tokio::test]
async fn a_password_is_asked_for_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", "s3:cr@t"]);
    let port = server.port();
    let right = config(&format!("redis://:s3%3Acr%40t@127.0.0.1:{port}"));
    let (mut connection, _pushes) = open(&right).await.unwrap();
    set(&mut connection, "key", "value").await.unwrap();

    for wrong in [
        format!("redis://:hunter2@127.0.0.1:{port}"),
        format!("redis://somebody:hunter2@127.0.0.1:{port}"),
        format!("redis://127.0.0.1:{port}"),
    ] {
        let said = refused(&config(&wrong)).await;
        assert!(
            said.contains("it refuses the user or the password"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// A Redis before version 6, or with commands renamed, repeats the password in its answer.
#[tokio::test]
async fn a_server_without_resp3_is_named_without_the_password() {
    let server = RedisServer::start(&["--rename-command", "HELLO", "GOODBYE"]);
    let url = format!("redis://ada:hunter2@127.0.0.1:{}", server.port());
    let said = refused(&config(&url)).await;
    assert!(said.contains("older than Redis 6"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let cluster = format!("{url},127.0.0.1:1");
    let said = refused(&config(&cluster)).await;
    assert!(said.contains("older than Redis 6"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_user_restricted_to_the_prefix_gets_in() {
    let server = RedisServer::start(&[
        "--user",
        "app",
        "on",
        ">hunter2",
        "~shop:*",
        "&shop:*",
        "-@all",
        "+ping",
        "+get",
        "+set",
        "+subscribe",
        "+unsubscribe",
        "+publish",
    ]);
    let mut config = config(&format!("redis://app:hunter2@127.0.0.1:{}", server.port()));
    config.prefix = "shop".to_owned();
    let (mut connection, mut pushes) = open(&config).await.unwrap();
    set(&mut connection, "shop:key", "value").await.unwrap();
    connection
        .subscribe(&["shop:channel".to_owned()])
        .await
        .unwrap();
    server.command::<()>(&["PUBLISH", "shop:channel", "hello"]);
    assert_eq!(message(&mut pushes).await.1, "hello");

    assert!(set(&mut connection, "other:key", "value").await.is_err());
    let elsewhere = connection.subscribe(&["other:channel".to_owned()]).await;
    assert!(elsewhere.is_err());
    // What was refused does not confuse the answers that follow.
    let value = get(&mut connection, "shop:key").await.unwrap();
    assert_eq!(value.as_deref(), Some("value"));
}

#[tokio::test]
async fn a_prefix_that_would_break_keys_is_refused() {
    let mut config = config("redis://localhost");
    config.prefix = "a{b}".to_owned();
    assert!(Client::new(&config).is_err());
}

//! With real servers, as a user would configure them.

use redis::{PushInfo, PushKind, Value, from_redis_value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::server::broker::redis::servers::{Cluster, PATIENCE, RedisServer, Watched, strange_ca};

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

#[tokio::test]
async fn one_server_answers_and_pushes_what_is_published() {
    let server = RedisServer::start([]);
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
async fn a_lost_connection_says_so_and_the_next_is_a_fresh_one() {
    let mut server = RedisServer::start([]);
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
    let server = RedisServer::start([]);
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
    let server = RedisServer::start(["--requirepass", "s3:cr@t"]);
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
    let server = RedisServer::start(["--rename-command", "HELLO", "GOODBYE"]);
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
    let server = RedisServer::start([
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
async fn a_certificate_is_checked_with_the_own_ca_unless_told_otherwise() {
    let (_server, tls) = RedisServer::start_tls();
    for host in ["localhost", "127.0.0.1"] {
        let mut config = config(&format!("rediss://{host}:{}", tls.port));
        config.ca = Some(tls.ca.clone().into_bytes());
        let (mut connection, _pushes) = open(&config).await.unwrap();
        set(&mut connection, "key", "value").await.unwrap();

        config.ca = Some(strange_ca().into_bytes());
        let said = refused(&config).await;
        assert!(said.contains("REDIS_CA_FILE"), "{said}");

        // The system's knows nothing of it either.
        config.ca = None;
        let said = refused(&config).await;
        assert!(said.contains("REDIS_CA_FILE"), "{said}");

        config.verify = false;
        open(&config).await.unwrap();
    }
    let mut unreadable = config(&format!("rediss://localhost:{}", tls.port));
    unreadable.ca = Some(b"nothing".to_vec());
    assert!(Client::new(&unreadable).is_err());
}

#[tokio::test]
async fn a_prefix_that_would_break_keys_is_refused() {
    let mut config = config("redis://localhost");
    config.prefix = "a{b}".to_owned();
    assert!(Client::new(&config).is_err());
}

#[tokio::test]
async fn sentinels_lead_to_the_master_and_to_the_next_one() {
    let mut watched = Watched::start();
    // A Sentinel that is away does not matter.
    let url = format!(
        "redis+sentinel://127.0.0.1:1,127.0.0.1:{}/mymaster/1",
        watched.sentinel.port()
    );
    let config = config(&url);
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
    let said = refused(&RedisConfig::from_url(&unknown).unwrap()).await;
    assert!(said.contains("no master of the name"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_no_master_is_not_taken_for_one() {
    let watched = Watched::start();
    let client = Client::new(&config(&watched.replica.url())).unwrap();
    let replica = Address {
        host: "127.0.0.1".to_owned(),
        port: watched.replica.port(),
    };
    let (sender, _pushes) = unbounded_channel();
    let taken = client.open_if_master(&replica, Arc::new(sender)).await;
    assert!(taken.is_err_and(|error| error.to_string().contains("not the master")));
}

#[tokio::test]
async fn a_cluster_answers_for_all_slots_and_outlives_a_master() {
    let mut cluster = Cluster::start();
    let config = config(&cluster.url());
    let (mut connection, mut pushes) = open(&config).await.unwrap();
    assert!(connection.is_cluster());
    for at in 0..500 {
        let key = format!("p:{{room:{at}}}:head");
        set(&mut connection, &key, &at.to_string()).await.unwrap();
        assert_eq!(
            get(&mut connection, &key).await.unwrap(),
            Some(at.to_string())
        );
    }
    // Each third of the slots has some of them.
    for master in &cluster.masters {
        assert!(master.command::<usize>(&["DBSIZE"]) > 50);
    }

    let channels: Vec<_> = (0..500)
        .map(|at| format!("p:{{room:{at}}}:channel"))
        .collect();
    connection.subscribe(&channels).await.unwrap();
    for channel in &channels[..50] {
        let mut publish = redis::cmd("SPUBLISH");
        let publish = publish.arg(channel).arg("hello");
        publish.query_async::<()>(&mut connection).await.unwrap();
        assert_eq!(
            message(&mut pushes).await,
            (channel.clone(), "hello".to_owned())
        );
    }
    connection.unsubscribe(&channels[1..]).await.unwrap();
    let mut heard: Vec<String> = Vec::new();
    for master in &cluster.masters {
        heard.extend(master.command::<Vec<String>>(&["PUBSUB", "SHARDCHANNELS"]));
    }
    assert_eq!(heard, channels[..1]);

    // Whoever names one server only is told what is missing.
    let said = refused(&self::config(&cluster.masters[0].url())).await;
    assert!(said.contains("REDIS_CLUSTER=true"), "{said}");

    // The first third of the slots: slot 0 is that of this tag.
    let key = "p:{3560}:head";
    assert_eq!(
        cluster.masters[0].command::<u16>(&["CLUSTER", "KEYSLOT", key]),
        0
    );
    cluster.masters[0].kill();
    pushed(&mut pushes, PushKind::Disconnection).await;
    let (mut connection, mut pushes) = open_when_ready(&config, key).await;
    assert_eq!(cluster.replica.command::<String>(&["GET", key]), "there");
    let channel = "p:{3560}:channel".to_owned();
    connection
        .subscribe(std::slice::from_ref(&channel))
        .await
        .unwrap();
    cluster
        .replica
        .command::<()>(&["SPUBLISH", &channel, "still here"]);
    assert_eq!(
        message(&mut pushes).await,
        (channel, "still here".to_owned())
    );
}

#[tokio::test]
async fn a_cluster_that_is_gone_is_given_up() {
    let mut cluster = Cluster::start();
    let mut config = config(&cluster.url());
    config.timeout = Duration::from_millis(200);
    config.connect_timeout = Duration::from_millis(300);
    let (mut connection, _pushes) = open(&config).await.unwrap();
    for master in &cluster.masters {
        master.pause();
    }
    cluster.replica.kill();
    let answer = tokio::time::timeout(PATIENCE, get(&mut connection, "key")).await;
    assert!(answer.expect("a command ends by itself").is_err());
    let opened = tokio::time::timeout(PATIENCE, open(&config)).await;
    assert!(opened.expect("opening ends by itself").is_err());
    for master in &cluster.masters {
        master.resume();
    }
}

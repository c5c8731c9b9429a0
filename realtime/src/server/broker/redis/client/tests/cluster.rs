//! A Cluster.

use super::*;
use crate::server::broker::redis::servers::{Cluster, RedisServer, strange_ca, until};

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

#[tokio::test]
async fn a_cluster_is_reached_over_tls() {
    let (server, tls) =
        RedisServer::start_tls(&["--cluster-enabled", "yes", "--tls-cluster", "yes"]);
    server.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("the Cluster is complete", || {
        let info: String = server.command(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok")
    });
    let url = format!("rediss://localhost:{0},127.0.0.1:{0}", tls.port);
    let mut config = config(&url);
    config.ca = Some(tls.ca.clone().into_bytes());
    let (mut connection, mut pushes) = open(&config).await.unwrap();
    connection.subscribe(&["channel".to_owned()]).await.unwrap();
    let mut publish = redis::cmd("SPUBLISH");
    let publish = publish.arg("channel").arg("hello");
    publish.query_async::<()>(&mut connection).await.unwrap();
    assert_eq!(message(&mut pushes).await.1, "hello");

    config.ca = Some(strange_ca().into_bytes());
    let said = refused(&config).await;
    assert!(said.contains("REDIS_CA_FILE"), "{said}");
    config.verify = false;
    open(&config).await.unwrap();
}

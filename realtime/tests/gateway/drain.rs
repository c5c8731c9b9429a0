//! A node that is told to end.

use leptos_realtime::testing::Cluster;

use crate::support::*;

const MANY: usize = 250;

fn live(cluster: &Cluster) -> usize {
    let clients = cluster.clients().iter();
    clients
        .filter(|client| *client.session().connection() == Connection::Live)
        .count()
}

#[tokio::test(start_paused = true)]
async fn people_are_told_to_come_back_some_at_a_time() {
    let mut cluster = Cluster::start(5, 1, builder).await;
    for number in 0..MANY {
        cluster.connect(0, auth(&format!("p{number}")));
    }
    cluster
        .eventually("all are connected", |cluster| live(cluster) == MANY)
        .await;
    cluster.leave(0);
    cluster.run_for(Duration::from_millis(50)).await;
    let first = MANY - live(&cluster);
    assert!((50..150).contains(&first), "{first} of {MANY} at first");
    cluster.run_for(Duration::from_millis(300)).await;
    assert_eq!(live(&cluster), 0, "and in the end everybody");
    cluster.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_goes_on_serving_pages_has_those_leave_who_are_not_back() {
    let mut cluster = Cluster::start(5, 2, builder).await;
    let (ada, bob) = (
        cluster.connect(0, auth("Ada")),
        cluster.connect(1, auth("Bob")),
    );
    for client in [ada, bob] {
        cluster.client(client).join(Board(7), None);
    }
    cluster
        .eventually("both see both", |cluster| {
            let mut clients = cluster.clients().iter();
            clients.all(|client| client.names(Board(7)) == ["Ada", "Bob"])
        })
        .await;
    let ending = cluster.node(0).clone();
    // Ada's browser is closed before she is elsewhere.
    cluster.stall(ada, true);
    ending.drain().await;
    cluster.run_for(Duration::from_secs(4)).await;
    assert_eq!(cluster.clients()[bob].names(Board(7)), ["Ada", "Bob"]);
    cluster.run_for(Duration::from_secs(4)).await;
    assert_eq!(cluster.clients()[bob].names(Board(7)), ["Bob"]);
    // What is asked of it meanwhile works as ever.
    let event = "late".to_owned();
    ending.publish(Board(7), &event).await.unwrap();
    cluster.run_for(Duration::from_secs(1)).await;
    assert_eq!(cluster.clients()[bob].events(Board(7)), ["\"late\""]);
    cluster.shutdown().await;
}

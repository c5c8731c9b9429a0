//! A Redis Cluster.

use super::{RedisServer, free_port, until, words_of};

/// Three masters with a third of the slots each; the first has a replica.
pub struct Cluster {
    /// The masters.
    pub masters: Vec<RedisServer>,
    /// The replica of the first.
    pub replica: RedisServer,
}

impl Cluster {
    /// Starts the four, and waits until all of them know of all slots and the replica has caught up.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, whose servers have these options too.
    pub fn start_with(options: &[&str]) -> Self {
        let masters: Vec<_> = (0..3).map(|_| cluster_server(options)).collect();
        let replica = cluster_server(options);
        let first = masters[0].port.to_string();
        let bus = bus_port(&masters[0]);
        for (at, (master, slots)) in masters
            .iter()
            .zip([(0, 5460), (5461, 10922), (10923, 16383)])
            .enumerate()
        {
            let (from, to) = (slots.0.to_string(), slots.1.to_string());
            let epoch = (at + 1).to_string();
            master.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            master.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]);
        }
        for server in masters[1..].iter().chain([&replica]) {
            server.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &first, &bus]);
        }
        let cluster = Self { masters, replica };
        cluster.until_ok(4);
        let id: String = cluster.masters[0].command(&["CLUSTER", "MYID"]);
        // Refused until the replica knows that one for a master.
        until("the first master has a replica", || {
            let replicate = words_of(&["CLUSTER", "REPLICATE", &id]);
            cluster.replica.ask::<()>(&replicate).is_ok()
        });
        cluster.until_ok(4);
        until("the replica has caught up, and everybody knows it", || {
            let role: Vec<redis::Value> = cluster.replica.command(&["ROLE"]);
            let state = role
                .into_iter()
                .nth(3)
                .and_then(|state| redis::from_redis_value(state).ok());
            let caught_up = state == Some("connected".to_owned());
            caught_up
                && cluster.masters.iter().all(|master| {
                    let nodes: String = master.command(&["CLUSTER", "NODES"]);
                    nodes
                        .lines()
                        .any(|node| node.contains("slave") && node.contains(&id))
                })
        });
        cluster
    }

    /// As a user would write it.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self
            .masters
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port))
            .collect();
        format!("redis://{}", addresses.join(","))
    }

    fn until_ok(&self, known: usize) {
        until("the Cluster is complete", || {
            self.masters.iter().chain([&self.replica]).all(|server| {
                let info: String = server.command(&["CLUSTER", "INFO"]);
                let nodes: String = server.command(&["CLUSTER", "NODES"]);
                info.contains("cluster_state:ok")
                    && nodes.lines().count() == known
                    && !nodes.contains("handshake")
            })
        });
    }
}

fn cluster_server(options: &[&str]) -> RedisServer {
    let bus = free_port().to_string();
    let clustered: &[&str] = &[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        "1500",
        "--cluster-replica-validity-factor",
        "0",
        "--repl-diskless-sync-delay",
        "0",
    ];
    RedisServer::start(&[clustered, options].concat())
}

fn bus_port(server: &RedisServer) -> String {
    let at = server
        .options
        .iter()
        .position(|option| option == "--cluster-port");
    server.options[at.expect("a Cluster's server") + 1].clone()
}

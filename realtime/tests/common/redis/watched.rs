//! A master, a replica and a Sentinel.

use std::fs;

use super::{RedisServer, folder, free_port, program, until};

/// A master, its replica, and a Sentinel that makes the replica the master when the master is gone. Each asks for a
/// password.
pub struct Watched {
    /// The master at first.
    pub master: RedisServer,
    /// Its replica at first.
    pub replica: RedisServer,
    /// Who watches, and knows the master as `mymaster`.
    pub sentinel: RedisServer,
}

impl Watched {
    /// What the master and its replica ask for.
    pub const PASSWORD: &str = "of-redis";

    /// What the Sentinel asks for.
    pub const SENTINEL_PASSWORD: &str = "of-the-sentinel";

    /// Starts the three, and waits until the Sentinel could replace the master.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, whose master and replica have these options too.
    pub fn start_with(more: &[&str]) -> Self {
        let options: &[&str] = &[
            "--requirepass",
            Self::PASSWORD,
            "--masterauth",
            Self::PASSWORD,
            "--repl-diskless-sync-delay",
            "0",
        ];
        let options = [options, more].concat();
        let master = RedisServer::start(&options);
        let replica = replica_of(&master, &options);
        let mut sentinel = RedisServer {
            process: None,
            folder: folder(),
            port: free_port(),
            options: Vec::new(),
            environment: Vec::new(),
            password: Some(Self::SENTINEL_PASSWORD.to_owned()),
        };
        let file = sentinel.folder.join("sentinel.conf");
        let text = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nlogfile {}\nrequirepass {}\n\
             sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel auth-pass mymaster {}\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n",
            sentinel.port,
            sentinel.folder.display(),
            sentinel.folder.join("log").display(),
            Self::SENTINEL_PASSWORD,
            master.port,
            Self::PASSWORD,
        );
        fs::write(&file, text).unwrap();
        let mut command = program();
        command.arg(&file).arg("--sentinel");
        assert!(sentinel.run(command), "no Sentinel: {}", sentinel.log());
        let watched = Self {
            master,
            replica,
            sentinel,
        };
        until("the Sentinel knows the replica", || {
            watched.could_fail_over()
        });
        watched
    }

    /// The master or the replica, whichever has this port.
    pub fn at(&mut self, port: u16) -> Option<&mut RedisServer> {
        [&mut self.master, &mut self.replica]
            .into_iter()
            .find(|server| server.port == port)
    }

    /// The port of the server that the Sentinel takes for the master.
    pub fn master_port(&self) -> u16 {
        let (_, port): (String, u16) =
            self.sentinel
                .command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]);
        port
    }

    /// Whether the Sentinel knows a replica that is in step with the master.
    pub fn could_fail_over(&self) -> bool {
        let replicas: Vec<Vec<String>> =
            self.sentinel.command(&["SENTINEL", "REPLICAS", "mymaster"]);
        let says = |replica: &[String], name: &str, value: &str| {
            let mut fields = replica.chunks(2);
            fields.any(|field| field == [name, value])
        };
        replicas.len() == 1
            && replicas.iter().all(|replica| {
                says(replica, "flags", "slave") && says(replica, "master-link-status", "ok")
            })
    }
}

fn replica_of(master: &RedisServer, options: &[&str]) -> RedisServer {
    let port = master.port.to_string();
    let of: &[&str] = &["--replicaof", "127.0.0.1", &port];
    let replica = RedisServer::start(&[of, options].concat());
    until("the replica has caught up", || {
        let role: Vec<redis::Value> = replica.command(&["ROLE"]);
        let state = role
            .into_iter()
            .nth(3)
            .and_then(|state| redis::from_redis_value(state).ok());
        state == Some("connected".to_owned())
    });
    replica
}

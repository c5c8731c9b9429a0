//! Several nodes and their clients in one process, on virtual time, with faults.

use std::{fmt, time::Duration};

use futures::future::join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

#[cfg(feature = "simulated-redis")]
use super::redis::{Cut, Path, SimulatedRedis};
use super::{Link, TestClient};
use crate::{Realtime, protocol::Auth, server::RealtimeBuilder};

/// How long after a node's death the others take its people for gone.
const CRASH_GRACE: Duration = Duration::from_secs(4);

/// How long [`Cluster::eventually`] waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// N nodes that meet, and M clients.
///
/// Nothing happens but in [`run_for`](Self::run_for) and [`eventually`](Self::eventually); on tokio's paused clock an
/// hour takes no time. Each node is reached through a [`Link`] that can lose, delay, reorder and repeat messages, be
/// cut, or freeze.
///
/// ```
/// use std::time::Duration;
/// use leptos_realtime::{Realtime, RealtimeConfig, User, UserId, protocol::Auth, rooms, testing::{Cluster, LinkFaults}};
///
/// rooms! { Board(i64) => String }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let build = || {
///     Realtime::builder(RealtimeConfig::default())
///         .authenticate(|h| async move { Ok(h.token().map(|name| User::new(UserId::try_from(name).unwrap(), name))) })
///         .authorize(|_, rooms, _| async move { Ok(rooms) })
/// };
/// let mut cluster = Cluster::start(7, 2, build).await;
/// let auth = |name: &str| Auth { token: Some(name.into()), ..Auth::default() };
/// let (ada, bob) = (cluster.connect(0, auth("Ada")), cluster.connect(1, auth("Bob")));
/// for client in [ada, bob] {
///     cluster.client(client).join(Board(7), None);
/// }
/// let both = |cluster: &mut Cluster| cluster.clients().iter().all(|c| c.names(Board(7)) == ["Ada", "Bob"]);
/// cluster.eventually("both see both", both).await;
/// // A third of what the second node should hear is lost.
/// cluster.link(1).set_faults(LinkFaults { drop: 0.3, ..LinkFaults::default() });
/// for i in 0..20 {
///     cluster.node(0).publish(Board(7), &format!("event {i}")).await.unwrap();
///     cluster.run_for(Duration::from_millis(50)).await;
/// }
/// cluster.link(1).heal();
/// cluster
///     .eventually("both have heard everything", |cluster| {
///         cluster.clients().iter().all(|c| c.events(Board(7)).len() == 20)
///     })
///     .await;
/// cluster.shutdown().await;
/// # }
/// ```
pub struct Cluster {
    rng: StdRng,
    build: Box<dyn Fn() -> RealtimeBuilder + Send + Sync>,
    nodes: Vec<Node>,
    clients: Vec<TestClient>,
    stalled: Vec<bool>,
    #[cfg(feature = "simulated-redis")]
    redis: Option<SimulatedRedis>,
}

struct Node {
    realtime: Realtime,
    link: Link,
    #[cfg(feature = "simulated-redis")]
    path: Option<Path>,
    alive: bool,
}

impl Cluster {
    /// Starts so many nodes that meet. The seed decides what faults do.
    ///
    /// # Panics
    /// When a node does not start: the callbacks are incomplete.
    pub async fn start(
        seed: u64,
        nodes: usize,
        build: impl Fn() -> RealtimeBuilder + Send + Sync + 'static,
    ) -> Self {
        let mut cluster = Self::empty(seed, build);
        cluster.fill(nodes).await;
        cluster
    }

    /// The same, but the nodes meet at a stand-in for Redis, with the broker of the feature `redis`. All clocks of this
    /// thread follow tokio's, which is to be paused, and all lots are drawn from the seed.
    ///
    /// # Panics
    /// When a node does not start: the callbacks are incomplete.
    #[cfg(feature = "simulated-redis")]
    pub async fn start_over_redis(
        seed: u64,
        nodes: usize,
        build: impl Fn() -> RealtimeBuilder + Send + Sync + 'static,
    ) -> Self {
        crate::server::follow_virtual_time();
        crate::server::seed(seed);
        let mut cluster = Self::empty(seed, build);
        cluster.redis = Some(SimulatedRedis::start());
        cluster.fill(nodes).await;
        cluster
    }

    fn empty(seed: u64, build: impl Fn() -> RealtimeBuilder + Send + Sync + 'static) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            build: Box::new(build),
            nodes: Vec::new(),
            clients: Vec::new(),
            stalled: Vec::new(),
            #[cfg(feature = "simulated-redis")]
            redis: None,
        }
    }

    async fn fill(&mut self, nodes: usize) {
        for _ in 0..nodes.max(1) {
            let node = self.new_node().await;
            self.nodes.push(node);
        }
    }

    async fn new_node(&mut self) -> Node {
        let link = Link::new(self.rng.random());
        let mut builder = (self.build)().linked(link.clone());
        if let Some(first) = self.nodes.first() {
            builder = builder.meeting(&first.realtime);
        }
        #[cfg(feature = "simulated-redis")]
        let path = match &self.redis {
            Some(redis) => Some(Path::new(redis, self.rng.random())),
            None => None,
        };
        #[cfg(feature = "simulated-redis")]
        if let Some(path) = &path {
            builder = builder.reaching(path.clone());
        }
        let realtime = builder.start().await.expect("the node starts");
        Node {
            realtime,
            link,
            #[cfg(feature = "simulated-redis")]
            path,
            alive: true,
        }
    }

    /// A node.
    #[must_use]
    pub fn node(&self, index: usize) -> &Realtime {
        &self.nodes[index].realtime
    }

    /// A node's link to the others.
    #[must_use]
    pub fn link(&self, index: usize) -> &Link {
        &self.nodes[index].link
    }

    /// Where the nodes meet.
    ///
    /// # Panics
    /// Where it is not [`start_over_redis`](Self::start_over_redis) that they were started with.
    #[cfg(feature = "simulated-redis")]
    #[must_use]
    pub fn redis(&self) -> &SimulatedRedis {
        let redis = self.redis.as_ref();
        redis.expect("the cluster was started over Redis")
    }

    /// A node's way there.
    ///
    /// # Panics
    /// As [`redis`](Self::redis).
    #[cfg(feature = "simulated-redis")]
    #[must_use]
    pub fn path(&self, index: usize) -> &Path {
        let path = self.nodes[index].path.as_ref();
        path.expect("the cluster was started over Redis")
    }

    /// The nodes that live.
    #[must_use]
    pub fn alive(&self) -> Vec<usize> {
        let alive = |index: &usize| self.nodes[*index].alive;
        (0..self.nodes.len()).filter(alive).collect()
    }

    /// Connects a client to a node. Returns its number.
    pub fn connect(&mut self, node: usize, auth: Auth) -> usize {
        let seed = self.rng.random();
        let client = TestClient::seeded(&self.nodes[node].realtime, auth, seed);
        self.clients.push(client);
        self.stalled.push(false);
        self.clients.len() - 1
    }

    /// A client.
    pub fn client(&mut self, index: usize) -> &mut TestClient {
        &mut self.clients[index]
    }

    /// All clients.
    #[must_use]
    pub fn clients(&self) -> &[TestClient] {
        &self.clients
    }

    /// A client stops reading and doing anything, or goes on: its connection stays open.
    pub fn stall(&mut self, client: usize, stalled: bool) {
        self.stalled[client] = stalled;
    }

    /// A client's connection is lost; it comes back at this node.
    pub fn drop_connection(&mut self, client: usize, next: usize) {
        let next = self.nodes[next].realtime.clone();
        self.clients[client].drop_connection(&next);
    }

    /// Kills a node, as with `kill -9`: its connections break, and it says nothing any more. Its clients come back at
    /// the others, and after a while those take the people who did not for gone.
    pub async fn kill(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.alive = false;
        node.link.cut();
        #[cfg(feature = "simulated-redis")]
        if let Some(path) = &node.path {
            // A kernel closes what belongs to a process that is gone.
            path.cut(None, Cut::Refused);
        }
        node.realtime.end_at_once();
        #[cfg(feature = "simulated-redis")]
        if let Some(path) = &node.path {
            path.thaw();
        }
        let (memory, dead) = (node.realtime.memory(), node.realtime.clone());
        tokio::spawn(async move {
            tokio::time::sleep(CRASH_GRACE).await;
            memory.purge();
        });
        self.scatter(&dead);
    }

    /// Ends a node in good order, beside everything else: its clients come back at the others.
    pub fn leave(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.alive = false;
        let leaving = node.realtime.clone();
        tokio::spawn({
            let leaving = leaving.clone();
            async move { leaving.shutdown().await }
        });
        self.scatter(&leaving);
    }

    /// The clients of a node are to come back at others.
    fn scatter(&mut self, dead: &Realtime) {
        let alive = self.alive();
        if alive.is_empty() {
            return;
        }
        for client in &mut self.clients {
            if client.is_at(dead) {
                let next = alive[self.rng.random_range(0..alive.len())];
                client.move_to(&self.nodes[next].realtime);
            }
        }
    }

    /// Starts a node in the place of a killed one.
    pub async fn restart(&mut self, index: usize) {
        let node = self.new_node().await;
        self.nodes[index] = node;
    }

    /// Moves the wall clock of all nodes, forwards or back by so many milliseconds, as a correction does. Timers go on
    /// as before.
    pub fn move_clock(&self, millis: i64) {
        crate::server::move_unix_clock(millis);
    }

    /// Lets everything run for a while.
    pub async fn run_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let running = self.clients.iter_mut().zip(&self.stalled);
        let running = running.filter(|(_, stalled)| !**stalled);
        join_all(running.map(|(client, _)| client.run_for(time))).await;
        tokio::time::sleep_until(until).await;
    }

    /// Lets everything run until the condition holds.
    ///
    /// # Panics
    /// When it does not within two minutes, with what was waited for and what the clients see.
    pub async fn eventually(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(
                Instant::now() < deadline,
                "still waiting until {what}; {:#?}",
                self.clients
            );
            self.run_for(LOOK).await;
        }
    }

    /// Ends all nodes in good order.
    pub async fn shutdown(self) {
        for node in self.nodes {
            node.link.heal();
            #[cfg(feature = "simulated-redis")]
            if let Some(path) = node.path.as_ref().filter(|_| node.alive) {
                path.mend();
            }
            node.realtime.shutdown().await;
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("alive", &self.alive())
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

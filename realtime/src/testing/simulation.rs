//! A random life of a cluster, decided by a seed: people come, move about, type, post, hide, lose their connections and
//! stop reading, messages are lost, nodes die. When it is over, everybody has to see the truth.

#[cfg(feature = "simulated-redis")]
mod redis;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use truth::{Tried, Truth};

use super::{Cluster, LinkFaults};
use crate::{
    Realtime, RealtimeConfig,
    core::{log::Retention, replica::Crowd, session::Connection},
    protocol::{Auth, DeviceKind, Draft, Room, RoomId, SessionId, User, UserId},
    rooms,
    server::RealtimeBuilder,
};

rooms! {
    /// A room that people come to and leave.
    Board(u8) => u64, u64;
    /// A room in which everyone with a name is.
    Community(u8) => u64;
}

/// How long everything has to come to rest in when the faults are over: the longest backoff and the comparison with
/// the broker, twice.
const REST: Duration = Duration::from_secs(60);

/// How long every node has to hear what the others did to people, when the faults are over.
const TOLD: Duration = Duration::from_secs(15);

/// What a simulation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Simulated {
    /// Things that were made to happen.
    pub steps: u64,
    /// Events that were published.
    pub published: u64,
    /// Events that listeners were given, each counted once for each listener.
    pub delivered: u64,
    /// Times that a listener was told to look again.
    pub resets: u64,
    /// Connections beyond each client's first.
    pub reconnects: u64,
}

/// What was not as it should be when everything had come to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrue {
    /// The seed with which it happens.
    pub seed: u64,
    /// What somebody saw, and what they should have seen.
    pub what: String,
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} failed: {}", self.seed, self.what)
    }
}

/// Who may not see which room.
type Closed = Arc<Mutex<BTreeSet<(String, RoomId)>>>;

/// What a life is to be lived on: one thread, tokio's paused clock, and with `--cfg tokio_unstable` the seed's lots where
/// tokio draws them. Then a life is the same each time it is lived.
///
/// # Errors
/// When the system has no resources for it.
pub fn runtime(seed: u64) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.enable_all().start_paused(true).build()
}

/// Lives one life. To be called on a [`runtime`].
///
/// # Errors
/// What was untrue in the end.
pub async fn simulate(seed: u64) -> Result<Simulated, Untrue> {
    Life::begin(seed, Over::Memory).await.live(seed).await
}

/// The same, but the nodes meet at a stand-in for Redis, to which things happen too. Afterwards, when everything has come
/// to rest, Redis is emptied, restored, stopped and the like, and nobody who stays may be seen to leave.
///
/// # Errors
/// What was untrue in the end.
#[cfg(feature = "simulated-redis")]
pub async fn simulate_redis(seed: u64) -> Result<Simulated, Untrue> {
    Life::begin(seed, Over::Redis).await.live(seed).await
}

/// Where the nodes of a life meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Memory,
    #[cfg(feature = "simulated-redis")]
    Redis,
}

struct Life {
    #[cfg_attr(
        not(feature = "simulated-redis"),
        allow(dead_code, reason = "there is one place to meet")
    )]
    over: Over,
    #[cfg(feature = "simulated-redis")]
    faults: redis::Faults,
    rng: StdRng,
    cluster: Cluster,
    closed: Closed,
    truth: Truth,
    stalled: BTreeMap<usize, u32>,
    done: Simulated,
}

impl Life {
    async fn live(mut self, seed: u64) -> Result<Simulated, Untrue> {
        let steps = self.rng.random_range(20..60);
        for _ in 0..steps {
            self.step().await;
        }
        self.rest().await;
        let result = self.check();
        #[cfg(feature = "simulated-redis")]
        let result = match result {
            Ok(_) if self.over == Over::Redis => self.upheavals().await,
            result => result,
        };
        self.cluster.shutdown().await;
        result.map_err(|what| Untrue { seed, what })
    }

    async fn begin(seed: u64, over: Over) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let closed = Closed::default();
        let (large, page) = [(200, 50), (3, 2)][rng.random_range(0..2)];
        let retain = [1_000, 8][rng.random_range(0..2)];
        let rights = closed.clone();
        let build = move || builder(&rights, Crowd { large, page }, retain);
        let nodes = rng.random_range(1..=3);
        crate::server::follow_virtual_time();
        crate::server::seed(seed);
        let cluster = match over {
            Over::Memory => Cluster::start(rng.random(), nodes, build).await,
            #[cfg(feature = "simulated-redis")]
            Over::Redis => Cluster::start_over_redis(rng.random(), nodes, build).await,
        };
        Self {
            cluster,
            over,
            #[cfg(feature = "simulated-redis")]
            faults: redis::Faults::draw(&mut rng),
            rng,
            closed,
            truth: Truth::default(),
            stalled: BTreeMap::new(),
            done: Simulated::default(),
        }
    }

    fn board(&mut self) -> RoomId {
        Board(self.rng.random_range(0..3)).room_id()
    }

    fn node(&mut self) -> usize {
        let alive = self.cluster.alive();
        #[cfg(feature = "simulated-redis")]
        let alive = match self.over {
            Over::Memory => alive,
            // A process that is stopped takes nothing from its host either.
            Over::Redis => self.faults.awake(alive),
        };
        alive[self.rng.random_range(0..alive.len())]
    }

    fn someone(&mut self) -> Option<usize> {
        let count = self.cluster.clients().len();
        (count > 0).then(|| self.rng.random_range(0..count))
    }

    /// Something happens, and then some time passes.
    async fn step(&mut self) {
        self.done.steps += 1;
        tracing::info!(target: "sim", at = crate::server::clock::unix_millis(), step = self.done.steps, "step");
        match self.rng.random_range(0..100) {
            0..12 => self.arrive(),
            12..30 => self.join_or_leave(),
            30..52 => self.publish().await,
            52..60 => self.type_or_signal(),
            60..70 => self.lose_connection(),
            70..74 => self.stall(),
            74..79 => self.look_away(),
            79..84 => self.hide_or_show().await,
            84..89 => self.change_rights().await,
            89..95 => self.disturb(),
            95..97 => self.kick(),
            _ => self.kill().await,
        }
        let time = match self.rng.random_range(0..10) {
            0..5 => self.rng.random_range(0..300),
            5..9 => self.rng.random_range(300..3_000),
            _ => self.rng.random_range(3_000..12_000),
        };
        self.cluster.run_for(Duration::from_millis(time)).await;
        self.wake();
        if self.rng.random_bool(0.3) {
            self.start_kicked();
        }
    }

    fn arrive(&mut self) {
        let number = self.cluster.clients().len();
        if number >= 9 {
            return;
        }
        let person = self.rng.random_range(0..5_u8);
        let name = (person > 0).then(|| format!("P{person}"));
        let kind = [DeviceKind::Desktop, DeviceKind::Mobile][self.rng.random_range(0..2)];
        let auth = Auth {
            token: name.clone(),
            session: SessionId::try_from(format!("s{number}")).ok(),
            device_kind: kind,
            ..Auth::default()
        };
        let node = self.node();
        self.cluster.connect(node, auth);
        self.truth.arrive(name);
        let room = self.board();
        self.join(number, room);
    }

    fn join(&mut self, client: usize, room: RoomId) {
        let heard = self.cluster.client(client).events(room.clone()).len();
        if self.truth.join(client, &room, heard) {
            self.cluster.client(client).join(room, None);
        }
    }

    fn join_or_leave(&mut self) {
        let Some(client) = self.someone() else { return };
        let room = match self.rng.random_range(0..4) {
            0 => Community(1).room_id(),
            _ => self.board(),
        };
        if self.rng.random_bool(0.6) {
            self.join(client, room);
        } else if self.truth.leave(client, &room) {
            self.cluster.client(client).leave(room);
        }
    }

    async fn publish(&mut self) {
        let burst = [1, 1, 1, 5, 20][self.rng.random_range(0..5)];
        let room = match self.rng.random_range(0..5) {
            0 => Community(1).room_id(),
            _ => self.board(),
        };
        for _ in 0..burst {
            let node = self.node();
            let number = self.truth.next_event();
            let data = serde_json::Value::from(number);
            let draft = || Draft::from(&data).id(format!("e{number}"));
            let Ok(draft_once) = draft() else { return };
            self.truth.tried(&room, number, Tried::Unknown);
            let publishing = self.cluster.node(node).publish(room.clone(), draft_once);
            let mut published = patient(publishing).await.map(|done| (node, done));
            let mut ordered = published.is_some_and(|(_, done)| done.position().is_some());
            // Whoever does not know whether it worked tries again.
            let repeat = published.is_none() || self.rng.random_bool(0.1);
            if repeat && let Ok(again) = draft() {
                let node = self.node();
                let publishing = self.cluster.node(node).publish(room.clone(), again);
                let again = patient(publishing).await.map(|done| (node, done));
                ordered &= again.is_some_and(|(_, done)| done.position().is_some());
                published = published.or(again);
            }
            let Some((node, published)) = published else {
                continue;
            };
            self.done.published += 1;
            match published.position() {
                Some(position) if position.seq > 0 => {
                    // A node without Redis may have shown it to its own people before.
                    if ordered {
                        self.truth.published(&room, number, position);
                    }
                    self.truth.tried(&room, number, Tried::Placed);
                }
                // It has been there in an earlier life of the room.
                Some(_) => {}
                None => self.truth.tried(&room, number, Tried::Kept(node)),
            }
        }
    }

    fn type_or_signal(&mut self) {
        let (Some(client), room) = (self.someone(), self.board()) else {
            return;
        };
        let on = self.rng.random_bool(0.7);
        match self.rng.random_bool(0.5) {
            true => self.cluster.client(client).typing(room, on),
            false => {
                let data = serde_json::Value::from(1);
                self.cluster.client(client).signal(room, &data);
            }
        }
    }

    fn lose_connection(&mut self) {
        let Some(client) = self.someone() else { return };
        let times = [1, 1, 3, 10][self.rng.random_range(0..4)];
        for _ in 0..times {
            let next = self.node();
            self.cluster.drop_connection(client, next);
        }
        self.done.reconnects += times;
    }

    fn stall(&mut self) {
        if let Some(client) = self.someone() {
            self.cluster.stall(client, true);
            let steps = self.rng.random_range(1..8);
            self.stalled.insert(client, steps);
        }
    }

    /// Those who have stalled for long enough go on.
    fn wake(&mut self) {
        let cluster = &mut self.cluster;
        self.stalled.retain(|client, steps| {
            *steps -= 1;
            if *steps == 0 {
                cluster.stall(*client, false);
            }
            *steps > 0
        });
    }

    fn start_kicked(&mut self) {
        for client in 0..self.cluster.clients().len() {
            let client = self.cluster.client(client);
            if matches!(client.connection(), Connection::Stopped(_)) {
                client.start();
                self.done.reconnects += 1;
            }
        }
    }

    fn look_away(&mut self) {
        let Some(client) = self.someone() else { return };
        let visible = self.rng.random_bool(0.5);
        self.truth.look(client, visible);
        self.cluster.client(client).set_visible(visible);
    }

    /// The host hides or shows a person, at any node.
    async fn hide_or_show(&mut self) {
        let person = format!("P{}", self.rng.random_range(1..5_u8));
        let hides = self.rng.random_bool(0.6);
        let Ok(user) = UserId::try_from(person.clone()) else {
            return;
        };
        self.truth.hide(&person, hides);
        let node = self.node();
        let node = self.cluster.node(node).clone();
        // It is kept at once; a node that stands still, or is cut off, tells the others when it goes on.
        tokio::spawn(async move { node.set_invisible(user, hides).await });
        self.cluster.run_for(Duration::from_millis(1)).await;
    }

    /// All sessions of a person are ended, at any node. Their pages connect again after a while.
    fn kick(&mut self) {
        let person = format!("P{}", self.rng.random_range(1..5_u8));
        let Ok(user) = UserId::try_from(person.clone()) else {
            return;
        };
        let node = self.node();
        let node = self.cluster.node(node).clone();
        tokio::spawn(async move { node.kick(user).await });
    }

    async fn change_rights(&mut self) {
        let person = format!("P{}", self.rng.random_range(1..5_u8));
        let room = self.board();
        let open = {
            let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (person.clone(), room.clone());
            let open = closed.remove(&key);
            if !open {
                closed.insert(key);
            }
            open
        };
        self.truth.allow(&person, &room, open);
        if let Ok(user) = UserId::try_from(person.clone()) {
            let node = self.node();
            let node = self.cluster.node(node).clone();
            tokio::spawn(async move { node.recheck(user).await });
            self.cluster.run_for(Duration::from_millis(1)).await;
        }
        // A client that was refused asks again only when its page does.
        for client in self.truth.clients_of(&person) {
            if open && self.truth.leave(client, &room) {
                self.cluster.client(client).leave(room.clone());
            }
        }
    }

    fn disturb(&mut self) {
        #[cfg(feature = "simulated-redis")]
        if self.over == Over::Redis {
            self.disturb_redis();
            return;
        }
        let node = self.node();
        let link = self.cluster.link(node);
        match self.rng.random_range(0..7) {
            0 | 1 => link.heal(),
            2 => link.cut(),
            3 => link.freeze(),
            4 => link.set_faults(LinkFaults {
                drop: 0.2,
                ..LinkFaults::default()
            }),
            _ => link.set_faults(LinkFaults {
                drop: 0.02,
                duplicate: 0.2,
                delay: Some(Duration::ZERO..Duration::from_millis(400)),
            }),
        }
    }

    async fn kill(&mut self) {
        if self.cluster.alive().len() < 2 {
            return;
        }
        let node = self.node();
        // What a node could tell nobody dies with it: who hid there is found to hide only where they connect anew.
        if self.cluster.node(node).stats().untold > 0 {
            return;
        }
        self.truth.died(node);
        #[cfg(feature = "simulated-redis")]
        if self.over == Over::Redis && self.rng.random_bool(0.4) {
            self.cluster.path(node).thaw();
            self.cluster.leave(node);
            return;
        }
        self.cluster.kill(node).await;
    }

    /// The faults are over, everybody goes on, and comes back once more.
    async fn rest(&mut self) {
        for node in self.cluster.alive() {
            self.cluster.link(node).heal();
        }
        #[cfg(feature = "simulated-redis")]
        if self.over == Over::Redis {
            self.mend_redis();
        }
        for client in 0..self.cluster.clients().len() {
            self.cluster.stall(client, false);
            self.truth.look(client, true);
            self.cluster.client(client).set_visible(true);
        }
        self.cluster.run_for(TOLD).await;
        self.start_kicked();
        self.cluster.run_for(REST).await;
    }

    fn check(&mut self) -> Result<Simulated, String> {
        for (number, client) in self.cluster.clients().iter().enumerate() {
            self.truth.check(number, client, &mut self.done)?;
        }
        for node in self.cluster.alive() {
            let stats = self.cluster.node(node).stats();
            if stats.divergences > 0 {
                return Err(format!("{} views diverged", stats.divergences));
            }
        }
        Ok(self.done)
    }
}

/// Waits for a while, and no longer: a node may stand still.
async fn patient<T, E>(doing: impl Future<Output = Result<T, E>>) -> Option<T> {
    let done = tokio::time::timeout(Duration::from_secs(2), doing).await;
    done.ok().and_then(Result::ok)
}

fn builder(closed: &Closed, crowd: Crowd, retain: usize) -> RealtimeBuilder {
    let closed = closed.clone();
    let config = RealtimeConfig {
        crowd,
        retention: Retention {
            count: retain,
            ..Retention::default()
        },
        away_after_hidden: Duration::from_secs(2),
        ..RealtimeConfig::default()
    };
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            let name = handshake.token().map(str::to_owned);
            Ok(name.and_then(|name| Some(User::new(UserId::try_from(name.clone()).ok()?, name))))
        })
        .authorize(move |who, rooms, _| {
            let closed = closed.clone();
            async move {
                let name = who.map(|user| user.name).unwrap_or_default();
                let closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
                let open = |room: &RoomId| !closed.contains(&(name.clone(), room.clone()));
                Ok(rooms.into_iter().filter(open).collect())
            }
        })
        .auto_join(|who| async move { who.map(|_| Community(1).into()).into_iter().collect() })
        .whereabouts(|_, place| async move {
            let board = Board::from_room_id(&place);
            board.map(|_| Community(1).into()).into_iter().collect()
        })
}

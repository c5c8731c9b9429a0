//! The way between a node and Redis, and what can be wrong with it.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{server::SimulatedRedis, socket::Socket};
use crate::server::{
    broker::redis::transport::{Link, LinkError, Purpose, Sink, Transport},
    tasks::Gate,
};

/// A connection takes no longer to be made: `RedisConfig::connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Commands and their answers.
    Commands,
    /// Messages.
    Messages,
}

/// How a way is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Connections are reset and refused, as when a proxy in between is restarted.
    Refused,
    /// Nothing comes through and nobody is told, as when a cable is pulled. What was sent comes when it is mended, for
    /// TCP sends it again.
    Silent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ways {
    commands: Option<Cut>,
    messages: Option<Cut>,
}

impl Ways {
    fn of(&mut self, role: Role) -> &mut Option<Cut> {
        match role {
            Role::Commands => &mut self.commands,
            Role::Messages => &mut self.messages,
        }
    }

    fn cut(mut self, role: Role) -> Option<Cut> {
        *self.of(role)
    }
}

/// A node's way to Redis. Clones are the same.
#[derive(Clone)]
pub struct Path(Arc<Inner>);

struct Inner {
    server: SimulatedRedis,
    ways: watch::Sender<Ways>,
    /// Where the node's own tasks are stopped too.
    gate: Gate,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    latency: Range<u64>,
    sockets: Vec<Weak<Socket>>,
}

impl Path {
    pub(crate) fn new(server: &SimulatedRedis, seed: u64) -> Self {
        Self(Arc::new(Inner {
            server: server.clone(),
            ways: watch::channel(Ways::default()).0,
            gate: Gate::default(),
            state: Mutex::new(State {
                rng: StdRng::seed_from_u64(seed),
                latency: 0..1,
                sockets: Vec::new(),
            }),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn accept(&self, socket: &Arc<Socket>) {
        let mut state = self.lock();
        state.sockets.retain(|socket| socket.strong_count() > 0);
        state.sockets.push(Arc::downgrade(socket));
    }

    /// How long what is sent now is on its way.
    pub(super) fn delay(&self) -> Duration {
        let mut state = self.lock();
        let State { rng, latency, .. } = &mut *state;
        Duration::from_millis(rng.random_range(latency.clone()))
    }

    /// Whether something had arrived before its connection was reset.
    pub(super) fn had_arrived(&self) -> bool {
        self.lock().rng.random_bool(0.5)
    }

    /// Waits until what was sent can come through.
    pub(super) async fn open(&self, role: Role) {
        let mut ways = self.0.ways.subscribe();
        let _ = ways
            .wait_for(|ways| ways.cut(role) != Some(Cut::Silent))
            .await;
    }

    /// Waits until it cannot.
    pub(super) async fn shut(&self, role: Role) {
        let mut ways = self.0.ways.subscribe();
        let _ = ways
            .wait_for(|ways| ways.cut(role) == Some(Cut::Silent))
            .await;
    }

    /// What the node's own tasks pass.
    pub(crate) fn gate(&self) -> Gate {
        self.0.gate.clone()
    }

    /// Waits while the node's process is stopped.
    pub(super) async fn thawed(&self) {
        self.0.gate.open().await;
    }

    /// Everything takes so many milliseconds each way from now on.
    pub fn set_latency(&self, millis: Range<u64>) {
        self.lock().latency = millis;
    }

    /// Cuts the way for commands, for messages, or for both.
    pub fn cut(&self, role: Option<Role>, cut: Cut) {
        let roles = role.map_or(vec![Role::Commands, Role::Messages], |role| vec![role]);
        self.0.ways.send_modify(|ways| {
            for role in &roles {
                *ways.of(*role) = Some(cut);
            }
        });
        if cut == Cut::Refused {
            self.break_off(|socket| roles.contains(&socket.role()));
        }
    }

    fn break_off(&self, which: impl Fn(&Socket) -> bool) {
        let sockets: Vec<_> = self
            .lock()
            .sockets
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for socket in sockets.into_iter().filter(|socket| which(socket)) {
            socket.break_off();
        }
    }

    /// The node's process is stopped, as by SIGSTOP or a host that runs out of processors: its tasks do not run and read
    /// nothing, its timers go on and are late. What it has sent is on its way.
    pub fn freeze(&self) {
        self.0.gate.shut();
    }

    /// The process goes on.
    pub fn thaw(&self) {
        self.0.gate.unshut();
    }

    /// Mends everything.
    pub fn mend(&self) {
        self.thaw();
        self.0.ways.send_replace(Ways::default());
        self.set_latency(0..1);
    }
}

#[async_trait]
impl Transport for Path {
    async fn open(&self, purpose: Purpose, sink: Sink) -> Result<Arc<dyn Link>, LinkError> {
        let role = match purpose {
            Purpose::Commands => Role::Commands,
            Purpose::Messages => Role::Messages,
        };
        let refused = || LinkError::lost("connection refused".to_owned());
        if self.0.ways.borrow().cut(role) == Some(Cut::Refused) {
            return Err(refused());
        }
        sleep(self.delay()).await;
        let greeted = async {
            self.open(role).await;
            self.0.server.turn().await;
        };
        if timeout(CONNECT_TIMEOUT, greeted).await.is_err()
            || self.0.ways.borrow().cut(role).is_some()
        {
            return Err(refused());
        }
        Ok(Arc::new(Socket::connect(&self.0.server, self, role, sink)))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Path").finish_non_exhaustive()
    }
}

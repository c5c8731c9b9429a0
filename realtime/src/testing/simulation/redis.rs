//! What happens to Redis, and to the nodes' ways to it, in a life.

use std::{collections::BTreeSet, time::Duration};

use rand::{Rng, rngs::StdRng};

use super::{Life, Simulated};
use crate::testing::{
    LinkFaults,
    redis::{Copy, Cut, Role},
};

/// How long everyone has to see the truth again after Redis was lost, evicted something, or was away.
const CONVERGED: Duration = Duration::from_secs(15);

/// An hour.
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// What may happen in this life, and what has.
pub(super) struct Faults {
    /// Whether Redis may lose something.
    may_lose: bool,
    frozen: BTreeSet<usize>,
    copy: Option<Copy>,
}

impl Faults {
    pub(super) fn draw(rng: &mut StdRng) -> Self {
        Self {
            may_lose: rng.random_bool(0.5),
            frozen: BTreeSet::new(),
            copy: None,
        }
    }

    /// The nodes that run; all of them where none does.
    pub(super) fn awake(&self, alive: Vec<usize>) -> Vec<usize> {
        let awake: Vec<usize> = alive
            .iter()
            .copied()
            .filter(|node| !self.frozen.contains(node))
            .collect();
        if awake.is_empty() { alive } else { awake }
    }
}

impl Life {
    fn any_alive(&mut self) -> usize {
        let alive = self.cluster.alive();
        alive[self.rng.random_range(0..alive.len())]
    }

    fn role(&mut self) -> Option<Role> {
        [None, Some(Role::Commands), Some(Role::Messages)][self.rng.random_range(0..3)]
    }

    fn way_of_cutting(&mut self) -> Cut {
        [Cut::Refused, Cut::Silent][self.rng.random_range(0..2)]
    }

    fn mend(&mut self, node: usize) {
        self.faults.frozen.remove(&node);
        self.cluster.link(node).heal();
        self.cluster.path(node).mend();
    }

    /// Everything works again.
    pub(super) fn mend_redis(&mut self) {
        for node in self.cluster.alive() {
            self.mend(node);
        }
        self.cluster.redis().go_on();
    }

    pub(super) fn disturb_redis(&mut self) {
        let node = self.any_alive();
        let what = self.rng.random_range(0..16);
        tracing::debug!(node, what, "something happens");
        match what {
            0..3 => self.mend(node),
            3..5 => {
                let (role, cut) = (self.role(), self.way_of_cutting());
                self.cluster.path(node).cut(role, cut);
            }
            5 | 6 => {
                self.faults.frozen.insert(node);
                self.cluster.path(node).freeze();
            }
            7 => {
                let most = [5, 50, 400][self.rng.random_range(0..3)];
                self.cluster.path(node).set_latency(0..most);
            }
            8 => self.cluster.link(node).set_faults(LinkFaults {
                drop: 0.2,
                ..LinkFaults::default()
            }),
            9 => self.cluster.redis().stall(),
            10 => self.cluster.redis().go_on(),
            11 => {
                let millis = [-HOUR_MS, HOUR_MS][self.rng.random_range(0..2)];
                match self.rng.random_bool(0.5) {
                    true => self.cluster.move_clock(millis),
                    false => self.cluster.redis().move_clock(millis),
                }
            }
            12 => self.faults.copy = Some(self.cluster.redis().copy()),
            _ if self.faults.may_lose => self.lose_something(),
            _ => self.cluster.redis().go_on(),
        }
    }

    /// Redis loses something.
    fn lose_something(&mut self) {
        self.truth.lost();
        let redis = self.cluster.redis().clone();
        match self.rng.random_range(0..5) {
            0 => redis.flush(),
            1 => redis.start_again(None),
            2 => redis.start_again(self.faults.copy.clone()),
            _ => {
                let keys = redis.keys();
                if !keys.is_empty() {
                    redis.evict(&keys[self.rng.random_range(0..keys.len())]);
                }
            }
        }
    }

    /// Everything has come to rest, and stays: what happens to Redis now is noticed by nobody who stays.
    pub(super) async fn upheavals(&mut self) -> Result<Simulated, String> {
        let mut done = self.done;
        for _ in 0..self.rng.random_range(1..4) {
            self.faults.copy = Some(self.cluster.redis().copy());
            self.publish().await;
            self.cluster.run_for(Duration::from_secs(2)).await;
            for client in 0..self.cluster.clients().len() {
                self.cluster.client(client).take_departures();
            }
            let what = self.upheaval().await;
            self.publish().await;
            self.cluster.run_for(CONVERGED).await;
            done = self
                .check()
                .map_err(|untrue| format!("after {what}: {untrue}"))?;
            for client in 0..self.cluster.clients().len() {
                let gone = self.cluster.client(client).take_departures();
                if !gone.is_empty() {
                    return Err(format!("after {what}: client {client} saw {gone:?} leave"));
                }
            }
        }
        Ok(done)
    }

    async fn upheaval(&mut self) -> String {
        let redis = self.cluster.redis().clone();
        let node = self.any_alive();
        let millis = self.rng.random_range(100..3_000);
        let time = Duration::from_millis(millis);
        match self.rng.random_range(0..10) {
            0 => {
                self.truth.lost();
                redis.flush();
                "a flush".to_owned()
            }
            1 => {
                self.truth.lost();
                redis.start_again(None);
                "an empty start".to_owned()
            }
            2 => {
                self.truth.lost();
                redis.start_again(self.faults.copy.clone());
                "a restore".to_owned()
            }
            3 | 4 => {
                self.truth.lost();
                let keys = redis.keys();
                let key = keys.get(self.rng.random_range(0..keys.len().max(1)));
                let evicted = key.is_some_and(|key| redis.evict(key));
                format!("eviction ({evicted}) of {key:?}")
            }
            5 => {
                redis.stall();
                self.cluster.run_for(time).await;
                redis.go_on();
                format!("a stall of {millis} ms")
            }
            6 => {
                let (role, cut) = (self.role(), self.way_of_cutting());
                // With the wait before the next try, and a beat, no longer than others take it for dead; which they do
                // not while it can say that it lives.
                let time = match role {
                    Some(Role::Messages) => time * 4,
                    _ => time.min(Duration::from_secs(1)),
                };
                self.cluster.path(node).cut(role, cut);
                self.cluster.run_for(time).await;
                self.cluster.path(node).mend();
                format!("a cut of node {node}, {role:?} {cut:?} for {time:?}")
            }
            7 => {
                // Nobody notices for longer than it takes for dead.
                let path = self.cluster.path(node);
                path.cut(Some(Role::Messages), Cut::Silent);
                self.cluster.run_for(Duration::from_secs(5)).await;
                self.cluster.path(node).mend();
                format!("5 s without messages for node {node}")
            }
            8 => {
                let time = time.min(Duration::from_secs(2));
                self.cluster.path(node).freeze();
                self.cluster.run_for(time).await;
                self.cluster.path(node).thaw();
                format!("node {node} frozen for {time:?}")
            }
            _ => {
                let jump = [-HOUR_MS, HOUR_MS][self.rng.random_range(0..2)];
                match self.rng.random_bool(0.5) {
                    true => self.cluster.move_clock(jump),
                    false => redis.move_clock(jump),
                }
                format!("a jump of a clock by {jump} ms")
            }
        }
    }
}

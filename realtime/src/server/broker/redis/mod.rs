//! Several instances as one system: they meet at a Redis.
//!
//! Each room's order is made by scripts that change, number and publish in one step (`scripts/*.lua`); every node that
//! serves a room listens to its channel. A `node` keeps two links to Redis, made and made again by a
//! `supervisor`; says with a `beat` that it lives, and sweeps those that do not.
//!
//! [`config`] says which Redis and how to reach it, and is read and checked at start; `client` makes connections to it,
//! one at a time, whatever it is: one server, a master that Sentinels know, or a Cluster. `transport` is what the broker
//! needs of them.

mod beat;
mod client;
pub mod config;
mod format;
mod keys;
mod life;
mod node;
mod quiet;
mod rooms;
pub(crate) mod script;
mod supervisor;
pub(crate) mod transport;
mod wire;

#[cfg(test)]
#[cfg(feature = "simulated-redis")]
mod alike;
#[cfg(test)]
#[path = "../../../../tests/common/redis/mod.rs"]
mod servers;
#[cfg(test)]
#[cfg(feature = "simulated-redis")]
mod simulated;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
pub use config::RedisConfig;
use futures::{StreamExt, stream};
pub(crate) use node::Settings;
use node::{IDLE, Node, away};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use transport::Transport;

use super::{
    Broker, BrokerError, COMPARE_EVERY, Head, Inbox, LinkRole, LinkState, Looks, NodeInfo,
    Standing, slot,
};
use crate::{
    core::{
        liveness::Record,
        log::Retention,
        message::{Entry, EntryKey, NewEvent, RoomSignal, RoomSnapshot, RunId},
    },
    protocol::{Epoch, Position, RoomId},
    server::{builder::StartError, hashed::HashSet, tasks::TaskTracker, timings::Timings},
};

/// The most rooms that one script looks at.
const HEADS_AT_ONCE: usize = 1_000;

/// How many scripts of single rooms a Cluster is asked for at once.
const ROOMS_AT_ONCE: usize = 64;

/// The broker of several processes, and how long its Redis takes to answer. See the [module](self).
#[derive(Clone)]
pub(crate) struct RedisBroker(Arc<Node>, Option<Arc<Timings>>);

impl RedisBroker {
    /// Starts a node at the configured Redis. Its tasks end with the token.
    ///
    /// # Errors
    /// When the configuration contradicts itself. A Redis that cannot be reached is none.
    pub(crate) fn connect(
        config: &RedisConfig,
        retention: Retention,
        inbox: Inbox,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, StartError> {
        let client = client::Client::new(config);
        let client = client.map_err(|error| StartError::Redis(error.to_string()))?;
        let settings = Settings {
            beat: config.beat_interval,
            timeout: config.timeout,
            prefix: config.prefix.clone(),
            name: name(),
            retention,
        };
        let round_trips = client.round_trips.clone();
        let Self(node, _) = Self::start(settings, Arc::new(client), inbox, tasks, stop);
        Ok(Self(node, Some(round_trips)))
    }

    /// Starts a node. Its tasks end with the token.
    pub(crate) fn start(
        settings: Settings,
        transport: Arc<dyn Transport>,
        inbox: Inbox,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let node = Arc::new(Node::new(settings, transport, inbox));
        tasks.spawn(supervisor::run(node.clone(), tasks.clone(), stop.clone()));
        tasks.spawn(quiet::run(node.clone(), stop.clone()));
        Self(node, None)
    }

    /// Waits until Redis is reached, or for so long.
    pub(crate) async fn first(&self, most: Duration) -> bool {
        supervisor::first(&self.0, most).await
    }

    /// Where rooms stand; nothing for those that Redis does not have.
    async fn stands(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BrokerError> {
        let node = &self.0;
        let links = node.links().ok_or_else(away)?;
        let keys: Vec<String> = rooms.iter().map(|room| node.keys.head(room)).collect();
        let at_once = if links.commands.is_cluster() {
            1
        } else {
            HEADS_AT_ONCE
        };
        let idle = IDLE.as_millis().to_string();
        let asked = stream::iter(keys.chunks(at_once).map(<[String]>::to_vec)).map(|keys| {
            let (links, idle) = (&links, &idle);
            async move {
                let args = [idle.as_bytes()];
                node.ask_through(links, &script::HEADS, &keys, &args).await
            }
        });
        let mut heads = Vec::with_capacity(rooms.len());
        let mut answers = asked.buffered(ROOMS_AT_ONCE);
        while let Some(answer) = answers.next().await {
            let answer = format::list(answer?).unwrap_or_default().into_iter();
            heads
                .extend(answer.map(|head| format::text(head).and_then(|head| format::head(&head))));
        }
        heads.resize(rooms.len(), None);
        Ok(heads)
    }

    /// The room is in this life: whom it knew in another one, it is told again.
    fn lives(&self, room: &RoomId, epoch: Option<Epoch>) {
        if self.0.entered().known_in(room, epoch) {
            self.0.hurry();
            self.0.inbox.retell(room.clone());
        }
    }
}

/// What this instance is called, for people: by its platform, its machine, or its process.
fn name() -> String {
    let variables = ["RAILWAY_REPLICA_ID", "HOSTNAME"];
    let given = variables.iter().find_map(|name| std::env::var(name).ok());
    let named = given.filter(|name| !name.is_empty());
    named.unwrap_or_else(|| format!("process {}", std::process::id()))
}

#[async_trait]
impl Broker for RedisBroker {
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError> {
        self.0.append(room, &event).await
    }

    async fn signal(&self, room: &RoomId, signal: RoomSignal) -> Result<(), BrokerError> {
        let links = self.0.links().ok_or_else(away)?;
        let (channel, payload) = (self.0.keys.channel(room), format::signal(&signal));
        let published = links.commands.publish(&channel, payload.as_bytes());
        self.0.answer(&links, published).await
    }

    async fn enter(&self, room: &RoomId, mut entry: Entry) -> Result<(), BrokerError> {
        let node = &self.0;
        let _line = node.lines.of(room).await;
        let key = entry.key();
        let run = node.run();
        let is_new = node.entered().enter(room, &key, run);
        // Before the first enters: who finds this run dead must know where to look.
        if is_new {
            if !node.index("SADD", room).await? {
                node.was_swept(run);
                return Err(away());
            }
            node.entered().indexed(room, run);
        }
        entry.run = run;
        let (field, line) = (format::field(&key), format::line(&entry));
        let args = [field.as_bytes(), line.as_bytes()];
        let answer = format::text(node.ask_room(&script::ENTER, room, &args).await?);
        node.quiet.touched(room);
        match answer.as_deref() {
            Some("dead") => {
                node.was_swept(run);
                Err(away())
            }
            Some(epoch) => {
                self.lives(room, format::epoch(epoch));
                Ok(())
            }
            None => Err(BrokerError::Unavailable(
                "an enter was not answered".to_owned(),
            )),
        }
    }

    async fn exit(
        &self,
        room: &RoomId,
        key: &EntryKey,
        incarnation: u64,
    ) -> Result<(), BrokerError> {
        let node = &self.0;
        let _line = node.lines.of(room).await;
        let epoch = node
            .entered()
            .get(room)
            .and_then(|here| here.before.or(here.epoch));
        let (field, number) = (format::field(key), format::incarnation(incarnation));
        let epoch = epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
        let args = [&field, key.session.as_str(), &number, &epoch].map(str::as_bytes);
        node.ask_room(&script::EXIT, room, &args).await?;
        node.quiet.touched(room);
        if node.entered().exit(room, key) {
            // Who looks there in vain does no harm.
            let _ = node.index("SREM", room).await;
        }
        Ok(())
    }

    async fn clear(&self, room: &RoomId) -> Result<(), BrokerError> {
        let args: [&[u8]; 2] = [b"", b"0"];
        self.0.ask_room(&script::RENEW, room, &args).await?;
        self.0.quiet.touched(room);
        Ok(())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, BrokerError> {
        let node = &self.0;
        let turn = node.compared.fetch_add(1, Ordering::Relaxed) + 1;
        let all_are_due = node.is_hurried();
        let mut all = rooms.to_vec();
        {
            let asked: HashSet<&RoomId> = rooms.iter().collect();
            let entered = node.entered();
            let due = entered
                .rooms()
                .filter(|room| all_are_due || slot(room) % COMPARE_EVERY == turn % COMPARE_EVERY);
            all.extend(due.filter(|room| !asked.contains(*room)).cloned());
        }
        let stands = self.stands(&all).await?;
        for (room, head) in all.iter().zip(&stands) {
            self.lives(room, head.map(|head| head.position.epoch));
        }
        if all_are_due || turn.is_multiple_of(COMPARE_EVERY) {
            let counted = !node.inbox.is_retelling() && node.life().has_passed();
            if counted && all_are_due {
                node.beat_now.notify_one();
            }
        }
        let nothing = Head {
            position: Position {
                epoch: Epoch(0),
                seq: 0,
            },
            version: 0,
        };
        let asked = stands.into_iter().take(rooms.len());
        Ok(asked.map(|head| head.unwrap_or(nothing)).collect())
    }

    async fn snapshot(&self, room: &RoomId) -> Result<RoomSnapshot, BrokerError> {
        let node = &self.0;
        let snapshot = node.snapshot(room).await?;
        self.lives(room, Some(snapshot.position.epoch));
        let run = node.run();
        let is_ghost = {
            let entered = node.entered();
            let here = entered.get(room);
            let is_here = |key: &EntryKey| here.is_some_and(|here| here.sessions.contains(key));
            snapshot
                .entries
                .iter()
                .any(|entry| entry.run == run && !is_here(&entry.key()))
        };
        if is_ghost {
            // Left over from a command that came late. What is told of it is told as everything else.
            if let Err(error) = node.tidy(room).await {
                tracing::debug!(%room, %error, "somebody who has left stays a while");
            }
        }
        Ok(snapshot)
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        let node = &self.0;
        let mut subscribed = node.subscribed.lock().await;
        // Where Redis is away it is subscribed to as soon as it is back.
        if subscribed.insert(room.clone())
            && let Some(links) = node.links()
        {
            let channels = [node.keys.channel(room)];
            let confirmed = node
                .answer(&links, links.listener.subscribe(&channels))
                .await;
            if let Err(error) = confirmed {
                // Whatever was confirmed: with the next links all is asked for again.
                node.broken(links.serial, &error.to_string());
            }
        }
        Ok(())
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        let node = &self.0;
        let mut subscribed = node.subscribed.lock().await;
        if subscribed.remove(room)
            && let Some(links) = node.links()
        {
            let channels = [node.keys.channel(room)];
            node.answer(&links, links.listener.unsubscribe(&channels))
                .await?;
        }
        Ok(())
    }

    fn maintain(&self) {}

    async fn renew(
        &self,
        room: &RoomId,
        seen: Position,
        keep: Vec<u64>,
    ) -> Result<(), BrokerError> {
        let mut args = vec![seen.epoch.to_string(), seen.seq.to_string()];
        args.extend(keep.iter().map(u64::to_string));
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        self.0.ask_room(&script::RENEW, room, &args).await?;
        self.0.quiet.touched(room);
        Ok(())
    }

    fn successor(&self, run: RunId) -> RunId {
        self.0.life().successor(run)
    }

    fn standing(&self, run: RunId) -> Standing {
        let mut liveness = self.0.liveness();
        let record = liveness.record(run);
        match record.map(|record| (record.generation, record.pass)) {
            Some((generation, pass)) => Standing::Here { generation, pass },
            None if liveness.is_gone(run) => Standing::Gone,
            None => Standing::Unknown,
        }
    }

    fn generation(&self) -> u64 {
        self.0.life().generation
    }

    fn looks(&self) -> Looks {
        Looks {
            begun: self.0.beats_begun.load(Ordering::Acquire),
            answered: self.0.beats_answered.load(Ordering::Acquire),
        }
    }

    fn hurry(&self) {
        self.0.hurry();
    }

    fn is_hurried(&self) -> bool {
        self.0.is_hurried()
    }

    async fn bury(&self, room: &RoomId, runs: Vec<RunId>) -> Result<(), BrokerError> {
        for run in runs {
            // It may have come back since it was last looked for: then it has a record.
            if run != self.0.run() && beat::claim(&self.0, run, None).await? {
                self.0.purge(room, run, true, &[]).await?;
            }
        }
        Ok(())
    }

    async fn leave(&self, within: Duration) {
        let node = &self.0;
        node.life().record.leaving_ms = Some(within.as_millis() as u64);
        if let Some(links) = node.links()
            && let Err(error) = beat::beat(node, &links, &TaskTracker::new()).await
        {
            tracing::warn!(%error, "the others were not told that this instance leaves");
        }
    }

    fn nodes(&self) -> Vec<NodeInfo> {
        let own = self.0.life().record.clone();
        let others: Vec<Record> = self.0.liveness().records().cloned().collect();
        let others = others.into_iter().filter(|record| record.run != own.run);
        let info = |record: Record| NodeInfo {
            run: record.run,
            name: record.name,
            leaving: record.leaving_ms.is_some(),
        };
        std::iter::once(own.clone())
            .chain(others)
            .map(info)
            .collect()
    }

    fn round_trips(&self) -> Option<&Timings> {
        self.1.as_deref()
    }

    fn has_links(&self) -> bool {
        true
    }

    async fn ping(&self, link: LinkRole) -> Result<(), BrokerError> {
        let links = self.0.links().ok_or_else(away)?;
        let link = match link {
            LinkRole::Publish => &links.commands,
            LinkRole::Subscribe => &links.listener,
        };
        // Who only asks how it is does not end it.
        let answer = link.ping().await;
        answer.map_err(|error| BrokerError::Unavailable(error.text))
    }

    async fn info(&self) -> Result<Vec<(Option<String>, String)>, BrokerError> {
        let links = self.0.links().ok_or_else(away)?;
        let answer = links.commands.info().await;
        answer.map_err(|error| BrokerError::Unavailable(error.text))
    }

    fn link(&self) -> watch::Receiver<LinkState> {
        self.0.link.subscribe()
    }
}

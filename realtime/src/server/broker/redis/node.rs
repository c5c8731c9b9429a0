//! This node at Redis: what it has there, and how it asks.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::Value;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    format,
    keys::Keys,
    life::Life,
    quiet::{Confirmed, Quiet},
    rooms::{Entered, Lines, Subscribed},
    script::{self, Script},
    transport::{Link, LinkError, Transport},
};
use crate::{
    core::{
        liveness::Liveness,
        log::Retention,
        message::{EntryKey, RunId},
    },
    protocol::{Epoch, RoomId},
    server::{
        broker::{BrokerError, Inbox, LinkState, MAX_REMEMBERED, REMEMBERED},
        clock::Monotonic,
        random::random,
    },
};

/// How long a room is kept that nobody is in and nothing happens in.
pub(super) const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a node hurries, in milliseconds: others hear within it, where nothing else is wrong, that everything was told.
const HURRY: u64 = 10_000;

/// How long it is remembered that a run is dead: what it said last may still be on its way.
pub(super) const DEAD: Duration = Duration::from_secs(60 * 60);

/// How a node uses Redis.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often it says that it lives.
    pub(crate) beat: Duration,
    /// How long Redis may take for an answer.
    pub(crate) timeout: Duration,
    /// What all keys begin with.
    pub(crate) prefix: String,
    /// The node's name, for people.
    pub(crate) name: String,
    /// How long a room keeps its events.
    pub(crate) retention: Retention,
}

/// See the [module](self).
pub(super) struct Node {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) inbox: Inbox,
    pub(super) clock: Monotonic,
    links: Mutex<Option<Links>>,
    pub(super) link: watch::Sender<LinkState>,
    /// Something is wrong with the links of a number.
    pub(super) trouble: watch::Sender<u64>,
    /// How many pairs of links there were.
    pub(super) serial: AtomicU64,
    pub(super) life: Mutex<Life>,
    /// A beat is due before its time.
    pub(super) beat_now: Notify,
    pub(super) liveness: Mutex<Liveness>,
    /// How many beats have begun, and the last one whose answer `liveness` knows.
    pub(super) beats_begun: AtomicU64,
    pub(super) beats_answered: AtomicU64,
    pub(super) entered: Mutex<Entered>,
    pub(super) lines: Lines,
    /// Locked while channels are subscribed to or given up.
    pub(super) subscribed: tokio::sync::Mutex<Subscribed>,
    pub(super) quiet: Quiet,
    pub(super) compared: AtomicU64,
    /// Until when it hurries, by its clock.
    hurries_until: AtomicU64,
}

/// One connection for commands and one for messages: neither waits for the other.
#[derive(Clone, Debug)]
pub(super) struct Links {
    pub(super) serial: u64,
    pub(super) commands: Arc<dyn Link>,
    pub(super) listener: Arc<dyn Link>,
}

pub(super) fn away() -> BrokerError {
    BrokerError::Unavailable("Redis cannot be reached".to_owned())
}

fn unreadable(error: format::Unreadable) -> BrokerError {
    BrokerError::Unavailable(error.to_string())
}

impl Node {
    pub(super) fn new(settings: Settings, transport: Arc<dyn Transport>, inbox: Inbox) -> Self {
        let interval_ms = settings.beat.as_millis() as u64;
        let down = LinkState {
            up: false,
            returns: 0,
        };
        Self {
            transport,
            keys: Keys::new(&settings.prefix),
            inbox,
            clock: Monotonic::start(),
            links: Mutex::default(),
            link: watch::channel(down).0,
            trouble: watch::channel(0).0,
            serial: AtomicU64::new(0),
            life: Mutex::new(Life::new(settings.name.clone(), interval_ms)),
            beat_now: Notify::new(),
            liveness: Mutex::new(Liveness::new(interval_ms)),
            beats_begun: AtomicU64::new(0),
            beats_answered: AtomicU64::new(0),
            entered: Mutex::default(),
            lines: Lines::new(),
            subscribed: tokio::sync::Mutex::default(),
            quiet: Quiet::default(),
            compared: AtomicU64::new(0),
            hurries_until: AtomicU64::new(0),
            settings,
        }
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn liveness(&self) -> MutexGuard<'_, Liveness> {
        self.liveness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn entered(&self) -> MutexGuard<'_, Entered> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn links(&self) -> Option<Links> {
        self.links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_links(&self, links: Option<Links>) {
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = links;
    }

    pub(super) fn run(&self) -> RunId {
        self.life().record.run
    }

    /// See [`Broker::hurry`](crate::server::broker::Broker::hurry).
    pub(super) fn hurry(&self) {
        let now = self.clock.millis();
        let before = self.hurries_until.fetch_max(now + HURRY, Ordering::Relaxed);
        if before <= now {
            tracing::debug!("rooms are looked at more often for a while");
        }
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.clock.millis() < self.hurries_until.load(Ordering::Relaxed)
    }

    /// Something is wrong with these links: nobody uses them any more.
    pub(super) fn broken(&self, serial: u64, why: &str) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if links.as_ref().is_some_and(|links| links.serial == serial) {
            *links = None;
            self.link.send_modify(|state| state.up = false);
            tracing::debug!(why, "a link to Redis broke");
        }
        drop(links);
        self.trouble.send_if_modified(|last| {
            let newer = *last < serial;
            *last = serial.max(*last);
            newer
        });
    }

    /// Waits for an answer, but not for a Redis that does not answer.
    pub(super) async fn answer<T>(
        &self,
        links: &Links,
        asked: impl Future<Output = Result<T, LinkError>>,
    ) -> Result<T, BrokerError> {
        let answer = match timeout(self.settings.timeout, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(LinkError::lost(format!(
                "no answer within {:?}",
                self.settings.timeout
            ))),
        };
        answer.map_err(|error| {
            if error.is_lost {
                self.broken(links.serial, &error.text);
            }
            BrokerError::Unavailable(error.text)
        })
    }

    pub(super) async fn ask_through(
        &self,
        links: &Links,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, BrokerError> {
        self.answer(links, links.commands.run(script, keys, args))
            .await
    }

    /// Runs a script that is not about a room.
    pub(super) async fn ask(
        &self,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, BrokerError> {
        let links = self.links().ok_or_else(away)?;
        self.ask_through(&links, script, keys, args).await
    }

    /// Runs a script of a room.
    pub(super) async fn ask_room(
        &self,
        script: &'static Script,
        room: &RoomId,
        args: &[&[u8]],
    ) -> Result<Value, BrokerError> {
        let links = self.links().ok_or_else(away)?;
        let publish: &[u8] = if links.commands.is_cluster() {
            b"SPUBLISH"
        } else {
            b"PUBLISH"
        };
        let fresh = Epoch(random()).to_string();
        let remembered = REMEMBERED.as_millis().to_string();
        let idle = IDLE.as_millis().to_string();
        let mut all: Vec<&[u8]> = vec![
            publish,
            fresh.as_bytes(),
            remembered.as_bytes(),
            idle.as_bytes(),
        ];
        all.extend(args);
        self.ask_through(&links, script, &self.keys.room(room), &all)
            .await
    }

    pub(super) async fn append(
        &self,
        room: &RoomId,
        event: &crate::core::message::NewEvent,
    ) -> Result<crate::protocol::Position, BrokerError> {
        let retention = self.settings.retention;
        let payload = format::payload(event);
        let numbers = [
            retention.count as u64,
            retention.bytes as u64,
            retention.age_ms,
            MAX_REMEMBERED as u64,
        ]
        .map(|number| number.to_string());
        let mut args: Vec<&[u8]> = vec![event.id.as_str().as_bytes(), payload.as_bytes()];
        args.extend(numbers.iter().map(|number| number.as_bytes()));
        let serial = self.links().ok_or_else(away)?.serial;
        let answer = self.ask_room(&script::APPEND, room, &args).await?;
        let position = format::position(answer).map_err(unreadable)?;
        let id = event.id.clone();
        let confirmed = Confirmed {
            position,
            id,
            serial,
        };
        self.quiet.confirmed(room, confirmed);
        Ok(position)
    }

    pub(super) async fn snapshot(
        &self,
        room: &RoomId,
    ) -> Result<crate::core::message::RoomSnapshot, BrokerError> {
        let answer = self.ask_room(&script::SNAPSHOT, room, &[]).await?;
        format::snapshot(answer).map_err(unreadable)
    }

    /// Takes those of a run out of a room who are not to stay.
    pub(super) async fn purge(
        &self,
        room: &RoomId,
        run: RunId,
        is_dead: bool,
        stay: &[EntryKey],
    ) -> Result<(), BrokerError> {
        let run = run.to_string();
        let remembered = if is_dead { DEAD.as_millis() } else { 0 }.to_string();
        let stay: Vec<String> = stay
            .iter()
            .map(|key| format!("{}\t{}", format::field(key), key.session))
            .collect();
        let mut args: Vec<&[u8]> = vec![run.as_bytes(), remembered.as_bytes()];
        args.extend(stay.iter().map(|key| key.as_bytes()));
        self.ask_room(&script::PURGE, room, &args).await?;
        self.quiet.touched(room);
        Ok(())
    }

    /// Takes those of this node out of a room who are not its own any more.
    pub(super) async fn tidy(&self, room: &RoomId) -> Result<(), BrokerError> {
        let _line = self.lines.of(room).await;
        let stay: Vec<EntryKey> = {
            let entered = self.entered();
            let here = entered.get(room);
            here.map(|here| here.sessions.iter().cloned().collect())
                .unwrap_or_default()
        };
        self.purge(room, self.run(), false, &stay).await
    }

    /// Adds rooms to this run's index, or takes them off. False where others took the run for dead.
    pub(super) async fn index(&self, command: &str, room: &RoomId) -> Result<bool, BrokerError> {
        let run = self.run();
        let args = [run.to_string(), command.to_owned(), room.to_string()];
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        let answer = self.ask(&script::INDEX, &self.keys.run(run), &args).await?;
        Ok(format::text(answer).as_deref() != Some("swept"))
    }

    /// Others took this run for dead: it is another one from now on, and says everything from the beginning.
    pub(super) fn was_swept(&self, run: RunId) {
        {
            let mut life = self.life();
            if life.record.run != run {
                return;
            }
            life.replace();
        }
        tracing::warn!(%run, "other instances took this one for dead: it tells again who is here");
        self.retell_everything();
        self.beat_now.notify_one();
    }

    /// Every room is told again who of this node is in it.
    pub(super) fn retell_everything(&self) {
        self.hurry();
        for room in self.entered().forget() {
            self.inbox.retell(room);
        }
    }

    /// The number of the next pair of links.
    pub(super) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed) + 1
    }
}

//! Checks people again of whom something may have changed: their record in the store, and their rights.
//!
//! Everyone is checked where this node cannot know what was said in the control room, or could not for as long as
//! `RealtimeConfig::recheck_interval`. However many there are, only some are checked at the same time, and those of
//! whom something is known to have changed go first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway,
    connection::Connection,
    rights::{ENDED, is_revoked},
};
use crate::{
    protocol::{CloseAction, ErrorCode, Position, ProtocolError, UserId, reserved::control_room},
    server::{hashed::HashMap, hub::ViewerId},
};

/// The most people who are checked at the same time.
const AT_ONCE: usize = 32;

/// When whoever could not be checked is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often it is looked whether this node knows what was said: so many times in each interval, within these bounds.
const PROBES: u32 = 4;
const PROBE_EVERY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long the broker may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whom to check.
enum Due {
    Person {
        user: UserId,
        /// Their rights too, not only their record.
        rights: bool,
    },
    Guest(ViewerId),
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct Rechecks {
    inner: Mutex<Inner>,
    added: Notify,
}

#[derive(Default)]
struct Inner {
    /// Those of whom something is known to have changed, and whether that concerns their rights. All have sessions here.
    people: HashMap<UserId, bool>,
    /// Those who could not be checked.
    later: HashMap<UserId, bool>,
    /// The rest of a check of everyone.
    rest: VecDeque<Due>,
    /// Whether everyone is to be checked once more.
    everyone: bool,
}

fn add(people: &mut HashMap<UserId, bool>, user: UserId, rights: bool) {
    *people.entry(user).or_default() |= rights;
}

impl Rechecks {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn retry(&self) {
        {
            let mut inner = self.lock();
            if inner.later.is_empty() {
                return;
            }
            for (user, rights) in std::mem::take(&mut inner.later) {
                add(&mut inner.people, user, rights);
            }
        }
        self.added.notify_one();
    }
}

impl Gateway {
    /// Reads a person's record again.
    pub(super) fn recheck_record(&self, user: UserId) {
        self.add_recheck(user, false);
    }

    /// Reads a person's record again, and checks their rights.
    pub(super) fn recheck_soon(&self, user: UserId) {
        self.add_recheck(user, true);
    }

    fn add_recheck(&self, user: UserId, rights: bool) {
        if self.0.sessions.is_here(&user) {
            add(&mut self.0.rechecks.lock().people, user, rights);
            self.0.rechecks.added.notify_one();
        }
    }

    /// Checks everyone again, bit by bit.
    pub(super) fn recheck_everyone(&self) {
        self.0.changes.note_everyone();
        self.0.rechecks.lock().everyone = true;
        self.0.rechecks.added.notify_one();
    }

    fn next_recheck(&self) -> Option<Due> {
        let mut inner = self.0.rechecks.lock();
        let first = inner.people.keys().next().cloned();
        if let Some(user) = first {
            let rights = inner.people.remove(&user).unwrap_or_default();
            return Some(Due::Person { user, rights });
        }
        if inner.rest.is_empty() && std::mem::take(&mut inner.everyone) {
            let people = self.0.sessions.people().into_iter();
            let rights = true;
            inner
                .rest
                .extend(people.map(|user| Due::Person { user, rights }));
            let connections = self.0.sessions.connections().into_iter();
            let guests = connections.filter(|connection| connection.key().user.is_none());
            inner.rest.extend(guests.map(|guest| Due::Guest(guest.id)));
        }
        inner.rest.pop_front()
    }

    /// Checks whom it is told to, until the module ends.
    pub(super) async fn keep_rechecking(self, stop: CancellationToken) {
        let rechecks = &self.0.rechecks;
        let mut running = FuturesUnordered::new();
        let mut retry = interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while running.len() < AT_ONCE
                && let Some(due) = self.next_recheck()
            {
                running.push(self.check_again(due));
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = rechecks.added.notified() => {}
                Some(()) = running.next(), if !running.is_empty() => {}
                _ = retry.tick() => rechecks.retry(),
            }
        }
    }

    async fn check_again(&self, due: Due) {
        match due {
            Due::Guest(id) => {
                let guest = self.connections().get(&id).cloned();
                self.recheck_all(guest).await;
            }
            Due::Person { user, rights } => {
                if let Err(error) = self.recheck_kept(&user).await {
                    tracing::warn!(%error, "a person's record could not be read; trying in a second");
                    add(&mut self.0.rechecks.lock().later, user, rights);
                    return;
                }
                if rights {
                    self.recheck_all(self.0.sessions.connections_of(&user))
                        .await;
                }
            }
        }
    }

    async fn recheck_all(&self, connections: impl IntoIterator<Item = Arc<Connection>>) {
        let checks = connections
            .into_iter()
            .map(|connection| async move { self.recheck_connection(&connection).await });
        join_all(checks).await;
    }

    /// Hides or shows a person as it is kept, and ends what is revoked.
    async fn recheck_kept(&self, user: &UserId) -> Result<(), ProtocolError> {
        if !self.0.sessions.is_here(user) {
            return Ok(());
        }
        let person = {
            let _one = self.hiding(user).lock().await;
            let person = self.person(user).await?;
            self.show_invisible(user, person.invisible);
            person
        };
        for connection in self.0.sessions.connections_of(user) {
            if is_revoked(connection.issued(), &person) {
                connection.close(CloseAction::SignIn, ErrorCode::Unauthorized, ENDED);
                self.end(&connection);
            }
        }
        Ok(())
    }

    /// Looks whether this node knows what was said in the control room. While it does not, everyone is checked once in
    /// each interval.
    pub(super) async fn watch_control(self, stop: CancellationToken) {
        let every = self.0.config.recheck_interval;
        let mut tick = interval((every / PROBES).clamp(PROBE_EVERY.0, PROBE_EVERY.1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // When what was known then, or found by a check that began then, was all that there was.
        let mut current = Instant::now();
        // A place that the control room had reached then.
        let mut reached: Option<(Instant, Position)> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let asked = Instant::now();
            if let Some(head) = self.control_head().await {
                // Of a room that has begun anew, also where it had not begun at all, the place before says nothing.
                let same = reached.filter(|(_, before)| before.epoch == head.epoch);
                reached = same.or(Some((asked, head)));
            }
            if let Some((at, head)) = reached
                && self.0.control.has_done(head)
            {
                current = current.max(at);
                reached = None;
            }
            if current.elapsed() >= every {
                tracing::warn!("what other instances say is not known: everyone is checked again");
                current = Instant::now();
                reached = None;
                self.recheck_everyone();
            }
        }
    }

    async fn control_head(&self) -> Option<Position> {
        let rooms = [control_room()];
        let heads = self.0.hub.broker().heads(&rooms);
        let heads = timeout(PROBE_TIMEOUT, heads).await.ok()?.ok()?;
        heads.first().map(|head| head.position)
    }
}

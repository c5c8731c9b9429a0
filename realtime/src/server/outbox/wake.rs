//! When the worker looks for rows.
//!
//! SQLite does not tell when a transaction commits. So after a row was written the worker looks at doubling intervals
//! until it finds it: the extra delay is never longer than the transaction itself took. Postgres tells, and the poll
//! finds whatever nobody told of.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// The first look after a row was written.
const FIRST_LOOK: Duration = Duration::from_millis(1);

/// How long a commit is waited for with looks of its own; then it is left to the poll.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most rows whose commit is waited for.
const MAX_AWAITED: usize = 10_000;

/// How long an instance leaves others' rows to those who wrote them, before it looks whether they could.
#[cfg(feature = "postgres")]
const OTHERS_FIRST: Duration = Duration::from_millis(100);

/// What the worker is told, by [`publish_in`](crate::Realtime::publish_in) and by the database.
#[derive(Debug, Default)]
pub(super) struct Wake {
    told: Mutex<Told>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Told {
    /// Whether the database tells of commits.
    announced: bool,
    /// Rows that were written and not yet found, and until when they are waited for.
    awaited: BTreeMap<i64, Instant>,
    /// How soon to look.
    look_in: Option<Duration>,
}

impl Wake {
    /// Held for a few numbers, never across an await.
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_in(&self, told: &mut Told, delay: Duration) {
        told.look_in = Some(told.look_in.map_or(delay, |sooner| sooner.min(delay)));
        self.notify.notify_one();
    }

    /// A row was written in a transaction that has not committed yet.
    pub(super) fn written(&self, row: i64) {
        let mut told = self.lock();
        if !told.announced && told.awaited.len() < MAX_AWAITED {
            told.awaited.insert(row, Instant::now() + PATIENCE);
            self.look_in(&mut told, FIRST_LOOK);
        }
    }

    /// There is more to do at once.
    pub(super) fn again(&self) {
        self.look_in(&mut self.lock(), Duration::ZERO);
    }

    /// The database tells of commits from now on, or not any more.
    #[cfg(feature = "postgres")]
    pub(super) fn announce(&self, announced: bool) {
        self.lock().announced = announced;
    }

    /// The database told of a commit, by this instance or by another.
    #[cfg(feature = "postgres")]
    pub(super) fn committed(&self, by_us: bool) {
        let delay = if by_us { Duration::ZERO } else { OTHERS_FIRST };
        self.look_in(&mut self.lock(), delay);
    }

    /// These rows have been found: their transactions have committed.
    pub(super) fn found(&self, rows: impl Iterator<Item = i64>) {
        let mut told = self.lock();
        if !told.awaited.is_empty() {
            for row in rows {
                told.awaited.remove(&row);
            }
        }
    }

    /// Waits until somebody tells something.
    pub(super) async fn told(&self) {
        self.notify.notified().await;
    }

    fn take(&self) -> Option<Duration> {
        self.lock().look_in.take()
    }

    /// Whether a commit is still waited for.
    fn awaits(&self, now: Instant) -> bool {
        let mut told = self.lock();
        told.awaited.retain(|_, until| *until > now);
        !told.awaited.is_empty()
    }
}

/// The worker's next look.
#[derive(Debug)]
pub(super) struct Schedule {
    poll: Duration,
    next: Instant,
    /// The time until the look after the next, while a commit is waited for.
    step: Duration,
    /// Nothing makes the next look earlier than this.
    rest: Instant,
}

impl Schedule {
    pub(super) fn new(poll: Duration, now: Instant) -> Self {
        Self {
            poll,
            next: now,
            step: FIRST_LOOK,
            rest: now,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Takes what was told. Looks only become earlier by it, so that one who tells all the time does not put them off.
    pub(super) fn hear(&mut self, wake: &Wake, now: Instant) {
        if let Some(delay) = wake.take() {
            self.step = FIRST_LOOK;
            self.next = self.next.min(now + delay).max(self.rest);
        }
    }

    /// A look has ended. After one that left something behind, the next waits for at least this long.
    pub(super) fn looked(&mut self, wake: &Wake, now: Instant, rest: Duration) {
        self.rest = now + rest;
        let delay = if wake.awaits(now) {
            let step = self.step;
            self.step = (step * 2).min(self.poll);
            step
        } else {
            self.poll
        };
        self.next = (now + delay).max(self.rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(1);

    /// Looks, each of which takes no time, until the row is found. Returns when it was.
    fn looks_until(schedule: &mut Schedule, wake: &Wake, row: i64, committed: Instant) -> Instant {
        loop {
            let now = schedule.next();
            if now >= committed {
                wake.found([row].into_iter());
                schedule.looked(wake, now, Duration::ZERO);
                return now;
            }
            schedule.looked(wake, now, Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_is_found_within_the_time_that_its_transaction_took() {
        for took in [0, 1, 2, 3, 5, 8, 13, 100, 400, 3_000, 20_000] {
            let now = Instant::now();
            let (wake, mut schedule) = (Wake::default(), Schedule::new(POLL, now));
            schedule.looked(&wake, now, Duration::ZERO);
            wake.written(1);
            schedule.hear(&wake, now);
            let took = Duration::from_millis(took);
            let found = looks_until(&mut schedule, &wake, 1, now + took);
            let late = found - (now + took);
            assert!(
                late <= (took + FIRST_LOOK).min(POLL),
                "{late:?} after {took:?}"
            );
            assert_eq!(schedule.next(), found + POLL, "then only the poll looks");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_writes_all_the_time_does_not_put_looks_off() {
        let now = Instant::now();
        let (wake, mut schedule) = (Wake::default(), Schedule::new(POLL, now));
        schedule.looked(&wake, now, Duration::ZERO);
        for micros in (0..3_000).step_by(500) {
            wake.written(micros);
            schedule.hear(&wake, now + Duration::from_micros(micros.unsigned_abs()));
        }
        assert_eq!(schedule.next(), now + FIRST_LOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_that_was_rolled_back_is_not_waited_for_forever() {
        let now = Instant::now();
        let (wake, mut schedule) = (Wake::default(), Schedule::new(POLL * 60, now));
        wake.written(1);
        schedule.hear(&wake, now);
        let mut looks = 0;
        while schedule.next() < now + PATIENCE {
            let look = schedule.next();
            schedule.looked(&wake, look, Duration::ZERO);
            looks += 1;
        }
        assert!(looks <= 17, "{looks} looks");
        let last = schedule.next();
        schedule.looked(&wake, last, Duration::ZERO);
        assert_eq!(schedule.next(), last + POLL * 60);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_look_that_left_something_behind_nothing_hurries_the_next() {
        let now = Instant::now();
        let (wake, mut schedule) = (Wake::default(), Schedule::new(POLL, now));
        schedule.looked(&wake, now, Duration::from_millis(200));
        wake.written(1);
        schedule.hear(&wake, now);
        assert_eq!(schedule.next(), now + Duration::from_millis(200));
    }

    #[cfg(feature = "postgres")]
    #[tokio::test(start_paused = true)]
    async fn where_the_database_tells_of_commits_its_word_is_waited_for() {
        let now = Instant::now();
        let (wake, mut schedule) = (Wake::default(), Schedule::new(POLL, now));
        schedule.looked(&wake, now, Duration::ZERO);
        wake.announce(true);
        wake.written(1);
        schedule.hear(&wake, now);
        assert_eq!(schedule.next(), now + POLL);
        wake.committed(false);
        schedule.hear(&wake, now);
        assert_eq!(schedule.next(), now + OTHERS_FIRST, "who wrote goes first");
        wake.committed(true);
        schedule.hear(&wake, now);
        assert_eq!(schedule.next(), now);
    }
}

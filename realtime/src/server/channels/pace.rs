//! How fast a channel is used.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// After so many messages in a row that were asked to wait, all do.
const IN_A_ROW: u32 = 3;

/// The longest that is waited for a turn: less than a claim holds, so that what waits is not claimed anew, and does not
/// keep other channels waiting.
const MAX_TURN: Duration = Duration::from_secs(10);

/// The longest that all wait.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// One message after the other, at equal distances: instances share the channel's budget by taking each their part, so
/// a burst of one leaves the others theirs.
#[derive(Debug)]
pub(super) struct Pace {
    /// The distance for one instance.
    distance: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    /// Until when nothing is sent.
    pause: Instant,
    /// How many were asked to wait since one was sent.
    asked: u32,
}

impl Pace {
    pub(super) fn new(per_second: Option<NonZeroU32>) -> Self {
        let distance =
            per_second.map_or(Duration::ZERO, |count| Duration::from_secs(1) / count.get());
        let state = State {
            next: Instant::now(),
            pause: Instant::now(),
            asked: 0,
        };
        Self {
            distance,
            state: Mutex::new(state),
        }
    }

    /// Held for a few numbers, never across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place, where so many instances share the budget. Where that is far off, says how far, and takes none.
    pub(super) async fn turn(&self, instances: usize) -> Result<(), Duration> {
        let share = u32::try_from(instances).unwrap_or(u32::MAX).max(1);
        loop {
            let place = {
                let mut state = self.lock();
                let now = Instant::now();
                let place = state.next.max(state.pause).max(now);
                let wait = place - now;
                if wait > MAX_TURN {
                    return Err(wait);
                }
                state.next = place + self.distance * share;
                place
            };
            sleep_until(place).await;
            // All may have been asked to wait meanwhile.
            if self.lock().pause <= Instant::now() {
                return Ok(());
            }
        }
    }

    /// A message was sent.
    pub(super) fn sent(&self) {
        self.lock().asked = 0;
    }

    /// A message was asked to wait for so long. Where that happens to one after the other it is meant for all.
    pub(super) fn asked(&self, after: Duration) {
        let mut state = self.lock();
        state.asked += 1;
        if state.asked >= IN_A_ROW {
            state.pause = state.pause.max(Instant::now() + after.min(MAX_WAIT));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32) -> Pace {
        Pace::new(NonZeroU32::new(per_second))
    }

    #[tokio::test(start_paused = true)]
    async fn instances_that_come_together_share_what_a_second_holds() {
        let began = Instant::now();
        let (one, two) = (pace(20), pace(20));
        let send = |pace: Pace| async move {
            for _ in 0..101 {
                pace.turn(2).await.unwrap();
            }
        };
        futures::future::join(send(one), send(two)).await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_time_is_not_saved_up() {
        let pace = pace(10);
        pace.turn(1).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        for _ in 0..11 {
            pace.turn(1).await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn all_wait_where_one_after_the_other_is_asked_to() {
        let pace = pace(0);
        let began = Instant::now();
        for _ in 0..2 {
            pace.asked(Duration::from_secs(30));
        }
        pace.turn(1).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0, "one chat may be too busy");
        pace.sent();
        for _ in 0..3 {
            pace.asked(Duration::from_secs(30));
        }
        let wait = pace.turn(1).await.unwrap_err();
        assert_eq!(wait, Duration::from_secs(30));
        tokio::time::sleep(wait - Duration::from_secs(1)).await;
        pace.turn(1).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 30);
        pace.turn(1).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_for_long_takes_no_place_and_holds_nobody_up() {
        let pace = pace(1);
        let began = Instant::now();
        let turns = (0..100).map(|_| pace.turn(1));
        let turns = futures::future::join_all(turns).await;
        let had = turns.iter().filter(|turn| turn.is_ok()).count();
        assert_eq!((had, began.elapsed()), (11, MAX_TURN));
        pace.turn(1).await.unwrap();
        assert_eq!(
            began.elapsed(),
            MAX_TURN + Duration::from_secs(1),
            "no place was lost"
        );
    }
}

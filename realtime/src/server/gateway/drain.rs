//! Sending everybody elsewhere, before the node ends.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Gateway, going_away};
use crate::{protocol::CloseAction, server::random::random};

/// How much time there is for each client to come back, where the node has that much: what one costs the others.
const EACH: Duration = Duration::from_millis(1);

/// How often some are told.
const TURN: Duration = Duration::from_millis(100);

/// How long the last frames may take to reach their clients.
const LAST: Duration = Duration::from_secs(1);

/// How often is looked whether they have.
const LOOK: Duration = Duration::from_millis(10);

impl Gateway {
    /// Whether this node is to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.ending.get().is_some()
    }

    /// Whether sessions are seen to leave whose grace is over: of a node that ends everybody has the time to be back
    /// elsewhere.
    pub(super) fn may_tell_leaves(&self, now: Instant) -> bool {
        let from = self.0.ending.get();
        from.is_none_or(|from| *from <= now)
    }

    /// Accepts no more. Returns over how long its clients are to come back elsewhere, which is no longer than this, and
    /// nothing where it had begun before.
    pub(crate) fn begin_to_drain(&self, most: Duration) -> Option<Duration> {
        let count = u32::try_from(self.connections().len()).unwrap_or(u32::MAX);
        let spread = EACH.saturating_mul(count).min(most);
        let back = Instant::now() + spread + self.0.config.leave_grace;
        self.0.ending.set(back).ok().map(|()| spread)
    }

    /// Tells every client to come back, some at a time, and ends when nobody is connected. All at once would be too much
    /// for the others; and whoever has not been told yet misses nothing.
    pub(crate) async fn drain(&self, spread: Duration) {
        let clients = self.0.sessions.connections();
        let turns = spread.div_duration_f64(TURN).ceil().max(1.0) as usize;
        let pause = spread / u32::try_from(turns).unwrap_or(u32::MAX);
        let mut told = false;
        for some in clients.chunks(clients.len().div_ceil(turns).max(1)) {
            if std::mem::replace(&mut told, true) {
                sleep(pause).await;
            }
            for client in some {
                let later = pause.mul_f64(random());
                client.close_with(CloseAction::Retry, going_away().with_retry_after(later));
            }
        }
        // Who was on the way in when it began.
        for client in self.0.sessions.connections() {
            client.close_with(CloseAction::Retry, going_away());
        }
        let closed = async {
            while !self.is_empty() {
                sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(LAST, closed).await;
        self.cut_all();
    }
}

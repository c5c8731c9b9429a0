//! An answer that many want and that is worth asking for once a second.

use std::{future::Future, time::Duration};

use tokio::{sync::Mutex, time::Instant};

/// How long an answer is good.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer. While one asks, the others wait for what is answered.
#[derive(Debug)]
pub(super) struct Cached<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Cached<T> {
    /// The last answer, however old, unless it is being asked for.
    #[cfg_attr(
        not(feature = "metrics"),
        allow(dead_code, reason = "read by the metrics")
    )]
    pub(super) fn last(&self) -> Option<T> {
        let last = self.0.try_lock().ok()?;
        last.as_ref().map(|(_, answer)| answer.clone())
    }

    /// The last answer, or a new one where that is too old.
    pub(super) async fn get(&self, ask: impl Future<Output = T>) -> T {
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = ask.await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_it_is_asked_for_once_a_second() {
        let (cached, asked) = (Cached::default(), AtomicU32::new(0));
        let ask = async || {
            cached
                .get(async {
                    sleep(Duration::from_millis(300)).await;
                    asked.fetch_add(1, Ordering::Relaxed)
                })
                .await
        };
        assert_eq!(join_all((0..100).map(|_| ask())).await, vec![0; 100]);
        sleep(FRESH / 2).await;
        assert_eq!(ask().await, 0);
        sleep(FRESH).await;
        assert_eq!(join_all((0..100).map(|_| ask())).await, vec![1; 100]);
    }
}

//! The tasks of one instance, all of which end with it.

#[cfg(not(feature = "testing"))]
pub(crate) use tokio_util::task::TaskTracker;

#[cfg(feature = "simulated-redis")]
pub(crate) use stopped::Gate;
#[cfg(feature = "testing")]
pub(crate) use stopped::TaskTracker;

/// In tests an instance can be stopped as a process can: its tasks are not run until it goes on.
#[cfg(feature = "testing")]
mod stopped {
    use std::{
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use std::sync::{Mutex, MutexGuard, PoisonError};
    use tokio::task::JoinHandle;

    /// What an instance's tasks pass whenever they run.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Gate(Arc<Mutex<State>>);

    #[derive(Debug, Default)]
    struct State {
        shut: bool,
        waiting: Vec<Waker>,
    }

    #[cfg_attr(
        not(feature = "simulated-redis"),
        allow(
            dead_code,
            reason = "only instances over the stand-in for Redis are stopped"
        )
    )]
    impl Gate {
        fn lock(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// From now on nothing runs.
        pub(crate) fn shut(&self) {
            self.lock().shut = true;
        }

        /// Everything goes on.
        pub(crate) fn unshut(&self) {
            let waiting = {
                let mut state = self.lock();
                state.shut = false;
                std::mem::take(&mut state.waiting)
            };
            for waker in waiting {
                waker.wake();
            }
        }

        /// Waits while nothing runs.
        pub(crate) async fn open(&self) {
            std::future::poll_fn(|context| match self.holds(context) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
        }

        fn holds(&self, context: &Context<'_>) -> bool {
            let mut state = self.lock();
            if state.shut {
                state.waiting.push(context.waker().clone());
            }
            state.shut
        }
    }

    /// As tokio-util's, of an instance that can be stopped.
    #[derive(Clone, Debug)]
    pub(crate) struct TaskTracker {
        tasks: tokio_util::task::TaskTracker,
        gate: Gate,
    }

    impl TaskTracker {
        pub(crate) fn new() -> Self {
            Self::behind(Gate::default())
        }

        /// Of an instance that is stopped with this gate.
        pub(crate) fn behind(gate: Gate) -> Self {
            let tasks = tokio_util::task::TaskTracker::new();
            Self { tasks, gate }
        }

        pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
        where
            F: Future + Send + 'static,
            F::Output: Send + 'static,
        {
            let task = Gated {
                task: Box::pin(task),
                gate: self.gate.clone(),
            };
            self.tasks.spawn(task)
        }

        pub(crate) fn close(&self) -> bool {
            self.tasks.close()
        }

        pub(crate) async fn wait(&self) {
            self.tasks.wait().await;
        }
    }

    struct Gated<F> {
        task: Pin<Box<F>>,
        gate: Gate,
    }

    impl<F: Future> Future for Gated<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            if self.gate.holds(context) {
                return Poll::Pending;
            }
            self.task.as_mut().poll(context)
        }
    }
}

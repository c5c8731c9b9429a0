//! The server: its data and scripts, who listens, and what happens to all of it at once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use redis::Value;
use tokio::sync::watch;

use super::{
    keyspace::{Bytes, Keyspace},
    lua::Scripts,
    socket::Socket,
};
use crate::server::{broker::redis::script::Script, clock::unix_millis};

/// What a client asks for.
pub(super) enum Request {
    Run(&'static Script, Vec<String>, Vec<Bytes>),
    Publish(Bytes, Bytes),
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
}

/// A stand-in for Redis: one server, in this process, on this thread's clocks. Clones are the same server.
#[derive(Clone)]
pub struct SimulatedRedis(Arc<Server>);

struct Server {
    scripts: Mutex<Scripts>,
    sockets: Mutex<Vec<Weak<Socket>>>,
    /// Whether it does not get to do anything.
    stalled: watch::Sender<bool>,
    /// By how many milliseconds its clock differs from the nodes'.
    ahead: Mutex<i64>,
}

/// What an RDB file holds: everything, as it was.
#[derive(Clone)]
pub struct Copy(Keyspace);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatedRedis {
    /// An empty one.
    #[must_use]
    pub fn start() -> Self {
        Self(Arc::new(Server {
            scripts: Mutex::new(Scripts::new()),
            sockets: Mutex::default(),
            stalled: watch::channel(false).0,
            ahead: Mutex::default(),
        }))
    }

    pub(super) fn accept(&self, socket: &Arc<Socket>) {
        let mut sockets = lock(&self.0.sockets);
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(socket));
    }

    /// Waits while it is stalled.
    pub(super) async fn turn(&self) {
        let mut stalled = self.0.stalled.subscribe();
        // The server outlives its clients' waiting.
        let _ = stalled.wait_for(|stalled| !stalled).await;
    }

    /// Carries out one request whole, as a server with one thread does, and tells those who listen.
    pub(super) fn carry_out(&self, from: &Socket, request: Request) -> Value {
        let mut scripts = lock(&self.0.scripts);
        scripts.data().keyspace.now = unix_millis().saturating_add_signed(*lock(&self.0.ahead));
        let answer = match request {
            Request::Run(script, keys, args) => {
                let answer = scripts.run(script, &keys, &args);
                tracing::trace!(
                    script = script.text.lines().rev().find(|line| !line.is_empty()),
                    key = keys.first(),
                    args = ?args.iter().map(|arg| String::from_utf8_lossy(arg)).collect::<Vec<_>>(),
                    ?answer,
                    "carried out"
                );
                answer
            }
            Request::Publish(channel, payload) => {
                scripts.data().published.push((channel, payload));
                Value::Int(0)
            }
            Request::Subscribe(channels) => {
                lock(&from.channels).extend(channels.into_iter().map(String::into_bytes));
                Value::Okay
            }
            Request::Unsubscribe(channels) => {
                let mut listened = lock(&from.channels);
                for channel in channels {
                    listened.remove(channel.as_bytes());
                }
                Value::Okay
            }
        };
        let published = std::mem::take(&mut scripts.data().published);
        drop(scripts);
        if !published.is_empty() {
            let sockets: Vec<Arc<Socket>> = lock(&self.0.sockets)
                .iter()
                .filter_map(Weak::upgrade)
                .collect();
            for (channel, payload) in published {
                for socket in &sockets {
                    if lock(&socket.channels).contains(&channel) {
                        socket.push(channel.clone(), payload.clone());
                    }
                }
            }
        }
        answer
    }

    /// It answers nobody, as under SIGSTOP or while its disk is slow. What it is asked meanwhile lies in its sockets and
    /// is carried out when it goes on, also for those who have given up.
    pub fn stall(&self) {
        self.0.stalled.send_replace(true);
    }

    /// It goes on.
    pub fn go_on(&self) {
        self.0.stalled.send_replace(false);
    }

    /// `FLUSHALL`: nothing is left, and nobody is told. Connections and subscriptions stay.
    pub fn flush(&self) {
        lock(&self.0.scripts).data().keyspace = Keyspace::default();
    }

    /// What `BGSAVE` would write.
    #[must_use]
    pub fn copy(&self) -> Copy {
        Copy(lock(&self.0.scripts).data().keyspace.clone())
    }

    /// It is killed and starts again with what an older copy holds, or with nothing: all connections break.
    pub fn start_again(&self, copy: Option<Copy>) {
        let sockets: Vec<Arc<Socket>> = lock(&self.0.sockets)
            .drain(..)
            .filter_map(|socket| socket.upgrade())
            .collect();
        lock(&self.0.scripts).data().keyspace = copy.map(|copy| copy.0).unwrap_or_default();
        for socket in sockets {
            socket.break_off();
        }
    }

    /// The names of all keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let names = |keyspace: &Keyspace| {
            let names = keyspace.names();
            names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect()
        };
        names(&lock(&self.0.scripts).data().keyspace)
    }

    /// A key is evicted: as when memory is short and the policy is not `noeviction`. False where there is none.
    pub fn evict(&self, key: &str) -> bool {
        lock(&self.0.scripts).data().keyspace.remove(key.as_bytes())
    }

    /// Its wall clock jumps by so many milliseconds, as a machine's does that is corrected. Redis goes by it wherever
    /// something expires.
    pub fn move_clock(&self, millis: i64) {
        let mut ahead = lock(&self.0.ahead);
        *ahead = ahead.saturating_add(millis);
    }
}

impl fmt::Debug for SimulatedRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedRedis").finish_non_exhaustive()
    }
}

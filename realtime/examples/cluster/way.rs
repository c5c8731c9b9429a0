//! The way between one instance and Redis, which can be cut, or stand still: for all that is said on it, or for only
//! one of the instance's two connections.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::Result;

/// What becomes of what is said on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It passes.
    Open,
    /// The connection is closed, and so is every new one.
    Cut,
    /// Nothing passes, and nothing is closed. What was said passes later.
    Still,
}

/// What becomes of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// The one that listens to channels.
    pub listener: State,
    /// The one for everything else.
    pub commands: State,
}

impl States {
    /// The same for both.
    pub const fn both(state: State) -> Self {
        Self {
            listener: state,
            commands: state,
        }
    }

    /// Until it is known what a connection is for, only what becomes of both counts.
    fn of(self, use_: Option<&Use>) -> State {
        match use_ {
            Some(Use::Listener) => self.listener,
            Some(Use::Commands) => self.commands,
            None if self.listener == self.commands => self.listener,
            None => State::Open,
        }
    }
}

/// What a connection is for, by what is said on it.
enum Use {
    Listener,
    Commands,
}

/// A way, which ends when this is dropped.
pub struct Way {
    address: SocketAddr,
    states: watch::Sender<States>,
    task: JoinHandle<()>,
}

impl Way {
    /// Listens on a free port for one instance.
    pub async fn start(redis: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let states = watch::Sender::new(States::both(State::Open));
        let state = states.subscribe();
        let task = tokio::spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                ways.spawn(carry(stream, redis, state.clone()));
            }
        });
        Ok(Self {
            address,
            states,
            task,
        })
    }

    /// Where the instance finds Redis.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on this becomes of what is said.
    pub fn set(&self, states: States) {
        self.states.send_replace(states);
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(instance: TcpStream, redis: SocketAddr, states: watch::Receiver<States>) {
    let mut way = End {
        use_: Arc::default(),
        states,
    };
    if !way.passes().await {
        return;
    }
    let Ok(redis) = TcpStream::connect(redis).await else {
        return;
    };
    let _ = (instance.set_nodelay(true), redis.set_nodelay(true));
    let (mut from_instance, mut to_instance) = instance.into_split();
    let (mut from_redis, mut to_redis) = redis.into_split();
    let mut back = way.clone();
    tokio::select! {
        () = way.pump(&mut from_instance, &mut to_redis, true) => {}
        () = back.pump(&mut from_redis, &mut to_instance, false) => {}
    }
}

/// One direction of one connection.
#[derive(Clone)]
struct End {
    use_: Arc<OnceLock<Use>>,
    states: watch::Receiver<States>,
}

impl End {
    /// Waits while nothing passes. False where the connection is cut.
    async fn passes(&mut self) -> bool {
        loop {
            let states = *self.states.borrow_and_update();
            match states.of(self.use_.get()) {
                State::Open => return true,
                State::Cut => return false,
                State::Still => {
                    if self.states.changed().await.is_err() {
                        return false;
                    }
                }
            }
        }
    }

    async fn pump(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        tells_use: bool,
    ) {
        let mut bytes = vec![0; 64 * 1024];
        while self.passes().await {
            let read = tokio::select! {
                read = from.read(&mut bytes) => read,
                changed = self.states.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            let length = match read {
                Ok(length) if length > 0 => length,
                _ => return,
            };
            if tells_use && self.use_.get().is_none() {
                let _ = use_of(&bytes[..length]).map(|use_| self.use_.set(use_));
            }
            if !self.passes().await || to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }
}

fn use_of(said: &[u8]) -> Option<Use> {
    let says = |word: &[u8]| said.windows(word.len()).any(|found| found == word);
    if says(b"SUBSCRIBE") {
        Some(Use::Listener)
    } else if says(b"EVALSHA") {
        Some(Use::Commands)
    } else {
        None
    }
}

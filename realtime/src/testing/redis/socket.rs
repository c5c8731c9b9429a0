//! One connection: requests one way, answers and messages the other, each in the order in which they were sent.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{
    keyspace::Bytes,
    path::{Path, Role},
    server::{Request, SimulatedRedis},
};
use crate::server::broker::redis::{
    script::Script,
    transport::{Link, LinkError, Push, Sink},
};

/// After so long without a sign of life from the other end the kernel gives a connection up: see the keepalive of
/// `client::tcp_settings`.
const KEEPALIVE: Duration = Duration::from_secs(19);

/// What is on its way to the server.
struct Asked {
    due: Instant,
    request: Request,
    answer: oneshot::Sender<Value>,
}

/// What is on its way from it.
enum Told {
    Answer(oneshot::Sender<Value>, Value),
    Message(Bytes, Bytes),
}

/// The server's end of a connection.
pub(super) struct Socket {
    pub(super) channels: Mutex<BTreeSet<Bytes>>,
    told: mpsc::UnboundedSender<(Instant, Told)>,
    path: Path,
    role: Role,
    broken: AtomicBool,
    sink: Sink,
}

/// The client's.
pub(super) struct Client {
    socket: Arc<Socket>,
    asked: mpsc::UnboundedSender<Asked>,
}

fn lost() -> LinkError {
    LinkError::lost("the connection is gone".to_owned())
}

impl Socket {
    /// Makes a connection over a path that can be gone.
    pub(super) fn connect(server: &SimulatedRedis, path: &Path, role: Role, sink: Sink) -> Client {
        let (told, pump) = mpsc::unbounded_channel();
        let (asked, requests) = mpsc::unbounded_channel();
        let socket = Arc::new(Self {
            channels: Mutex::default(),
            told,
            path: path.clone(),
            role,
            broken: AtomicBool::new(false),
            sink,
        });
        server.accept(&socket);
        path.accept(&socket);
        tokio::spawn(serve(server.clone(), socket.clone(), requests));
        tokio::spawn(carry(Arc::downgrade(&socket), path.clone(), role, pump));
        Client { socket, asked }
    }

    /// A message for whoever listens here.
    pub(super) fn push(&self, channel: Bytes, payload: Bytes) {
        self.send(Told::Message(channel, payload));
    }

    fn send(&self, told: Told) {
        // A connection that is gone takes nothing any more.
        let _ = self.told.send((Instant::now() + self.path.delay(), told));
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// The connection is reset: both ends are told at once.
    pub(super) fn break_off(&self) {
        if !self.broken.swap(true, Ordering::AcqRel) {
            (self.sink)(Push::Lost);
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}

/// Takes requests in order. What has left the client is carried out some time, whether it still waits or not, as long
/// as the connection was not reset before: a kernel delivers what it was given.
async fn serve(
    server: SimulatedRedis,
    socket: Arc<Socket>,
    mut requests: mpsc::UnboundedReceiver<Asked>,
) {
    while let Some(asked) = requests.recv().await {
        until(asked.due).await;
        socket.path.open(socket.role).await;
        server.turn().await;
        // Whatever of it had arrived when the connection was reset is carried out, and nobody hears of it.
        if socket.is_broken() && !socket.path.had_arrived() {
            continue;
        }
        let value = server.carry_out(&socket, asked.request);
        socket.send(Told::Answer(asked.answer, value));
    }
}

/// Brings answers and messages in order.
async fn carry(
    socket: std::sync::Weak<Socket>,
    path: Path,
    role: Role,
    mut pump: mpsc::UnboundedReceiver<(Instant, Told)>,
) {
    loop {
        let told = tokio::select! {
            told = pump.recv() => told,
            () = silence(&path, role) => {
                if let Some(socket) = socket.upgrade() {
                    socket.break_off();
                }
                return;
            }
        };
        let Some((due, told)) = told else { return };
        until(due).await;
        // A process that is stopped reads nothing; the kernel keeps it.
        path.thawed().await;
        if timeout(KEEPALIVE, path.open(role)).await.is_err()
            && let Some(socket) = socket.upgrade()
        {
            socket.break_off();
        }
        let Some(socket) = socket.upgrade() else {
            return;
        };
        if socket.is_broken() {
            return;
        }
        match told {
            // Who asked may have given up.
            Told::Answer(answer, value) => drop(answer.send(value)),
            Told::Message(channel, payload) => {
                let channel = String::from_utf8_lossy(&channel);
                (socket.sink)(Push::Message {
                    channel: &channel,
                    payload: &payload,
                });
            }
        }
    }
}

/// Ends when nothing has come through for too long.
async fn silence(path: &Path, role: Role) {
    loop {
        path.shut(role).await;
        if timeout(KEEPALIVE, path.open(role)).await.is_err() {
            return;
        }
    }
}

async fn until(due: Instant) {
    if due > Instant::now() {
        sleep_until(due).await;
    }
}

impl Client {
    async fn ask(&self, request: Request) -> Result<Value, LinkError> {
        if self.socket.is_broken() {
            return Err(lost());
        }
        let (answer, answered) = oneshot::channel();
        let due = Instant::now() + self.socket.path.delay();
        let asked = Asked {
            due,
            request,
            answer,
        };
        self.asked.send(asked).map_err(|_| lost())?;
        answered.await.map_err(|_| lost())
    }
}

fn names(channels: &[String]) -> Vec<String> {
    channels.to_vec()
}

#[async_trait]
impl Link for Client {
    async fn run(
        &self,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, LinkError> {
        let args = args.iter().map(|arg| arg.to_vec()).collect();
        self.ask(Request::Run(script, keys.to_vec(), args)).await
    }

    async fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), LinkError> {
        let request = Request::Publish(channel.as_bytes().to_vec(), payload.to_vec());
        self.ask(request).await.map(drop)
    }

    async fn subscribe(&self, channels: &[String]) -> Result<(), LinkError> {
        self.ask(Request::Subscribe(names(channels)))
            .await
            .map(drop)
    }

    async fn unsubscribe(&self, channels: &[String]) -> Result<(), LinkError> {
        self.ask(Request::Unsubscribe(names(channels)))
            .await
            .map(drop)
    }

    fn is_cluster(&self) -> bool {
        false
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Drop for Client {
    /// The client closes its end: nobody is there to read. What it has asked for is on its way all the same.
    fn drop(&mut self) {
        let mut channels = self
            .socket
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        channels.clear();
    }
}

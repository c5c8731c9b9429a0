//! One client: the crate's own session over a real socket. It can be made to stop reading, and be sent elsewhere.

#![allow(dead_code, reason = "no example needs all of it")]

use std::{
    net::SocketAddr,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{SinkExt, StreamExt};
use leptos_realtime::core::session::{Connection, Input, Output, Session};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

type Socket = WebSocketStream<TcpStream>;

/// How long opening a socket, or sending, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a session with nothing to do waits.
const IDLE: Duration = Duration::from_secs(3_600);

/// What the kernel keeps for a client that does not read: little, so that the server soon notices.
const SMALL_BUFFER: u32 = 4 * 1024;

/// Takes note of what a client is told.
pub trait Witness: Send + 'static {
    /// A message came.
    fn received(&mut self, _text: &str) {}

    /// What the session says, but for what is to be done with the socket.
    fn told(&mut self, session: &Session, output: Output);
}

/// A client, which ends when this is dropped.
pub struct Client<W> {
    shared: Arc<Shared<W>>,
    task: JoinHandle<()>,
}

struct Shared<W> {
    state: Mutex<State<W>>,
    slow: bool,
    frozen: watch::Sender<bool>,
    /// The session was asked for something, or is to connect anew.
    acted: Notify,
}

/// What a client knows, and what its witness noted.
pub struct State<W> {
    session: Session,
    witness: W,
    started: Instant,
    address: SocketAddr,
    /// Its socket is to be lost.
    cut: bool,
    /// How many times it connected, and when it did so last.
    pub opened: u32,
    pub opened_at: Instant,
}

/// Microseconds of the machine's clock, which servers in other processes read too.
pub fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros() as u64
}

impl<W: Witness> Client<W> {
    /// A client that connects. The kernel keeps little for one that is to be slow.
    pub fn connect(address: SocketAddr, session: Session, witness: W, slow: bool) -> Self {
        let mut state = State {
            session,
            witness,
            started: Instant::now(),
            address,
            cut: false,
            opened: 0,
            opened_at: Instant::now(),
        };
        state.input(Input::Start);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            slow,
            frozen: watch::Sender::new(false),
            acted: Notify::new(),
        });
        let task = tokio::spawn(run(shared.clone()));
        Self { shared, task }
    }

    /// Stops the client, with its socket open, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.shared.frozen.send_replace(frozen);
    }

    /// What it knows by now.
    pub fn state(&self) -> MutexGuard<'_, State<W>> {
        self.shared.state()
    }

    /// Asks its session for something, at a time of the session's clock.
    pub fn act<T>(&self, ask: impl FnOnce(&mut Session, &mut W, u64) -> T) -> T {
        let mut state = self.state();
        let now = state.now();
        let State {
            session, witness, ..
        } = &mut *state;
        let answer = ask(session, witness, now);
        drop(state);
        self.shared.acted.notify_one();
        answer
    }

    /// Whenever it connects from now on, it does so there.
    pub fn send_to(&self, address: SocketAddr) {
        self.state().address = address;
    }

    /// Its socket is lost, and it connects again at once.
    pub fn cut(&self) {
        self.state().cut = true;
        self.shared.acted.notify_one();
    }
}

impl<W> Drop for Client<W> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<W> Shared<W> {
    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Deref for State<W> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.witness
    }
}

impl<W> DerefMut for State<W> {
    fn deref_mut(&mut self) -> &mut W {
        &mut self.witness
    }
}

impl<W: Witness> State<W> {
    /// Its session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The state of its connection.
    pub fn connection(&self) -> &Connection {
        self.session.connection()
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn input(&mut self, input: Input<'_>) {
        if let Input::Received(text) = input {
            self.witness.received(text);
        }
        let now = self.now();
        self.session.handle(now, rand::random(), input);
    }

    /// Has everything noted up to the next thing to be done with the socket.
    fn next(&mut self) -> Option<Output> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Open => {
                    self.opened += 1;
                    self.opened_at = Instant::now();
                    return Some(output);
                }
                Output::Send(_) | Output::Close => return Some(output),
                _ => self.witness.told(&self.session, output),
            }
        }
        None
    }

    fn due(&self) -> Instant {
        let due = self.session.deadline(self.now());
        due.map_or_else(
            || Instant::now() + IDLE,
            |at| self.started + Duration::from_millis(at),
        )
    }
}

async fn run<W: Witness>(shared: Arc<Shared<W>>) {
    let mut frozen = shared.frozen.subscribe();
    let mut socket: Option<Socket> = None;
    loop {
        // Like a page that its browser has put to sleep: it neither reads nor writes, and no timer goes off.
        if frozen.wait_for(|frozen| !frozen).await.is_err() {
            return;
        }
        loop {
            // In a statement of its own, because the lock must not be held while something is awaited.
            let next = shared.state().next();
            match next {
                None => break,
                Some(Output::Open) => {
                    let address = shared.state().address;
                    let opened = timeout(PATIENCE, open(address, shared.slow)).await;
                    socket = opened.ok().and_then(Result::ok);
                    if socket.is_none() {
                        shared.state().input(Input::Closed);
                    }
                }
                Some(Output::Send(text)) => {
                    if let Some(socket) = &mut socket {
                        // A server that is gone is noticed by the next read.
                        let _ = timeout(PATIENCE, socket.send(Message::text(text))).await;
                    }
                }
                Some(_) => socket = None,
            }
        }
        let due = shared.state().due();
        tokio::select! {
            _ = frozen.changed() => {}
            () = shared.acted.notified() => {
                let mut state = shared.state();
                if std::mem::take(&mut state.cut) {
                    socket = None;
                    state.input(Input::Closed);
                    // Whoever waits to connect does not wait.
                    state.input(Input::Start);
                }
            }
            () = sleep_until(due) => shared.state().input(Input::Tick),
            message = next(&mut socket) => match message {
                Some(Ok(Message::Text(text))) => shared.state().input(Input::Received(&text)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    socket = None;
                    shared.state().input(Input::Closed);
                }
            },
        }
    }
}

async fn next(socket: &mut Option<Socket>) -> Option<Result<Message, Error>> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

async fn open(address: SocketAddr, slow: bool) -> Result<Socket, Error> {
    let socket = TcpSocket::new_v4()?;
    if slow {
        socket.set_recv_buffer_size(SMALL_BUFFER)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{address}/realtime/socket.io/?EIO=4&transport=websocket");
    let (socket, _) = client_async(url, stream).await?;
    Ok(socket)
}

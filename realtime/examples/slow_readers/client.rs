//! One client: the crate's own session over a real socket, which can be made to stop reading.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{SinkExt, StreamExt};
use leptos_realtime::{
    Room, RoomId,
    core::{
        session::{Connection, Input, ListenerId, Output, Session, SessionConfig},
        view::RoomView,
    },
    protocol::{Announcements, Auth, SessionId},
};
use serde::Deserialize;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use super::{HALL, Result, heard::Heard};

type Socket = WebSocketStream<TcpStream>;

/// How long opening a socket, or sending, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a session with nothing to do waits.
const IDLE: Duration = Duration::from_secs(3_600);

/// What the kernel keeps for a client that does not read: little, so that the server soon notices.
const SMALL_BUFFER: u32 = 4 * 1024;

/// How a message begins that shows the whole room.
const SHOWN: &str = r#"42["joined",{"room":"hall:1""#;

/// A client, which ends when this is dropped.
pub struct Client {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    frozen: watch::Sender<bool>,
}

/// What a client knows, and what happened to it.
pub struct State {
    session: Session,
    started: Instant,
    hall: RoomId,
    hall_listener: Option<ListenerId>,
    /// When the last message came, in microseconds of the machine's clock.
    received_at: u64,
    pub heard: Heard,
    /// The announcements it was told.
    pub announced: Vec<u32>,
    /// How many times it was shown the whole room.
    pub shown: u32,
    /// How many times it connected, and when it did so last.
    pub opened: u32,
    pub opened_at: Instant,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Head {
    number: u32,
    at: u64,
}

/// The name of a client, which is its person's, too.
pub fn name(number: usize) -> String {
    format!("person-{number:05}")
}

/// Microseconds of the machine's clock, which the server reads too.
pub fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros() as u64
}

impl Client {
    /// A client that connects, as a person of its own.
    pub fn connect(address: SocketAddr, number: usize, slow: bool) -> Result<Self> {
        let auth = Auth {
            token: Some(name(number)),
            session: Some(SessionId::try_from(format!("session-{number:05}"))?),
            ..Auth::default()
        };
        let mut state = State {
            session: Session::new(SessionConfig::default(), auth),
            started: Instant::now(),
            hall: HALL.room_id(),
            hall_listener: None,
            received_at: 0,
            heard: Heard::default(),
            announced: Vec::new(),
            shown: 0,
            opened: 0,
            opened_at: Instant::now(),
        };
        let announcements = Announcements::id();
        for room in [&state.hall, &announcements] {
            state.session.acquire(room, None);
        }
        state.hall_listener = state.session.listen(&state.hall, None);
        state.session.listen(&announcements, None);
        state.input(Input::Start);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            frozen: watch::Sender::new(false),
        });
        let task = tokio::spawn(run(shared.clone(), address, slow));
        Ok(Self { shared, task })
    }

    /// Stops the client, with its socket open, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.shared.frozen.send_replace(frozen);
    }

    /// What it knows by now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The room as it is shown to the client.
    pub fn view(&self) -> Option<&RoomView> {
        self.session.view(&self.hall)
    }

    /// The state of its connection.
    pub fn connection(&self) -> &Connection {
        self.session.connection()
    }

    /// Whether both rooms are in step with the server.
    pub fn is_live(&self) -> bool {
        self.session.is_live(&self.hall) && self.session.is_live(&Announcements::id())
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn input(&mut self, input: Input<'_>) {
        if let Input::Received(text) = input {
            self.received_at = micros();
            self.shown += u32::from(text.starts_with(SHOWN));
        }
        let now = self.now();
        self.session.handle(now, rand::random(), input);
    }

    /// Takes note of what happened, up to the next thing to be done with the socket.
    fn act(&mut self) -> Option<Output> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Open => {
                    self.opened += 1;
                    self.opened_at = Instant::now();
                    return Some(output);
                }
                Output::Send(_) | Output::Close => return Some(output),
                Output::Event(listener, _, event) => {
                    if Some(listener) != self.hall_listener {
                        self.announced.extend(event.data.get().parse::<u32>());
                    } else if let Ok(head) = serde_json::from_str::<Head>(event.data.get()) {
                        let latency = self.received_at.saturating_sub(head.at);
                        self.heard.event(head.number, latency);
                    }
                }
                Output::Reset(listener, _) if Some(listener) == self.hall_listener => {
                    self.heard.reset();
                }
                _ => {}
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

async fn run(shared: Arc<Shared>, address: SocketAddr, slow: bool) {
    let mut frozen = shared.frozen.subscribe();
    let mut socket: Option<Socket> = None;
    loop {
        // Like a page that its browser has put to sleep: it neither reads nor writes, and no timer goes off.
        if frozen.wait_for(|frozen| !frozen).await.is_err() {
            return;
        }
        loop {
            // In a statement of its own, because the lock must not be held while something is awaited.
            let act = shared.state().act();
            match act {
                None => break,
                Some(Output::Open) => {
                    let opened = timeout(PATIENCE, open(address, slow)).await;
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

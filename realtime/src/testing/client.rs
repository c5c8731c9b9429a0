//! A client: the real session over an in-memory WebSocket.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use http::{Request, header};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::value::to_raw_value;
use tokio::{
    io::DuplexStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::{
    Realtime,
    core::{
        session::{
            Answer, Connection, Input, ListenerId, Output, RequestId, Session, SessionConfig,
            Token, WatchId,
        },
        view::RoomView,
    },
    protocol::{Auth, Position, Room, RoomId, Signalled, UserId},
};

type Tokens = Box<dyn FnMut() -> Option<String> + Send>;

/// How long [`TestClient::until`] waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a room stays joined after its last use, in milliseconds: no page that follows needs time to load.
const LINGER_MS: u64 = 250;

/// The bytes in flight between client and node.
const PIPE: usize = 64 * 1024;

/// A client of a node. It acts only inside [`until`](Self::until) and [`run_for`](Self::run_for).
pub struct TestClient {
    node: Realtime,
    cookie: Option<String>,
    session: Session,
    socket: Option<WebSocketStream<DuplexStream>>,
    started: Instant,
    events: BTreeMap<RoomId, Vec<String>>,
    signals: Vec<Signalled>,
    answers: BTreeMap<RequestId, Answer>,
    tokens: Option<Tokens>,
    rng: StdRng,
    listeners: BTreeMap<ListenerId, RoomId>,
    watched: BTreeMap<RoomId, WatchId>,
    texts: Vec<String>,
    shown: BTreeMap<RoomId, BTreeSet<String>>,
    departures: Vec<(RoomId, String)>,
    heard: BTreeMap<RoomId, Vec<Heard>>,
}

/// How an event was given to a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// When.
    pub(super) at: Instant,
    /// Whether it had no place in the room's order yet.
    pub(super) is_provisional: bool,
}

impl TestClient {
    /// A client of a node, connecting.
    #[must_use]
    pub fn connect(node: &Realtime, auth: Auth) -> Self {
        let mut client = Self::new(node, auth, SessionConfig::default());
        client.input(Input::Start);
        client
    }

    /// A client that asks for a token before each connect and before its sign-in expires.
    #[must_use]
    pub fn with_tokens(
        node: &Realtime,
        auth: Auth,
        tokens: impl FnMut() -> Option<String> + Send + 'static,
    ) -> Self {
        let config = SessionConfig {
            asks_for_token: true,
            ..SessionConfig::default()
        };
        let mut client = Self::new(node, auth, config);
        client.tokens = Some(Box::new(tokens));
        client.input(Input::Start);
        client
    }

    /// A client whose waits and ids are drawn from a seed.
    pub(super) fn seeded(node: &Realtime, auth: Auth, seed: u64) -> Self {
        let mut client = Self::new(node, auth, SessionConfig::default());
        client.rng = StdRng::seed_from_u64(seed);
        client.input(Input::Start);
        client
    }

    /// Whether it connects to this node.
    pub(super) fn is_at(&self, node: &Realtime) -> bool {
        self.node.is(node)
    }

    /// Connects to this node from now on.
    pub(super) fn move_to(&mut self, node: &Realtime) {
        self.node = node.clone();
    }

    fn new(node: &Realtime, auth: Auth, config: SessionConfig) -> Self {
        let config = SessionConfig {
            linger_ms: LINGER_MS,
            ..config
        };
        Self {
            node: node.clone(),
            cookie: None,
            session: Session::new(config, auth),
            socket: None,
            started: Instant::now(),
            events: BTreeMap::new(),
            signals: Vec::new(),
            answers: BTreeMap::new(),
            tokens: None,
            rng: StdRng::from_os_rng(),
            listeners: BTreeMap::new(),
            watched: BTreeMap::new(),
            texts: Vec::new(),
            shown: BTreeMap::new(),
            departures: Vec::new(),
            heard: BTreeMap::new(),
        }
    }

    /// Connects again after the server ended it.
    pub(super) fn start(&mut self) {
        self.input(Input::Start);
    }

    /// Sends this `Cookie` header from the next connection on.
    #[must_use]
    pub fn with_cookie(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }

    /// Uses a room, and records its events after `since`.
    pub fn join<R: Room>(&mut self, room: R, since: Option<Position>) {
        let room = room.room_id();
        self.session.acquire(&room, None);
        if let Some(id) = self.session.listen(&room, since) {
            self.listeners.insert(id, room);
        }
        self.input(Input::Tick);
    }

    /// Ends the use of a room, and the recording of its events.
    pub fn leave<R: Room>(&mut self, room: R) {
        let (now, room) = (self.now(), room.room_id());
        let of_room = |_: &ListenerId, listened: &mut RoomId| *listened == room;
        for (listener, _) in self.listeners.extract_if(.., of_room) {
            self.session.unlisten(&room, listener);
        }
        self.session.release(now, &room);
    }

    /// Types in a room, or stops.
    pub fn typing<R: Room>(&mut self, room: R, on: bool) {
        let now = self.now();
        self.session.typing(now, &room.room_id(), on);
    }

    /// Shows these people of a room even where it is too large to show everyone.
    pub fn watch<R: Room>(&mut self, room: R, people: Vec<UserId>) {
        let room = room.room_id();
        let list = self.watched.remove(&room);
        if let Some(list) = self.session.watch(&room, list, people) {
            self.watched.insert(room, list);
        }
    }

    /// Signals to everyone else in a room.
    pub fn signal<R: Room>(&mut self, room: R, signal: &R::Signal) -> RequestId {
        let data = to_raw_value(signal).expect("the signal is JSON");
        let now = self.now();
        self.session.signal(now, &room.room_id(), data)
    }

    /// The person hides, or shows themselves again.
    pub fn set_invisible(&mut self, invisible: bool) -> RequestId {
        let now = self.now();
        self.session.set_invisible(now, invisible)
    }

    /// The page is shown, or hidden.
    pub fn set_visible(&mut self, visible: bool) {
        self.input(Input::Visible(visible));
    }

    /// The machine has a network, or has none any more.
    pub fn set_network(&mut self, there: bool) {
        self.input(Input::Network(there));
    }

    /// The person does something.
    pub fn touch(&mut self) {
        self.input(Input::Used);
    }

    /// Ends the session for good.
    pub fn bye(&mut self) {
        self.session.bye();
    }

    /// Loses the connection, without a word; [`until`](Self::until) then reconnects to this node.
    pub fn drop_connection(&mut self, next: &Realtime) {
        self.node = next.clone();
        self.socket = None;
        self.input(Input::Closed);
    }

    /// The names of who is in a room, as this client sees it, in alphabetical order.
    #[must_use]
    pub fn names<R: Room>(&self, room: R) -> Vec<String> {
        let mut names: Vec<String> = self
            .view(room)
            .map(|view| view.members.values().map(|m| m.name.clone()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    /// A room as this client sees it.
    #[must_use]
    pub fn view<R: Room>(&self, room: R) -> Option<&RoomView> {
        self.session.view(&room.room_id())
    }

    /// The events this client was given in a room, as JSON, in order; `reset` where it had to begin anew.
    #[must_use]
    pub fn events<R: Room>(&self, room: R) -> &[String] {
        self.events.get(&room.room_id()).map_or(&[], Vec::as_slice)
    }

    /// How each of [`events`](Self::events) was given.
    pub(super) fn heard(&self, room: &RoomId) -> &[Heard] {
        self.heard.get(room).map_or(&[], Vec::as_slice)
    }

    /// The state of the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.session.connection()
    }

    /// What this client was signalled, in the order in which it came.
    #[must_use]
    pub fn signals(&self) -> &[Signalled] {
        &self.signals
    }

    /// What became of a request; nothing yet, perhaps.
    #[must_use]
    pub fn answer(&self, request: RequestId) -> Option<&Answer> {
        self.answers.get(&request)
    }

    /// The session itself.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Every message this client ever received, as it came.
    #[must_use]
    pub fn received(&self) -> &[String] {
        &self.texts
    }

    /// Whom this client has seen leave since it was last asked, in which room: also those who came back at once.
    pub fn take_departures(&mut self) -> Vec<(RoomId, String)> {
        std::mem::take(&mut self.departures)
    }

    /// Sends a raw WebSocket message past the session.
    pub async fn send_raw(&mut self, message: Message) {
        self.perform_all().await;
        if let Some(socket) = &mut self.socket {
            let _ = socket.send(message).await;
        }
    }

    /// Lets the client run until the condition holds.
    ///
    /// # Panics
    /// When it does not in 60 seconds, with what was waited for and what the client sees.
    pub async fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.perform_all().await;
            if condition(self) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "still waiting until {what}; {self:?}"
            );
            self.step(deadline).await;
        }
    }

    /// Lets the client run for a while.
    pub async fn run_for(&mut self, while_: Duration) {
        let end = Instant::now() + while_;
        while Instant::now() < end {
            self.perform_all().await;
            self.step(end).await;
        }
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn input(&mut self, input: Input<'_>) {
        let (now, entropy) = (self.now(), self.rng.random());
        self.session.handle(now, entropy, input);
    }

    /// Waits for whatever comes first: a message, the session's deadline, or the end.
    async fn step(&mut self, end: Instant) {
        let due = self
            .session
            .deadline(self.now())
            .map_or(end, |at| self.started + Duration::from_millis(at))
            .min(end);
        let Some(socket) = &mut self.socket else {
            sleep_until(due).await;
            self.input(Input::Tick);
            return;
        };
        tokio::select! {
            () = sleep_until(due) => self.input(Input::Tick),
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    self.texts.push(text.to_string());
                    self.input(Input::Received(&text));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    self.socket = None;
                    self.input(Input::Closed);
                }
            },
        }
    }

    async fn perform_all(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Open => self.open().await,
                Output::Send(text) => {
                    if let Some(socket) = &mut self.socket {
                        // A node that is gone is noticed by the next read.
                        let _ =
                            timeout(Duration::from_secs(1), socket.send(Message::text(text))).await;
                    }
                }
                Output::Close => self.socket = None,
                Output::Event(listener, _, event) => {
                    self.record(listener, event.data.get().to_owned(), event.seq == 0);
                }
                Output::Reset(listener, _) => {
                    self.record(listener, "reset".to_owned(), false);
                }
                Output::Signal(signal) => self.signals.push(signal),
                Output::Answered(request, answer) => {
                    self.answers.insert(request, answer);
                }
                Output::NeedToken(request) => {
                    let token = self.tokens.as_mut().and_then(|next| next());
                    let token = token.map_or(Token::Absent, Token::Given);
                    self.input(Input::Token(request, token));
                }
                Output::View(room) => self.note_departures(room),
                Output::Connection => {}
            }
        }
    }

    /// Who was shown in a room before and is not any more.
    fn note_departures(&mut self, room: RoomId) {
        // Of a large room only the first people are shown, and who those are may change.
        let view = self.session.view(&room);
        let view = view.filter(|view| view.count.is_none());
        if view.is_none() {
            self.shown.remove(&room);
            return;
        }
        let members = view.into_iter().flat_map(|view| view.members.values());
        let now: BTreeSet<String> = members.map(|member| member.name.clone()).collect();
        let before = self.shown.insert(room.clone(), now.clone());
        let gone = before.into_iter().flatten();
        let gone = gone.filter(|name| !now.contains(name));
        self.departures
            .extend(gone.map(|name| (room.clone(), name)));
    }

    fn record(&mut self, listener: ListenerId, text: String, is_provisional: bool) {
        if let Some(room) = self.listeners.get(&listener) {
            self.events.entry(room.clone()).or_default().push(text);
            let heard = self.heard.entry(room.clone()).or_default();
            let at = Instant::now();
            heard.push(Heard { at, is_provisional });
        }
    }

    async fn open(&mut self) {
        self.socket = dial(&self.node, self.cookie.as_deref()).await;
        if self.socket.is_none() {
            self.input(Input::Closed);
        }
    }
}

/// Opens a WebSocket to a node; nothing where the node refuses it.
pub(super) async fn dial(
    node: &Realtime,
    cookie: Option<&str>,
) -> Option<WebSocketStream<DuplexStream>> {
    if node.has_ended() {
        return None;
    }
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let mut request = Request::get("/realtime/socket.io/?EIO=4&transport=websocket");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let parts = request.body(()).expect("a valid request").into_parts().0;
    node.gateway().serve_stream(theirs, parts, None).ok()?;
    Some(WebSocketStream::from_raw_socket(ours, Role::Client, None).await)
}

impl std::fmt::Debug for TestClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestClient")
            .field("connection", self.session.connection())
            .field(
                "events",
                &self.events.values().map(Vec::len).collect::<Vec<_>>(),
            )
            .field(
                "last",
                &self
                    .texts
                    .last()
                    .map(|text| text.chars().take(400).collect::<String>()),
            )
            .finish_non_exhaustive()
    }
}

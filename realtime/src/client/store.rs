//! The page's client: runs the session, and keeps a signal for each thing it shows.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use futures::channel::oneshot;
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;
use serde_json::value::RawValue;

use super::{
    identity,
    page::Page,
    reload,
    transport::{Signal as Told, Transport},
};
use crate::{
    core::{
        clock::SteadyClock,
        session::{
            Answer, Connection, Input, ListenerId, Output, RequestId, Session, SessionConfig,
            Token, TokenRequest, WatchId,
        },
        view::RoomView,
    },
    hooks::{ConnectionState, RealtimeOptions, TokenSource},
    protocol::{
        BuildId, CloseAction, FirstView, Position, RoomId, Signalled, User, UserId, WireEvent,
    },
};

/// The longest time between two looks at the clock, in milliseconds.
const MAX_WAIT_MS: u64 = 3_600_000;

/// What a listener is given: its next event, or `None` where it has to begin anew from the position.
pub(super) type Listener = Rc<dyn Fn(Position, Option<WireEvent>)>;

/// What is called with each signal of a room.
pub(super) type SignalListener = Rc<dyn Fn(&Signalled)>;

/// See the [module](self). Lives on the browser's one thread; the wrapper only satisfies the types of the context.
#[derive(Clone)]
pub(crate) struct Client(SendWrapper<Rc<Inner>>);

struct Inner {
    url: String,
    session: RefCell<Session>,
    transport: RefCell<Option<Transport>>,
    timer: RefCell<Option<TimeoutHandle>>,
    clock: Cell<SteadyClock>,
    /// Whether the page is gone: nothing is done any more.
    closed: Cell<bool>,
    /// Whether outputs are being performed further up the stack.
    performing: Cell<bool>,
    page: RefCell<Option<Page>>,
    tokens: Option<TokenSource>,
    state: ArcRwSignal<ConnectionState>,
    latency: ArcRwSignal<Option<u64>>,
    invisible: ArcRwSignal<bool>,
    degraded: ArcRwSignal<bool>,
    user: ArcRwSignal<Option<User>>,
    update: ArcRwSignal<Option<BuildId>>,
    /// Whether the page may load itself again where it is not served any more.
    reloads: bool,
    views: RefCell<HashMap<RoomId, ArcRwSignal<RoomView>>>,
    listeners: RefCell<HashMap<ListenerId, Listener>>,
    signal_listeners: RefCell<HashMap<u64, (RoomId, SignalListener)>>,
    next_signal_listener: Cell<u64>,
    answers: RefCell<HashMap<RequestId, oneshot::Sender<Answer>>>,
}

impl Client {
    pub(crate) fn new(options: RealtimeOptions) -> Self {
        let RealtimeOptions {
            path,
            tokens,
            linger,
            reloads,
        } = options;
        let config = SessionConfig {
            asks_for_token: tokens.is_some(),
            linger_ms: u64::try_from(linger.as_millis()).unwrap_or(u64::MAX),
            ..SessionConfig::default()
        };
        let location = window().location();
        let scheme = if location
            .protocol()
            .is_ok_and(|protocol| protocol == "https:")
        {
            "wss"
        } else {
            "ws"
        };
        let host = location.host().unwrap_or_default();
        let mut session = Session::new(config, identity::load());
        session.remember_builds(&reload::known_builds());
        reload::store_builds(session.builds());
        Self(SendWrapper::new(Rc::new(Inner {
            url: format!("{scheme}://{host}{path}/socket.io/?EIO=4&transport=websocket"),
            session: RefCell::new(session),
            transport: RefCell::default(),
            timer: RefCell::default(),
            clock: Cell::default(),
            closed: Cell::default(),
            performing: Cell::default(),
            page: RefCell::default(),
            tokens,
            state: ArcRwSignal::default(),
            latency: ArcRwSignal::default(),
            invisible: ArcRwSignal::default(),
            degraded: ArcRwSignal::default(),
            user: ArcRwSignal::default(),
            update: ArcRwSignal::default(),
            reloads,
            views: RefCell::default(),
            listeners: RefCell::default(),
            signal_listeners: RefCell::default(),
            next_signal_listener: Cell::default(),
            answers: RefCell::default(),
        })))
    }

    /// Connects, and follows what the page and its machine do.
    pub(crate) fn start(&self) {
        let (client, clock) = (self.clone(), self.clone());
        let tell = move |input: Input<'_>| {
            if matches!(input, Input::Closed) {
                client.0.transport.take();
            }
            client.input(input);
        };
        let page = Page::follow(move || clock.now(), tell);
        self.0.page.replace(Some(page));
        self.input(Input::Start);
    }

    /// Ends the session as it is, for others to see at once, and connects anew with the cookies as they are now.
    pub(crate) fn reconnect(&self) {
        self.run(|session, _| session.bye());
        self.input(Input::Start);
    }

    /// Ends the connection, without a word: another page of this tab may go on with the session.
    pub(crate) fn close(&self) {
        self.run(|session, _| session.halt());
        self.0.closed.set(true);
        self.0.page.take();
        self.0.transport.take();
        if let Some(timer) = self.0.timer.take() {
            timer.clear();
        }
    }

    pub(crate) fn state(&self) -> ArcRwSignal<ConnectionState> {
        self.0.state.clone()
    }

    /// How long the last heartbeat took, in milliseconds.
    pub(crate) fn latency(&self) -> ArcRwSignal<Option<u64>> {
        self.0.latency.clone()
    }

    /// Whether the person hides.
    pub(crate) fn degraded(&self) -> ArcRwSignal<bool> {
        self.0.degraded.clone()
    }

    pub(crate) fn invisible(&self) -> ArcRwSignal<bool> {
        self.0.invisible.clone()
    }

    /// Hides the person from everybody else, or shows them again.
    pub(crate) async fn set_invisible(&self, invisible: bool) -> Answer {
        self.ask(|session, now| session.set_invisible(now, invisible))
            .await
    }

    /// Signals to everyone else in a room.
    pub(crate) async fn signal(&self, room: &RoomId, data: Box<RawValue>) -> Answer {
        self.ask(|session, now| session.signal(now, room, data))
            .await
    }

    /// Asks something of the server, and waits for what becomes of it.
    async fn ask(&self, request: impl FnOnce(&mut Session, u64) -> RequestId) -> Answer {
        if self.0.closed.get() {
            return Answer::Lost;
        }
        let (sender, receiver) = oneshot::channel();
        // Known before the answer can come.
        let id = request(&mut self.0.session.borrow_mut(), self.now());
        self.0.answers.borrow_mut().insert(id, sender);
        self.run(|_, _| {});
        receiver.await.unwrap_or(Answer::Lost)
    }

    /// Shows these people of a room in use even where it is too large to show everyone.
    pub(crate) fn watch(&self, room: &RoomId, people: Vec<UserId>) -> Option<WatchId> {
        let list = self.0.session.borrow_mut().watch(room, None, people);
        self.run(|_, _| {});
        list
    }

    /// Takes such a list of people away.
    pub(crate) fn unwatch(&self, room: &RoomId, list: WatchId) {
        self.run(|session, _| session.unwatch(room, list));
    }

    /// Calls with each signal of a room in use.
    pub(super) fn on_signal(&self, room: &RoomId, listener: SignalListener) -> u64 {
        let id = self.0.next_signal_listener.get();
        self.0.next_signal_listener.set(id + 1);
        let mut listeners = self.0.signal_listeners.borrow_mut();
        listeners.insert(id, (room.clone(), listener));
        id
    }

    pub(super) fn off_signal(&self, id: u64) {
        self.0.signal_listeners.borrow_mut().remove(&id);
    }

    pub(crate) fn user(&self) -> ArcRwSignal<Option<User>> {
        self.0.user.clone()
    }

    /// The server's build, where loading the page again may give a newer one.
    pub(crate) fn update(&self) -> ArcRwSignal<Option<BuildId>> {
        self.0.update.clone()
    }

    /// Loads the page again, because the person wants to.
    pub(crate) fn reload(&self) {
        reload::store_builds(self.0.session.borrow_mut().follow_build());
        reload::now();
    }

    /// Uses a room once more, and returns its view as it changes.
    pub(super) fn acquire(
        &self,
        room: &RoomId,
        first: Option<&FirstView>,
    ) -> ArcRwSignal<RoomView> {
        self.run(|session, _| session.acquire(room, first));
        let view = self
            .0
            .session
            .borrow()
            .view(room)
            .cloned()
            .unwrap_or_default();
        self.0
            .views
            .borrow_mut()
            .entry(room.clone())
            .or_insert_with(|| ArcRwSignal::new(view))
            .clone()
    }

    pub(super) fn release(&self, room: &RoomId) {
        self.run(|session, now| session.release(now, room));
    }

    /// Listens to a room in use.
    pub(super) fn listen(
        &self,
        room: &RoomId,
        since: Option<Position>,
        listener: Listener,
    ) -> Option<ListenerId> {
        // Known before the first event can come.
        let id = self.0.session.borrow_mut().listen(room, since)?;
        self.0.listeners.borrow_mut().insert(id, listener);
        self.run(|_, _| {});
        Some(id)
    }

    pub(super) fn unlisten(&self, room: &RoomId, listener: ListenerId) {
        self.0.listeners.borrow_mut().remove(&listener);
        self.run(|session, _| session.unlisten(room, listener));
    }

    pub(crate) fn typing(&self, room: &RoomId, on: bool) {
        self.run(|session, now| session.typing(now, room, on));
    }

    /// The session's time: that of the browser's clock, which unlike the monotonic one goes on while the machine sleeps.
    fn now(&self) -> u64 {
        let mut clock = self.0.clock.get();
        let now = clock.now(js_sys::Date::now() as u64);
        self.0.clock.set(clock);
        now
    }

    fn input(&self, input: Input<'_>) {
        let entropy = identity::entropy();
        self.run(|session, now| session.handle(now, entropy, input));
    }

    /// Takes one step and performs what comes of it, outside of the borrow: a listener may call back. What it causes
    /// waits for its turn, so that events stay in order.
    fn run(&self, step: impl FnOnce(&mut Session, u64)) {
        if self.0.closed.get() {
            return;
        }
        step(&mut self.0.session.borrow_mut(), self.now());
        if self.0.performing.replace(true) {
            return;
        }
        loop {
            let next = self.0.session.borrow_mut().poll();
            let Some(output) = next else { break };
            self.perform(output);
        }
        self.0.performing.set(false);
        self.set_timer();
    }

    fn perform(&self, output: Output) {
        match output {
            Output::NeedToken(request) => self.fetch_token(request),
            Output::Signal(signal) => {
                let listeners = self.0.signal_listeners.borrow();
                let of_room = listeners.values().filter(|(room, _)| *room == signal.room);
                let of_room: Vec<_> = of_room.map(|(_, listener)| listener.clone()).collect();
                // A listener may add or remove others.
                drop(listeners);
                of_room.iter().for_each(|listener| listener(&signal));
            }
            Output::Answered(request, answer) => {
                if let Some(waiting) = self.0.answers.borrow_mut().remove(&request) {
                    // Nobody may wait any longer.
                    let _ = waiting.send(answer);
                }
            }
            Output::Open => {
                let counted = identity::counted(self.0.session.borrow().auth());
                if let Some(counted) = counted {
                    self.0.session.borrow_mut().count_on_from(counted);
                }
                identity::store(self.0.session.borrow().auth());
                let client = self.clone();
                let opened = Transport::open(&self.0.url, move |told| match told {
                    Told::Opened => client.input(Input::Opened),
                    Told::Received(text) => client.input(Input::Received(&text)),
                    Told::Closed => client.input(Input::Closed),
                });
                // An address that the browser refuses is found out when the handshake is overdue.
                self.0.transport.replace(opened);
            }
            Output::Send(text) => {
                if let Some(transport) = &*self.0.transport.borrow() {
                    transport.send(&text);
                }
            }
            Output::Close => {
                self.0.transport.take();
            }
            Output::Connection => self.show_connection(),
            Output::View(room) => self.show_view(&room),
            Output::Event(listener, position, event) => self.tell(listener, position, Some(event)),
            Output::Reset(listener, position) => self.tell(listener, position, None),
        }
    }

    fn fetch_token(&self, request: TokenRequest) {
        let (client, source) = (self.clone(), self.0.tokens.clone());
        spawn_local(async move {
            let token = match source {
                Some(source) => source.0().await,
                None => Ok(None),
            };
            let token = match token {
                Ok(token) => token.map_or(Token::Absent, Token::Given),
                Err(error) => {
                    leptos::logging::debug_warn!("no token for the live connection: {error}");
                    Token::Failed
                }
            };
            client.input(Input::Token(request, token));
        });
    }

    fn show_connection(&self) {
        // Set after the borrow: whoever follows a signal may call back at once.
        let (state, user, latency, invisible, degraded, update) = {
            let session = self.0.session.borrow();
            let state = match session.connection() {
                Connection::Idle => ConnectionState::Idle,
                Connection::Connecting { attempt } => {
                    ConnectionState::Connecting { attempt: *attempt }
                }
                Connection::Live => ConnectionState::Live,
                Connection::Waiting { attempt, until } => ConnectionState::Waiting {
                    attempt: *attempt,
                    next_try: self.0.clock.get().shown(*until),
                },
                Connection::Offline => ConnectionState::Offline,
                Connection::Stopped(goodbye) => ConnectionState::Stopped(goodbye.clone()),
            };
            let user = session.user().cloned();
            (
                state,
                user,
                session.latency_ms(),
                session.is_invisible(),
                session.is_degraded(),
                session.builds().news().cloned(),
            )
        };
        if let ConnectionState::Stopped(goodbye) = &state
            && goodbye.action == CloseAction::Reload
            && self.0.reloads
            && reload::once(&goodbye.error)
        {
            // What is shown until then stays as it is.
            return;
        }
        if self.0.update.with_untracked(|shown| *shown != update) {
            self.0.update.set(update);
        }
        if self.0.latency.with_untracked(|shown| *shown != latency) {
            self.0.latency.set(latency);
        }
        if self.0.invisible.with_untracked(|shown| *shown != invisible) {
            self.0.invisible.set(invisible);
        }
        if self.0.degraded.with_untracked(|shown| *shown != degraded) {
            self.0.degraded.set(degraded);
        }
        if self.0.state.with_untracked(|shown| *shown != state) {
            self.0.state.set(state);
        }
        if self.0.user.with_untracked(|shown| *shown != user) {
            self.0.user.set(user);
        }
    }

    fn show_view(&self, room: &RoomId) {
        let view = self.0.session.borrow().view(room).cloned();
        let signal = self.0.views.borrow().get(room).cloned();
        match (view, signal) {
            (Some(view), Some(signal)) => signal.set(view),
            (None, Some(_)) => {
                self.0.views.borrow_mut().remove(room);
            }
            _ => {}
        }
    }

    fn tell(&self, listener: ListenerId, position: Position, event: Option<WireEvent>) {
        let listener = self.0.listeners.borrow().get(&listener).cloned();
        if let Some(listener) = listener {
            listener(position, event);
        }
    }

    fn set_timer(&self) {
        if let Some(timer) = self.0.timer.take() {
            timer.clear();
        }
        if self.0.closed.get() {
            return;
        }
        let now = self.now();
        let Some(deadline) = self.0.session.borrow().deadline(now) else {
            return;
        };
        // Browsers take a wait of more than 2³¹ ms for none.
        let wait = deadline.saturating_sub(now).min(MAX_WAIT_MS);
        let wait = std::time::Duration::from_millis(wait);
        let client = self.clone();
        let timer = set_timeout_with_handle(move || client.input(Input::Tick), wait);
        self.0.timer.replace(timer.ok());
    }
}

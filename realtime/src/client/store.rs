//! The page's client: runs the session, and keeps a signal for each thing it shows.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{
    identity,
    transport::{Signal as Told, Transport},
};
use crate::{
    core::{
        session::{Connection, Input, ListenerId, Output, Session, SessionConfig},
        view::RoomView,
    },
    hooks::ConnectionState,
    protocol::{FirstView, Position, RoomId, User, WireEvent},
};

/// What a listener is given: its next event, or `None` where it has to begin anew from the position.
pub(super) type Listener = Rc<dyn Fn(Position, Option<WireEvent>)>;

/// See the [module](self). Lives on the browser's one thread; the wrapper only satisfies the types of the context.
#[derive(Clone)]
pub(crate) struct Client(SendWrapper<Rc<Inner>>);

struct Inner {
    url: String,
    session: RefCell<Session>,
    transport: RefCell<Option<Transport>>,
    timer: RefCell<Option<TimeoutHandle>>,
    clock: Cell<u64>,
    /// Whether outputs are being performed further up the stack.
    performing: Cell<bool>,
    state: ArcRwSignal<ConnectionState>,
    user: ArcRwSignal<Option<User>>,
    views: RefCell<HashMap<RoomId, ArcRwSignal<RoomView>>>,
    listeners: RefCell<HashMap<ListenerId, Listener>>,
}

impl Client {
    pub(crate) fn new(path: &str) -> Self {
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
        Self(SendWrapper::new(Rc::new(Inner {
            url: format!("{scheme}://{host}{path}/socket.io/?EIO=4&transport=websocket"),
            session: RefCell::new(Session::new(SessionConfig::default(), identity::load())),
            transport: RefCell::default(),
            timer: RefCell::default(),
            clock: Cell::default(),
            performing: Cell::default(),
            state: ArcRwSignal::default(),
            user: ArcRwSignal::default(),
            views: RefCell::default(),
            listeners: RefCell::default(),
        })))
    }

    /// Connects.
    pub(crate) fn start(&self) {
        self.input(Input::Start);
    }

    /// Ends the session as it is, for others to see at once, and connects anew with the cookies as they are now.
    pub(crate) fn reconnect(&self) {
        self.run(|session, _| session.bye());
        self.input(Input::Start);
    }

    /// Ends the connection, without a word: another page of this tab may go on with the session.
    pub(crate) fn close(&self) {
        self.0.transport.take();
        if let Some(timer) = self.0.timer.take() {
            timer.clear();
        }
    }

    pub(crate) fn state(&self) -> ArcRwSignal<ConnectionState> {
        self.0.state.clone()
    }

    pub(crate) fn user(&self) -> ArcRwSignal<Option<User>> {
        self.0.user.clone()
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

    /// The browser's clock, never backwards: unlike the monotonic one it goes on while the machine sleeps.
    fn now(&self) -> u64 {
        let now = self.0.clock.get().max(js_sys::Date::now() as u64);
        self.0.clock.set(now);
        now
    }

    fn input(&self, input: Input<'_>) {
        let entropy = identity::entropy();
        self.run(|session, now| session.handle(now, entropy, input));
    }

    /// Takes one step and performs what comes of it, outside of the borrow: a listener may call back. What it causes
    /// waits for its turn, so that events stay in order.
    fn run(&self, step: impl FnOnce(&mut Session, u64)) {
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
            Output::Open => {
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

    fn show_connection(&self) {
        let (state, user) = {
            let session = self.0.session.borrow();
            let state = match session.connection() {
                Connection::Idle => ConnectionState::Idle,
                Connection::Connecting { .. } => ConnectionState::Connecting,
                Connection::Live => ConnectionState::Live,
                Connection::Waiting { attempt, until } => ConnectionState::Waiting {
                    attempt: *attempt,
                    next_try: *until,
                },
                Connection::Stopped(goodbye) => ConnectionState::Stopped(goodbye.clone()),
            };
            (state, session.user().cloned())
        };
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
        let Some(deadline) = self.0.session.borrow().deadline() else {
            return;
        };
        let wait = std::time::Duration::from_millis(deadline.saturating_sub(self.now()));
        let client = self.clone();
        let timer = set_timeout_with_handle(move || client.input(Input::Tick), wait);
        self.0.timer.replace(timer.ok());
    }
}

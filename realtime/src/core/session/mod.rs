//! The client's session: one connection at a time, kept up, with all the rooms in use.
//!
//! A shell (web-sys in the browser, tokio in tests) feeds [`Input`]s with the time and a random number, performs the
//! [`Output`]s in order, and calls again at [`Session::deadline`].
//!
//! ```
//! use leptos_realtime::core::session::{Input, Output, Session, SessionConfig};
//! # use leptos_realtime::protocol::Auth;
//! let mut session = Session::new(SessionConfig::default(), Auth::default());
//! session.handle(0, 42, Input::Start);
//! assert!(matches!(session.poll(), Some(Output::Open)));
//! ```

mod activity;
mod batches;
mod frames;
mod history;
mod listeners;
mod machine;
mod requests;
mod room;
mod rooms;
mod tokens;
mod watched;

use std::collections::VecDeque;

use activity::Activity;
pub use listeners::ListenerId;
use requests::Requests;
pub use requests::{Answer, MAX_REQUESTS, REQUEST_TIMEOUT_MS, RequestId};
use rooms::Rooms;
use serde_json::value::RawValue;
use tokens::Purpose;
pub use tokens::{Token, TokenRequest};
pub use watched::WatchId;

use super::{
    backoff::Backoff,
    builds::Builds,
    view::{RoomView, ViewState},
};
use crate::protocol::{
    Auth, ClientCommand, CloseAction, ErrorCode, FirstView, Goodbye, Position, ProtocolError,
    RoomId, Signalled, User, UserId, WireEvent,
};

/// How a session behaves. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// How long to wait before connecting again.
    pub backoff: Backoff,
    /// How long opening the transport and the handshake may take, the asking for a token included.
    pub connect_timeout_ms: u64,
    /// How long a room stays joined after its last use: a page that follows may use it too.
    pub linger_ms: u64,
    /// How long a connection lives before it counts as a success: then the waits begin anew.
    pub settled_ms: u64,
    /// The least wait before a room is asked for again that could not be joined right now.
    pub rejoin_ms: u64,
    /// Whether the shell has tokens: it is asked for one before each connect and before the sign-in expires.
    pub asks_for_token: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            connect_timeout_ms: 10_000,
            linger_ms: 2_000,
            settled_ms: 5_000,
            rejoin_ms: 1_000,
            asks_for_token: false,
        }
    }
}

/// What happens to a session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Connect; also after a stop, and at once where a retry is pending, even one that the server put off.
    Start,
    /// What became of the question of an [`Output::NeedToken`]. Only the newest question counts.
    Token(TokenRequest, Token),
    /// The transport is open.
    Opened,
    /// The transport received a text message.
    Received(&'a str),
    /// The transport closed, or could not be opened.
    Closed,
    /// The machine has a network, or has none any more.
    Network(bool),
    /// The page is shown, or hidden.
    Visible(bool),
    /// The person did something: a key, a touch, a move.
    Used,
    /// Time has passed: see [`Session::deadline`].
    Tick,
}

/// What a shell does for a session. What a newer version adds, an older shell may leave undone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Get a token, and give it back as [`Input::Token`], with the question's name.
    NeedToken(TokenRequest),
    /// Open a transport, closing an older one. [`Session::auth`] names the session to remember across reloads.
    Open,
    /// Send a text message.
    Send(String),
    /// Close the transport.
    Close,
    /// The connection's state changed: see [`Session::connection`].
    Connection,
    /// A room's view changed, or the room is not in use any more: see [`Session::view`].
    View(RoomId),
    /// A listener's next event.
    Event(ListenerId, Position, WireEvent),
    /// A listener missed events that cannot be had any more; it goes on from here.
    Reset(ListenerId, Position),
    /// Somebody signals in a room.
    Signal(Signalled),
    /// What became of a request.
    Answered(RequestId, Answer),
}

/// The state of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Connection {
    /// Not started.
    #[default]
    Idle,
    /// Opening, or shaking hands.
    Connecting {
        /// How many times in a row this failed before.
        attempt: u32,
    },
    /// Connected.
    Live,
    /// Disconnected; the next try is due.
    Waiting {
        /// How many times in a row this failed.
        attempt: u32,
        /// When the next try is due, in the session's time.
        until: u64,
    },
    /// Disconnected, without a network: the next try is due when the machine has one again. In case it is wrong, a try
    /// is made from time to time, and when somebody looks at the page.
    Offline,
    /// The server ended it; only [`Input::Start`] connects again.
    Stopped(Goodbye),
}

/// One connection of one tab at a time, and the rooms in use over all of them: see the [module](self).
///
/// Rooms, listeners and requests outlive a connection. Times are those of the shell's clock, in milliseconds, and never
/// go backwards: see [`SteadyClock`](crate::core::clock::SteadyClock).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    auth: Auth,
    connection: Connection,
    user: Option<User>,
    invisible: bool,
    degraded: bool,
    latency_ms: Option<u64>,
    deadline: Option<u64>,
    /// How long the server may be silent, from its open packet.
    silence_ms: u64,
    failures: u32,
    /// How many connections in a row have ended soon because something could not be read.
    unreadable: u32,
    renewed: bool,
    offline: bool,
    /// Since when the connection lives.
    live_since: u64,
    /// When a new token is to be asked for.
    refresh_at: Option<u64>,
    /// The newest question for a token, while it is open.
    asking: Option<(TokenRequest, Purpose)>,
    token_requests: u64,
    /// The server asked not to be connected to before.
    not_before: u64,
    goodbye: Option<Goodbye>,
    typing_repeat_ms: u64,
    rooms: Rooms,
    activity: Activity,
    requests: Requests,
    builds: Builds,
    out: VecDeque<Output>,
}

impl Session {
    /// A session that has not started. `auth.session` and `auth.incarnation` resume an earlier one of the same tab.
    #[must_use]
    pub fn new(config: SessionConfig, auth: Auth) -> Self {
        let builds = Builds::of_page(auth.build.clone(), "");
        Self {
            builds,
            config,
            auth,
            connection: Connection::Idle,
            user: None,
            invisible: false,
            degraded: false,
            latency_ms: None,
            deadline: None,
            silence_ms: 0,
            failures: 0,
            unreadable: 0,
            renewed: false,
            offline: false,
            live_since: 0,
            refresh_at: None,
            asking: None,
            token_requests: 0,
            not_before: 0,
            goodbye: None,
            typing_repeat_ms: super::replica::TYPING_REPEAT_MS,
            rooms: Rooms::new(config.linger_ms),
            activity: Activity::default(),
            requests: Requests::default(),
            out: VecDeque::new(),
        }
    }

    /// Takes one input at a time, with a random number for the backoff and for new session ids.
    pub fn handle(&mut self, now: u64, entropy: u64, input: Input<'_>) {
        self.take(now, entropy, input);
        self.flush(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self, now: u64) -> Option<u64> {
        let live = self.connection == Connection::Live;
        // What the hooks of one page ask for together goes into one message: at once, but not before they all have.
        let asked = live && (self.rooms.has_asked() || self.requests.has_waiting());
        [
            self.deadline,
            self.rooms.deadline(),
            self.requests.deadline(),
            self.activity.deadline(now).filter(|_| live),
            self.refresh_at.filter(|_| live),
            asked.then_some(0),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The state of the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Who the server says is signed in.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Whether the person hides from everybody else.
    #[must_use]
    pub fn is_invisible(&self) -> bool {
        self.invisible
    }

    /// Whether the server says that it is cut off from the other instances: then people and events elsewhere are not
    /// heard of.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.degraded && self.connection == Connection::Live
    }

    /// How long the last heartbeat took to be answered, in milliseconds.
    #[must_use]
    pub fn latency_ms(&self) -> Option<u64> {
        self.latency_ms
    }

    /// The handshake's payload, with the session's id and its connection number.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// What is known of builds: the page's, and the server's.
    #[must_use]
    pub fn builds(&self) -> &Builds {
        &self.builds
    }

    /// What the tab has known of builds before: see [`Builds::of_page`]. To be called before the first input.
    pub fn remember_builds(&mut self, remembered: &str) {
        self.builds = Builds::of_page(self.auth.build.clone(), remembered);
    }

    /// The page is about to be loaded again because of a newer build. Returns what is known from then on.
    pub fn follow_build(&mut self) -> &Builds {
        self.builds.follow();
        &self.builds
    }

    /// Another page of the tab may have gone on with the session while this one slept, and has counted so far: this one's
    /// connections are newer. To be called at an [`Output::Open`].
    pub fn count_on_from(&mut self, incarnation: u64) {
        let next = incarnation.saturating_add(1);
        self.auth.incarnation = self.auth.incarnation.max(next);
    }

    /// A room in use.
    #[must_use]
    pub fn view(&self, room: &RoomId) -> Option<&RoomView> {
        self.rooms.view(room)
    }

    /// Whether a room is in step with the server.
    #[must_use]
    pub fn is_live(&self, room: &RoomId) -> bool {
        self.view(room)
            .is_some_and(|view| view.state == ViewState::Live)
    }

    /// Uses a room once more; the first use joins it with the next [`Input`]. A first view, made by the server for this
    /// page, is shown until then.
    pub fn acquire(&mut self, room: &RoomId, first: Option<&FirstView>) {
        if self.rooms.acquire(room, first) {
            self.out.push_back(Output::View(room.clone()));
        }
    }

    /// Ends one use of a room; the last one leaves it, after a while in which it may be used again.
    pub fn release(&mut self, now: u64, room: &RoomId) {
        self.rooms.release(now, room);
    }

    /// Shows these people of a room in use, and those of its other lists, even where it is too large to show everyone:
    /// at most [`JoinRoom::MAX_WATCHED`](crate::protocol::JoinRoom::MAX_WATCHED). With the name of a list that list is
    /// replaced.
    pub fn watch(
        &mut self,
        room: &RoomId,
        list: Option<WatchId>,
        people: Vec<UserId>,
    ) -> Option<WatchId> {
        self.rooms.watch(room, list, people)
    }

    /// Takes a list of watched people away.
    pub fn unwatch(&mut self, room: &RoomId, list: WatchId) {
        self.rooms.unwatch(room, list);
    }

    /// Listens to a room in use, to every event after `since`, or from now on.
    pub fn listen(&mut self, room: &RoomId, since: Option<Position>) -> Option<ListenerId> {
        self.rooms.listen(room, since)
    }

    /// Stops listening.
    pub fn unlisten(&mut self, room: &RoomId, listener: ListenerId) {
        self.rooms.unlisten(room, listener);
    }

    /// The person types in a room, or stops. To be called at each key: the server is told as seldom as it asked for.
    pub fn typing(&mut self, now: u64, room: &RoomId, on: bool) {
        self.activity.used(now);
        if self.connection == Connection::Live
            && self.rooms.typing(now, room, on, self.typing_repeat_ms)
        {
            let room = room.clone();
            self.command(None, &ClientCommand::Typing { room, on });
        }
    }

    /// Signals to everyone else in a room. Without a connection it is lost at once: a signal is of the moment.
    pub fn signal(&mut self, now: u64, room: &RoomId, data: Box<RawValue>) -> RequestId {
        let room = room.clone();
        let live = self.connection == Connection::Live;
        self.request(now, live, ClientCommand::Signal { room, data })
    }

    /// The person hides from everybody else, or shows themselves again. Without a connection it waits for one.
    pub fn set_invisible(&mut self, now: u64, invisible: bool) -> RequestId {
        let stopped = matches!(self.connection, Connection::Stopped(_));
        self.request(now, !stopped, ClientCommand::Status { invisible })
    }

    fn request(&mut self, now: u64, possible: bool, command: ClientCommand) -> RequestId {
        let (id, taken) = match possible {
            true => self.requests.add(now, command),
            false => (self.requests.name(), false),
        };
        if !taken {
            self.out.push_back(Output::Answered(id, Answer::Lost));
        }
        id
    }

    /// Ends the connection without a word, and everything that waits for it, as when the page goes away: another page of
    /// the tab may go on with the session. [`Input::Start`] connects again; rooms are to be used anew.
    pub fn halt(&mut self) {
        self.end();
        for room in self.rooms.clear() {
            self.out.push_back(Output::View(room));
        }
        self.set(Connection::Idle);
    }

    /// Ends the session for good: others see the person leave at once.
    pub fn bye(&mut self) {
        if self.connection == Connection::Live {
            self.command(None, &ClientCommand::Bye);
        }
        let error = ProtocolError::new(ErrorCode::Ended, "the session was ended here");
        self.stop(Goodbye {
            action: CloseAction::Stop,
            error,
        });
    }
}

#[cfg(test)]
mod tests;

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

mod rooms;

use std::collections::{BTreeMap, VecDeque};

pub use rooms::ListenerId;
use rooms::{Rooms, Sink};

use super::{
    backoff::Backoff,
    codec::{self, Packet},
    view::{RoomView, ViewState},
};
use crate::protocol::{
    Auth, ClientCommand, CloseAction, ErrorCode, FirstView, Goodbye, Position, ProtocolError,
    RoomId, ServerFrame, SessionId, User, WireEvent,
};

/// The session's times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// How long to wait before connecting again.
    pub backoff: Backoff,
    /// How long opening the transport and the handshake may take.
    pub connect_timeout_ms: u64,
    /// How long a room stays joined after its last use: a page that follows may use it too.
    pub linger_ms: u64,
    /// How long a connection lives before it counts as a success: then the waits begin anew.
    pub settled_ms: u64,
    /// The least wait before a room is asked for again that could not be joined right now.
    pub rejoin_ms: u64,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            connect_timeout_ms: 10_000,
            linger_ms: 250,
            settled_ms: 5_000,
            rejoin_ms: 1_000,
        }
    }
}

/// What happens to a session.
#[derive(Debug)]
pub enum Input<'a> {
    /// Connect; also after a stop, and at once where a retry is pending.
    Start,
    /// The transport is open.
    Opened,
    /// The transport received a text message.
    Received(&'a str),
    /// The transport closed, or could not be opened.
    Closed,
    /// Time has passed: see [`Session::deadline`].
    Tick,
}

/// What a shell does for a session.
#[derive(Debug)]
pub enum Output {
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
}

/// The state of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// The server ended it; only [`Input::Start`] connects again.
    Stopped(Goodbye),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    auth: Auth,
    connection: Connection,
    user: Option<User>,
    deadline: Option<u64>,
    /// How long the server may be silent, from its open packet.
    silence_ms: u64,
    failures: u32,
    renewed: bool,
    /// Since when the connection lives.
    live_since: u64,
    goodbye: Option<Goodbye>,
    typing_repeat_ms: u64,
    rooms: Rooms,
    next_ack: u64,
    joins: BTreeMap<u64, Vec<RoomId>>,
    out: VecDeque<Output>,
}

impl Session {
    /// A session that has not started. `auth.session` and `auth.incarnation` resume an earlier one of the same tab.
    #[must_use]
    pub fn new(config: SessionConfig, auth: Auth) -> Self {
        Self {
            config,
            auth,
            connection: Connection::Idle,
            user: None,
            deadline: None,
            silence_ms: 0,
            failures: 0,
            renewed: false,
            live_since: 0,
            goodbye: None,
            typing_repeat_ms: super::replica::TYPING_REPEAT_MS,
            rooms: Rooms::new(config.linger_ms),
            next_ack: 0,
            joins: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Takes one input at a time, with a random number for the backoff and for new session ids.
    pub fn handle(&mut self, now: u64, entropy: u64, input: Input<'_>) {
        match input {
            Input::Start => {
                if !matches!(
                    self.connection,
                    Connection::Connecting { .. } | Connection::Live
                ) {
                    self.open(now);
                }
            }
            Input::Opened => {}
            Input::Received(text) => self.receive(now, entropy, text),
            Input::Closed => {
                if matches!(
                    self.connection,
                    Connection::Connecting { .. } | Connection::Live
                ) {
                    self.lost(now, entropy);
                }
            }
            Input::Tick => self.tick(now, entropy),
        }
        self.flush();
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        // What the hooks of one page ask for together goes into one message: at once, but not before they all have.
        let asked = (self.connection == Connection::Live && self.rooms.has_asked()).then_some(0);
        [self.deadline, self.rooms.deadline(), asked]
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

    /// The handshake's payload, with the session's id and its connection number.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// A room in use.
    #[must_use]
    pub fn view(&self, room: &RoomId) -> Option<&RoomView> {
        self.rooms.view(room)
    }

    /// Uses a room once more; the first use joins it with the next [`Input`]. A first view, made by the server for this
    /// page, is shown until then.
    pub fn acquire(&mut self, room: &RoomId, first: Option<&FirstView>) {
        self.rooms.acquire(room, first);
    }

    /// Ends one use of a room; the last one leaves it, after a while in which it may be used again.
    pub fn release(&mut self, now: u64, room: &RoomId) {
        self.rooms.release(now, room);
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
        if self.connection == Connection::Live
            && self.rooms.typing(now, room, on, self.typing_repeat_ms)
        {
            self.command(
                None,
                &ClientCommand::Typing {
                    room: room.clone(),
                    on,
                },
            );
        }
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

    fn open(&mut self, now: u64) {
        self.auth.incarnation += 1;
        self.goodbye = None;
        self.deadline = Some(now + self.config.connect_timeout_ms);
        self.out.push_back(Output::Open);
        self.set(Connection::Connecting {
            attempt: self.failures,
        });
    }

    fn tick(&mut self, now: u64, entropy: u64) {
        for room in self.rooms.tick(now) {
            self.out.push_back(Output::View(room));
        }
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.connection {
            Connection::Waiting { .. } => self.open(now),
            Connection::Connecting { .. } | Connection::Live => {
                self.out.push_back(Output::Close);
                self.lost(now, entropy);
            }
            Connection::Idle | Connection::Stopped(_) => self.deadline = None,
        }
    }

    /// The transport is gone: wait, or stop where the server said so.
    fn lost(&mut self, now: u64, entropy: u64) {
        if self.has_settled(now) {
            self.failures = 0;
        }
        self.disconnected();
        match self.goodbye.take() {
            Some(goodbye) if goodbye.action != CloseAction::Retry => self.stop(goodbye),
            _ => {
                let until = now + self.config.backoff.delay_ms(self.failures, entropy);
                self.failures = self.failures.saturating_add(1);
                self.deadline = Some(until);
                self.set(Connection::Waiting {
                    attempt: self.failures,
                    until,
                });
            }
        }
    }

    fn has_settled(&self, now: u64) -> bool {
        let lived = now.saturating_sub(self.live_since);
        self.connection == Connection::Live && lived >= self.config.settled_ms
    }

    fn stop(&mut self, goodbye: Goodbye) {
        self.disconnected();
        self.deadline = None;
        self.out.push_back(Output::Close);
        self.set(Connection::Stopped(goodbye));
    }

    fn disconnected(&mut self) {
        self.joins.clear();
        for room in self.rooms.disconnected() {
            self.out.push_back(Output::View(room));
        }
    }

    fn set(&mut self, connection: Connection) {
        if self.connection != connection {
            self.connection = connection;
            self.out.push_back(Output::Connection);
        }
    }

    fn receive(&mut self, now: u64, entropy: u64, text: &str) {
        if !matches!(
            self.connection,
            Connection::Connecting { .. } | Connection::Live
        ) {
            return;
        }
        if self.connection == Connection::Live {
            self.deadline = Some(now.saturating_add(self.silence_ms));
        }
        match Packet::decode(text) {
            Ok(Packet::Open {
                interval_ms,
                timeout_ms,
            }) => {
                self.silence_ms = interval_ms.saturating_add(timeout_ms);
                self.out.push_back(Output::Send(codec::connect(&self.auth)));
            }
            Ok(Packet::Ping) => self.out.push_back(Output::Send(codec::PONG.to_owned())),
            Ok(Packet::Connected) => {
                self.deadline = Some(now.saturating_add(self.silence_ms));
                self.live_since = now;
                self.rooms.connected();
                self.set(Connection::Live);
            }
            Ok(Packet::Refused(message)) => {
                self.refused(now, entropy, ProtocolError::parse(&message));
            }
            Ok(Packet::Event(json)) => match ServerFrame::from_json(json) {
                Ok(frame) => self.frame(now, entropy, frame),
                Err(_) => self.reconnect(now, entropy),
            },
            Ok(Packet::Ack(id, answer)) => self.acknowledged(now, entropy, id, answer),
            Ok(Packet::Disconnected) => {
                // A server that means well says `goodbye` before; one that does not is not asked again and again.
                self.goodbye.get_or_insert_with(|| Goodbye {
                    action: CloseAction::Stop,
                    error: ProtocolError::new(
                        ErrorCode::GoingAway,
                        "the server ended the connection",
                    ),
                });
                self.reconnect(now, entropy);
            }
            Ok(Packet::Close) => self.reconnect(now, entropy),
            Ok(Packet::Other) => {}
            // What cannot be read may have been part of a view: only a new one is sure to be whole.
            Err(_) => self.reconnect(now, entropy),
        }
    }

    fn reconnect(&mut self, now: u64, entropy: u64) {
        self.out.push_back(Output::Close);
        self.lost(now, entropy);
    }

    fn refused(&mut self, now: u64, entropy: u64, error: ProtocolError) {
        let action = match error.code {
            ErrorCode::Unauthorized => CloseAction::SignIn,
            ErrorCode::UnsupportedProtocol => CloseAction::Reload,
            ErrorCode::Forbidden | ErrorCode::BadRequest | ErrorCode::OriginDenied => {
                CloseAction::Stop
            }
            _ => CloseAction::Retry,
        };
        self.goodbye = Some(Goodbye { action, error });
        self.reconnect(now, entropy);
    }

    fn frame(&mut self, now: u64, entropy: u64, frame: ServerFrame) {
        match frame {
            ServerFrame::Welcome(welcome) => {
                self.typing_repeat_ms = welcome.typing_repeat_ms.into();
                self.auth.session = Some(welcome.session);
                self.user = welcome.user;
                self.out.push_back(Output::Connection);
            }
            ServerFrame::Joined(joined) => self.rooms.joined(joined, &mut Sink(&mut self.out)),
            ServerFrame::Room(frame) => self.rooms.frame(frame, &mut Sink(&mut self.out)),
            ServerFrame::Refused(refused) => {
                self.refuse_room(now, entropy, &refused.room, refused.error);
            }
            ServerFrame::Goodbye(mut goodbye) => {
                // Another tab has the same session, because it was duplicated with this one's storage: part ways, once.
                let may_renew = !self.renewed || self.has_settled(now);
                if goodbye.error.code == ErrorCode::Replaced && may_renew {
                    self.renewed = true;
                    self.auth.session = SessionId::try_from(format!("r{entropy:016x}")).ok();
                    self.auth.incarnation = 0;
                    goodbye.action = CloseAction::Retry;
                }
                self.goodbye = Some(goodbye);
            }
            ServerFrame::Error(_) | ServerFrame::Unknown(_) => {}
        }
    }

    fn acknowledged(&mut self, now: u64, entropy: u64, id: u64, answer: &str) {
        let Some(rooms) = self.joins.remove(&id) else {
            return;
        };
        #[derive(serde::Deserialize)]
        struct Answer {
            error: Option<ProtocolError>,
        }
        let answer: Result<(Answer,), _> = serde_json::from_str(answer);
        if let Ok((Answer { error: Some(error) },)) = answer {
            for room in rooms {
                self.refuse_room(now, entropy, &room, error.clone());
            }
        }
    }

    /// A room was not joined: for good, or only right now.
    fn refuse_room(&mut self, now: u64, entropy: u64, room: &RoomId, error: ProtocolError) {
        let passing = matches!(
            error.code,
            ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::GoingAway
        );
        let changed = if passing {
            let wait = self.config.rejoin_ms + entropy % (self.config.rejoin_ms + 1);
            self.rooms.put_off(room, now.saturating_add(wait))
        } else {
            self.rooms.refuse(room, error)
        };
        if changed {
            self.out.push_back(Output::View(room.clone()));
        }
    }

    /// Sends the joins and leaves that the rooms have come to need, all in one message each.
    fn flush(&mut self) {
        if self.connection != Connection::Live {
            return;
        }
        let leaves = self.rooms.take_leaves();
        if !leaves.is_empty() {
            self.command(None, &ClientCommand::Leave(leaves));
        }
        let joins = self.rooms.take_joins();
        if !joins.is_empty() {
            let id = self.next_ack;
            self.next_ack += 1;
            self.joins
                .insert(id, joins.iter().map(|join| join.room.clone()).collect());
            self.command(Some(id), &ClientCommand::Join(joins));
        }
    }

    fn command(&mut self, ack: Option<u64>, command: &ClientCommand) {
        self.out
            .push_back(Output::Send(codec::event(ack, &command.to_json())));
    }
}

impl Session {
    /// Whether a room is in step with the server.
    #[must_use]
    pub fn is_live(&self, room: &RoomId) -> bool {
        self.view(room)
            .is_some_and(|view| view.state == ViewState::Live)
    }
}

#[cfg(test)]
mod tests;

//! How a session goes from one state to the next.

use super::{Answer, Connection, Input, Output, Session, requests::Asked, rooms::Sink};
use crate::{
    core::codec::{self, Packet},
    protocol::{
        ClientCommand, CloseAction, ErrorCode, Goodbye, ProtocolError, RoomId, ServerFrame,
        SessionId, Welcome,
    },
};

/// How long before a sign-in expires a new token is asked for, at most, in milliseconds.
const REFRESH_AHEAD_MS: u64 = 60_000;

/// How long a refresh waits for its answer, in milliseconds.
const REFRESH_TIMEOUT_MS: u64 = 30_000;

impl Session {
    pub(super) fn take(&mut self, now: u64, entropy: u64, input: Input<'_>) {
        match input {
            Input::Start => {
                if !self.is_open() {
                    self.open(now);
                }
            }
            Input::Token(token) => self.token(token),
            Input::Opened => {}
            Input::Received(text) => self.receive(now, entropy, text),
            Input::Closed => {
                if self.is_open() {
                    self.lost(now, entropy);
                }
            }
            Input::Network(there) => self.network(now, entropy, there),
            Input::Visible(visible) => {
                self.activity.visible(now, visible);
                // A hidden page's timers sleep: whoever looks at it again need not wait for them.
                if visible && matches!(self.connection, Connection::Waiting { .. }) {
                    self.open(now);
                }
                self.tick(now, entropy);
            }
            Input::Used => self.activity.used(now),
            Input::Tick => self.tick(now, entropy),
        }
    }

    /// Whether there is a transport, or is about to be.
    fn is_open(&self) -> bool {
        matches!(
            self.connection,
            Connection::Connecting { .. } | Connection::Live
        )
    }

    fn open(&mut self, now: u64) {
        self.auth.incarnation += 1;
        self.goodbye = None;
        self.deadline = Some(now + self.config.connect_timeout_ms);
        self.out.push_back(match self.config.asks_for_token {
            true => Output::NeedToken,
            false => Output::Open,
        });
        self.set(Connection::Connecting {
            attempt: self.failures,
        });
    }

    fn token(&mut self, token: Option<String>) {
        match self.connection {
            Connection::Connecting { .. } => {
                self.auth.token = token;
                self.out.push_back(Output::Open);
            }
            Connection::Live => {
                if let Some(token) = token {
                    self.auth.token = Some(token.clone());
                    let until = self.live_since.saturating_add(REFRESH_TIMEOUT_MS);
                    let ack = self.requests.expect(Asked::Refresh, until);
                    self.command(Some(ack), &ClientCommand::Refresh { token });
                }
            }
            _ => {}
        }
    }

    fn network(&mut self, now: u64, entropy: u64, there: bool) {
        self.offline = !there;
        match (there, &self.connection) {
            (false, Connection::Connecting { .. } | Connection::Live) => {
                self.out.push_back(Output::Close);
                self.lost(now, entropy);
            }
            (false, Connection::Waiting { .. }) => {
                self.deadline = None;
                self.set(Connection::Offline);
            }
            (true, Connection::Offline | Connection::Waiting { .. }) => {
                self.failures = 0;
                self.open(now);
            }
            _ => {}
        }
    }

    fn tick(&mut self, now: u64, entropy: u64) {
        for room in self.rooms.tick(now) {
            self.out.push_back(Output::View(room));
        }
        for lost in self.requests.take_overdue(now) {
            self.out.push_back(Output::Answered(lost, Answer::Lost));
        }
        if self.connection == Connection::Live {
            if self.refresh_at.is_some_and(|at| at <= now) {
                self.refresh_at = None;
                self.out.push_back(Output::NeedToken);
            }
            self.heartbeat(now);
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
            Connection::Idle | Connection::Offline | Connection::Stopped(_) => self.deadline = None,
        }
    }

    fn heartbeat(&mut self, now: u64) {
        if let Some(active) = self.activity.take_heartbeat(now) {
            let rooms = self.rooms.seen();
            let until = now.saturating_add(self.silence_ms);
            let ack = self.requests.expect(Asked::Heartbeat { at: now }, until);
            self.command(Some(ack), &ClientCommand::Heartbeat { active, rooms });
        }
    }

    /// The transport is gone: wait, or stop where the server said so.
    fn lost(&mut self, now: u64, entropy: u64) {
        let was_live = self.connection == Connection::Live;
        if self.has_settled(now) {
            self.failures = 0;
        }
        self.disconnected();
        let goodbye = self.goodbye.take();
        let error = goodbye.as_ref().map(|goodbye| goodbye.error.clone());
        match goodbye {
            Some(goodbye) if !self.tries_again(was_live, goodbye.action) => self.stop(goodbye),
            _ if self.offline => {
                self.deadline = None;
                self.set(Connection::Offline);
            }
            _ => {
                let wait = self.config.backoff.delay_ms(self.failures, entropy);
                // The server knows better how long it will be.
                let asked = error.and_then(|error| error.retry_after_ms);
                let least = u64::from(asked.unwrap_or_default());
                let until = now.saturating_add(least).saturating_add(wait);
                self.failures = self.failures.saturating_add(1);
                self.deadline = Some(until);
                self.set(Connection::Waiting {
                    attempt: self.failures,
                    until,
                });
            }
        }
    }

    /// Whether to connect again after a goodbye. A sign-in that was good until now may be replaced by a newer token.
    fn tries_again(&self, was_live: bool, action: CloseAction) -> bool {
        match action {
            CloseAction::Retry => true,
            CloseAction::SignIn => was_live && self.config.asks_for_token,
            CloseAction::Reload | CloseAction::Stop => false,
        }
    }

    fn has_settled(&self, now: u64) -> bool {
        let lived = now.saturating_sub(self.live_since);
        self.connection == Connection::Live && lived >= self.config.settled_ms
    }

    pub(super) fn stop(&mut self, goodbye: Goodbye) {
        self.disconnected();
        for lost in self.requests.stopped() {
            self.out.push_back(Output::Answered(lost, Answer::Lost));
        }
        self.deadline = None;
        self.out.push_back(Output::Close);
        self.set(Connection::Stopped(goodbye));
    }

    fn disconnected(&mut self) {
        self.activity.disconnected();
        self.refresh_at = None;
        self.latency_ms = None;
        for lost in self.requests.disconnected() {
            self.out.push_back(Output::Answered(lost, Answer::Lost));
        }
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
        if !self.is_open() {
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
            ServerFrame::Welcome(welcome) => self.welcome(now, entropy, welcome),
            ServerFrame::Joined(joined) => self.rooms.joined(joined, &mut Sink(&mut self.out)),
            ServerFrame::Room(frame) => self.rooms.frame(frame, &mut Sink(&mut self.out)),
            ServerFrame::Own(own) => self.rooms.own(own, &mut Sink(&mut self.out)),
            ServerFrame::Typing(typing) => self.rooms.typing_now(typing, &mut Sink(&mut self.out)),
            ServerFrame::Signal(signal) => {
                if self.rooms.is_in(&signal.room) {
                    self.out.push_back(Output::Signal(signal));
                }
            }
            ServerFrame::Status(status) => {
                self.invisible = status.invisible;
                self.out.push_back(Output::Connection);
            }
            ServerFrame::Refreshed(refreshed) => self.refresh_before(now, refreshed.expires_in_ms),
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

    fn welcome(&mut self, now: u64, entropy: u64, welcome: Welcome) {
        let times = (welcome.heartbeat_ms, welcome.idle_ms, welcome.hidden_ms);
        self.activity.connected(now, entropy, times);
        self.typing_repeat_ms = welcome.typing_repeat_ms.into();
        self.auth.session = Some(welcome.session);
        self.user = welcome.user;
        self.invisible = welcome.invisible;
        self.refresh_before(now, welcome.expires_in_ms);
        self.out.push_back(Output::Connection);
    }

    /// A new token is asked for a while before the sign-in expires.
    fn refresh_before(&mut self, now: u64, expires_in_ms: Option<u64>) {
        self.refresh_at = expires_in_ms
            .filter(|_| self.config.asks_for_token)
            .map(|left| now.saturating_add(left - REFRESH_AHEAD_MS.min(left / 4)));
    }

    fn acknowledged(&mut self, now: u64, entropy: u64, id: u64, answer: &str) {
        #[derive(serde::Deserialize)]
        struct Acknowledgement {
            error: Option<ProtocolError>,
        }
        let Some(asked) = self.requests.answered(id) else {
            return;
        };
        let answer: Result<(Acknowledgement,), _> = serde_json::from_str(answer);
        let error = answer.ok().and_then(|(answer,)| answer.error);
        match (asked, error) {
            (Asked::Join(rooms), Some(error)) => {
                for room in rooms {
                    self.refuse_room(now, entropy, &room, error.clone());
                }
            }
            (Asked::Heartbeat { at }, None) => {
                self.latency_ms = Some(now.saturating_sub(at));
                self.out.push_back(Output::Connection);
            }
            (Asked::Request(id), None) => {
                self.out
                    .push_back(Output::Answered(id, Answer::Acknowledged));
            }
            (Asked::Request(id), Some(error)) => {
                self.out
                    .push_back(Output::Answered(id, Answer::Rejected(error)));
            }
            (Asked::Join(_) | Asked::Refresh, None)
            | (Asked::Heartbeat { .. } | Asked::Refresh, Some(_)) => {}
        }
    }

    /// A room was not joined: for good, or only right now.
    fn refuse_room(&mut self, now: u64, entropy: u64, room: &RoomId, error: ProtocolError) {
        let passing = matches!(
            error.code,
            ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::GoingAway
        );
        let changed = if passing || error.retry_after_ms.is_some() {
            let asked = u64::from(error.retry_after_ms.unwrap_or_default());
            let wait = self.config.rejoin_ms.max(asked) + entropy % (self.config.rejoin_ms + 1);
            self.rooms.put_off(room, now.saturating_add(wait))
        } else {
            self.rooms.refuse(room, error)
        };
        if changed {
            self.out.push_back(Output::View(room.clone()));
        }
    }

    /// Sends what the rooms have come to need, all in one message each, and what was asked for.
    pub(super) fn flush(&mut self) {
        if self.connection != Connection::Live {
            return;
        }
        let leaves = self.rooms.take_leaves();
        if !leaves.is_empty() {
            self.command(None, &ClientCommand::Leave(leaves));
        }
        let joins = self.rooms.take_joins();
        if !joins.is_empty() {
            let rooms = joins.iter().map(|join| join.room.clone()).collect();
            let ack = self.requests.expect(Asked::Join(rooms), u64::MAX);
            self.command(Some(ack), &ClientCommand::Join(joins));
        }
        while let Some((ack, command)) = self.requests.next() {
            self.command(Some(ack), &command);
        }
    }

    pub(super) fn command(&mut self, ack: Option<u64>, command: &ClientCommand) {
        self.out
            .push_back(Output::Send(codec::event(ack, &command.to_json())));
    }
}

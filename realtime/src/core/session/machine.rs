//! How a session connects, stays connected, and comes back.

use super::{Answer, Connection, Input, Output, Session, requests::Asked, tokens::Purpose};
use crate::protocol::{ClientCommand, CloseAction, Goodbye};

/// How often a connection is tried where the machine says that it has no network, in milliseconds: it may be wrong, or
/// may have said otherwise while the page slept.
const OFFLINE_RETRY_MS: u64 = 60_000;

impl Session {
    pub(super) fn take(&mut self, now: u64, entropy: u64, input: Input<'_>) {
        match input {
            Input::Start => {
                if !self.is_open() {
                    self.not_before = 0;
                    self.open(now);
                }
            }
            Input::Token(request, token) => self.token(now, entropy, request, token),
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
                if visible {
                    self.open_early(now);
                }
                self.tick(now, entropy);
            }
            Input::Used => self.activity.used(now),
            Input::Tick => self.tick(now, entropy),
        }
    }

    /// Whether there is a transport, or is about to be.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.connection,
            Connection::Connecting { .. } | Connection::Live
        )
    }

    fn open(&mut self, now: u64) {
        self.auth.incarnation += 1;
        self.goodbye = None;
        self.deadline = Some(now.saturating_add(self.config.connect_timeout_ms));
        match self.config.asks_for_token {
            true => self.ask_for_token(Purpose::Connect),
            false => self.out.push_back(Output::Open),
        }
        self.set(Connection::Connecting {
            attempt: self.failures,
        });
    }

    /// There is reason to try before it is due: unless the server asked for time.
    fn open_early(&mut self, now: u64) {
        let waits = matches!(
            self.connection,
            Connection::Waiting { .. } | Connection::Offline
        );
        if !waits {
            return;
        }
        if now >= self.not_before {
            self.open(now);
        } else if self.connection == Connection::Offline {
            self.wait(self.not_before);
        }
    }

    fn wait(&mut self, until: u64) {
        self.deadline = Some(until);
        self.set(Connection::Waiting {
            attempt: self.failures,
            until,
        });
    }

    fn wait_for_network(&mut self, now: u64) {
        let until = now.saturating_add(OFFLINE_RETRY_MS);
        self.deadline = Some(until.max(self.not_before));
        self.set(Connection::Offline);
    }

    fn network(&mut self, now: u64, entropy: u64, there: bool) {
        self.offline = !there;
        match (there, &self.connection) {
            (false, Connection::Connecting { .. } | Connection::Live) => {
                self.out.push_back(Output::Close);
                self.lost(now, entropy);
            }
            (false, Connection::Waiting { .. }) => self.wait_for_network(now),
            (true, Connection::Offline | Connection::Waiting { .. }) => {
                self.failures = 0;
                self.open_early(now);
            }
            _ => {}
        }
    }

    fn tick(&mut self, now: u64, entropy: u64) {
        for overdue in self.requests.take_overdue(now) {
            self.unanswered(overdue, now);
        }
        for room in self.rooms.tick(now) {
            self.out.push_back(Output::View(room));
        }
        if self.connection == Connection::Live {
            self.refresh(now);
            self.heartbeat(now);
        }
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.connection {
            Connection::Waiting { .. } | Connection::Offline => self.open(now),
            Connection::Connecting { .. } | Connection::Live => {
                self.out.push_back(Output::Close);
                self.lost(now, entropy);
            }
            Connection::Idle | Connection::Stopped(_) => self.deadline = None,
        }
    }

    /// Nobody knows what became of it: what has to be told is told again then.
    pub(super) fn unanswered(&mut self, asked: Asked, again_at: u64) {
        match asked {
            Asked::Request(id) => self.out.push_back(Output::Answered(id, Answer::Lost)),
            Asked::Leave(rooms) => self.rooms.leave_later(rooms, again_at),
            // What is not told again by itself.
            Asked::Join(_) | Asked::Heartbeat { .. } | Asked::Refresh => {}
        }
    }

    pub(super) fn heartbeat(&mut self, now: u64) {
        if let Some(active) = self.activity.take_heartbeat(now) {
            let rooms = self.rooms.seen();
            let until = now.saturating_add(self.silence_ms);
            let ack = self.requests.expect(Asked::Heartbeat { at: now }, until);
            self.command(Some(ack), &ClientCommand::Heartbeat { active, rooms });
        }
    }

    /// The transport is gone: wait, or stop where the server said so.
    pub(super) fn lost(&mut self, now: u64, entropy: u64) {
        let was_live = self.connection == Connection::Live;
        if self.has_settled(now) {
            self.failures = 0;
            self.unreadable = 0;
        }
        self.disconnected();
        let goodbye = self.goodbye.take();
        // The server knows better how long it will be.
        let asked = goodbye
            .as_ref()
            .and_then(|goodbye| goodbye.error.retry_after_ms);
        self.not_before = now.saturating_add(asked.unwrap_or_default().into());
        match goodbye {
            Some(goodbye) if !self.tries_again(was_live, goodbye.action) => self.stop(goodbye),
            _ if self.offline => self.wait_for_network(now),
            _ => {
                let wait = self.config.backoff.delay_ms(self.failures, entropy);
                self.failures = self.failures.saturating_add(1);
                self.wait(self.not_before.saturating_add(wait));
            }
        }
    }

    /// Whether to connect again after a goodbye. A sign-in that was good until now may have been replaced by a newer
    /// token or cookie, which one try finds out; a token that the session was made with has not.
    fn tries_again(&self, was_live: bool, action: CloseAction) -> bool {
        match action {
            CloseAction::Retry => true,
            CloseAction::SignIn => {
                let may_be_newer = self.config.asks_for_token || self.auth.token.is_none();
                was_live && may_be_newer
            }
            CloseAction::Reload | CloseAction::Stop => false,
        }
    }

    pub(super) fn has_settled(&self, now: u64) -> bool {
        let lived = now.saturating_sub(self.live_since);
        self.connection == Connection::Live && lived >= self.config.settled_ms
    }

    pub(super) fn stop(&mut self, goodbye: Goodbye) {
        self.end();
        self.set(Connection::Stopped(goodbye));
    }

    /// Ends the connection, and whatever waits for it.
    pub(super) fn end(&mut self) {
        self.disconnected();
        for lost in self.requests.stopped() {
            self.out.push_back(Output::Answered(lost, Answer::Lost));
        }
        self.deadline = None;
        self.out.push_back(Output::Close);
    }

    fn disconnected(&mut self) {
        self.activity.disconnected();
        self.asking = None;
        self.refresh_at = None;
        self.latency_ms = None;
        for lost in self.requests.disconnected() {
            self.out.push_back(Output::Answered(lost, Answer::Lost));
        }
        for room in self.rooms.disconnected() {
            self.out.push_back(Output::View(room));
        }
    }

    pub(super) fn set(&mut self, connection: Connection) {
        if self.connection != connection {
            self.connection = connection;
            self.out.push_back(Output::Connection);
        }
    }

    pub(super) fn reconnect(&mut self, now: u64, entropy: u64) {
        self.out.push_back(Output::Close);
        self.lost(now, entropy);
    }
}

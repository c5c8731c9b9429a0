//! What a session makes of what the server says, and says itself.

use super::{
    Answer, Connection, Output, REQUEST_TIMEOUT_MS, Session, listeners::Sink, requests::Asked,
};
use crate::{
    core::codec::{self, Packet},
    protocol::{
        ClientCommand, CloseAction, ErrorCode, Goodbye, ProtocolError, RoomId, ServerFrame,
        SessionId, Welcome,
    },
};

/// So many connections in a row that end soon because something cannot be read.
const MAX_UNREADABLE: u32 = 3;

impl Session {
    pub(super) fn receive(&mut self, now: u64, entropy: u64, text: &str) {
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
                self.auth.active = self.activity.is_active(now);
                self.out.push_back(Output::Send(codec::connect(&self.auth)));
            }
            Ok(Packet::Ping) => self.out.push_back(Output::Send(codec::PONG.to_owned())),
            Ok(Packet::Connected) => {
                self.deadline = Some(now.saturating_add(self.silence_ms));
                self.live_since = now;
                self.offline = false;
                self.not_before = 0;
                self.rooms.connected();
                self.set(Connection::Live);
            }
            Ok(Packet::Refused(message)) => {
                self.refused(now, entropy, ProtocolError::parse(&message));
            }
            Ok(Packet::Event(json)) => match ServerFrame::from_json(json) {
                Ok(frame) => self.frame(now, entropy, frame),
                Err(_) => self.unreadable(now, entropy),
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
            Err(_) => self.unreadable(now, entropy),
        }
    }

    /// What cannot be read may have been part of a view: only a new one is sure to be whole. Of a server that says it
    /// again whenever it is asked, the page is too old.
    fn unreadable(&mut self, now: u64, entropy: u64) {
        if self.has_settled(now) {
            self.unreadable = 0;
        }
        self.unreadable += 1;
        if self.unreadable >= MAX_UNREADABLE {
            self.unreadable = 0;
            self.goodbye = Some(Goodbye {
                action: CloseAction::Reload,
                error: ProtocolError::new(
                    ErrorCode::UnsupportedProtocol,
                    "what this server says cannot be read: reload",
                ),
            });
        }
        self.reconnect(now, entropy);
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
            ServerFrame::Provisional(provisional) => {
                let (room, event) = (&provisional.room, &provisional.event);
                self.rooms
                    .provisional(room, event, &mut Sink(&mut self.out));
            }
            ServerFrame::Degraded(now) => {
                self.degraded = now.degraded;
                self.out.push_back(Output::Connection);
            }
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
        self.builds.welcomed(welcome.build);
        self.auth.build = self.builds.own().cloned();
        self.user = welcome.user;
        self.invisible = welcome.invisible;
        self.degraded = welcome.degraded;
        self.refresh_before(now, welcome.expires_in_ms);
        self.out.push_back(Output::Connection);
        // Who is away says so at once, and is not seen to come back for a moment.
        self.heartbeat(now);
    }

    fn acknowledged(&mut self, now: u64, entropy: u64, id: u64, answer: &str) {
        #[derive(serde::Deserialize)]
        struct Acknowledgement {
            error: Option<ProtocolError>,
        }
        let Some(asked) = self.requests.answered(id) else {
            return;
        };
        let Ok((answer,)) = serde_json::from_str::<(Acknowledgement,)>(answer) else {
            self.unanswered(asked, now.saturating_add(self.config.rejoin_ms));
            return;
        };
        match (asked, answer.error) {
            (Asked::Join(rooms), Some(error)) => {
                let several = rooms.len() > 1 && !passes(&error);
                for room in rooms {
                    self.rooms.not_taken(&room);
                    match several {
                        true => self.rooms.join_alone(&room),
                        false => self.refuse_room(now, entropy, &room, error.clone()),
                    }
                }
            }
            (Asked::Leave(rooms), Some(error)) => {
                let at = self.try_again_at(now, entropy, &error);
                self.rooms.leave_later(rooms, at);
            }
            (Asked::Leave(_), None) => self.rooms.has_left(now),
            (Asked::Refresh, Some(error)) => {
                let asked = error.retry_after_ms.unwrap_or_default();
                self.refresh_again(now.saturating_add(asked.into()), entropy);
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
            (Asked::Join(_) | Asked::Refresh, None) | (Asked::Heartbeat { .. }, Some(_)) => {}
        }
    }

    /// A room was not joined: for good, or only right now.
    fn refuse_room(&mut self, now: u64, entropy: u64, room: &RoomId, error: ProtocolError) {
        let again = self.try_again_at(now, entropy, &error);
        let changed = match passes(&error) {
            true => self.rooms.put_off(room, again),
            false => self.rooms.refuse(room, error, again),
        };
        if changed {
            self.out.push_back(Output::View(room.clone()));
        }
    }

    fn try_again_at(&self, now: u64, entropy: u64, error: &ProtocolError) -> u64 {
        let asked = u64::from(error.retry_after_ms.unwrap_or_default());
        let least = self.config.rejoin_ms;
        now.saturating_add(least.max(asked) + entropy % (least + 1))
    }

    /// Sends what the rooms have come to need, as few messages as fit, and what was asked for.
    pub(super) fn flush(&mut self, now: u64) {
        if self.connection != Connection::Live {
            return;
        }
        for rooms in self.rooms.take_leaves() {
            let until = now.saturating_add(REQUEST_TIMEOUT_MS);
            let ack = self.requests.expect(Asked::Leave(rooms.clone()), until);
            self.command(Some(ack), &ClientCommand::Leave(rooms));
        }
        for joins in self.rooms.take_joins() {
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

/// Whether asking again later may help.
fn passes(error: &ProtocolError) -> bool {
    let passing = matches!(
        error.code,
        ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::GoingAway
    );
    passing || error.retry_after_ms.is_some()
}

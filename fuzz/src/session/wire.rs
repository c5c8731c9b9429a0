//! What the session is given, and a look at everything that it does.

use leptos_realtime::{
    RoomId,
    core::{
        codec::Packet,
        session::{Answer, Connection, Input, Output},
        view::ViewState,
    },
    protocol::{ClientCommand, JoinRoom, Joined, Outcome},
};

use super::world::World;
use crate::said::Said;

/// The most outputs of one input apart from those of listeners, rooms and requests: a transport to close and to open, a
/// state to tell, an answer, a heartbeat, a leave.
const OUTPUTS_PER_INPUT: usize = 10;

/// What a server takes of one message, in bytes.
const MAX_MESSAGE: usize = 16 * 1024;

/// After how many views that are no answer to what it asked a session may give up what a listener missed.
const UNANSWERED: u32 = 16;

/// What there is to know about the input at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    /// How many events are in it.
    events: usize,
    /// Whether it is a server's answer to a command.
    acknowledges: bool,
    /// Whether it says that events cannot be had any more.
    resets: bool,
    starts: bool,
}

impl World {
    pub(super) fn input(&mut self, input: Input<'_>) {
        let starts = matches!(input, Input::Start);
        let given = Given {
            starts,
            ..Given::default()
        };
        self.give(input, given);
    }

    /// The server says something, if it is heard.
    pub(super) fn text(&mut self, text: &str) {
        self.receive(text, Given::default());
    }

    pub(super) fn acknowledgement(&mut self, text: &str) {
        let given = Given {
            acknowledges: true,
            ..Given::default()
        };
        self.receive(text, given);
    }

    pub(super) fn say(&mut self, said: &Said) {
        let events = said.events().len();
        let mut resets = false;
        if let Said::Joined(joined) = said {
            resets = joined.outcome == Outcome::Reset || self.lacks(joined);
            if let Some(room) = self.named(&joined.room) {
                room.views += 1;
            }
            self.manners.shown(&joined.room);
        }
        self.listeners.heard(events);
        let given = Given {
            events,
            resets,
            ..Given::default()
        };
        self.receive(&said.text(), given);
    }

    /// Whether a view begins after events that the session was never told: they were lost on the way.
    fn lacks(&self, joined: &Joined) -> bool {
        let known = self
            .session
            .view(&joined.room)
            .and_then(|view| view.position);
        let first = joined
            .events
            .first()
            .map(|event| event.seq.saturating_sub(1));
        let first = first.unwrap_or(joined.position.seq);
        known.is_some_and(|known| known.epoch == joined.position.epoch && known.seq < first)
    }

    fn receive(&mut self, text: &str, given: Given) {
        if self.is_open {
            self.give(Input::Received(text), given);
        }
    }

    /// The connection is lost, or was none.
    pub(super) fn closed(&mut self) {
        self.disconnected();
        self.input(Input::Closed);
    }

    fn give(&mut self, input: Input<'_>, given: Given) {
        self.entropy = self
            .entropy
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let stopped = matches!(self.session.connection(), Connection::Stopped(_));
        let opened = self.opened + self.tokens_wanted.len() as u64;
        let was_late = self.is_late();
        self.session.handle(self.now, self.entropy >> 33, input);
        self.is_flushed = true;
        self.drain(given);
        assert!(
            !stopped || given.starts || opened == self.opened + self.tokens_wanted.len() as u64,
            "a session that was stopped connects by itself"
        );
        assert!(
            was_late || !self.is_late(),
            "something is due since long ago"
        );
    }

    fn is_late(&self) -> bool {
        let due = self.session.deadline(self.now);
        due.is_some_and(|due| due < self.now)
    }

    /// Does what the session wants done, which is no more than what it was given makes for.
    pub(super) fn drain(&mut self, given: Given) {
        let bound = OUTPUTS_PER_INPUT
            + 3 * self.rooms.len()
            + 2 * self.requests.len()
            + self.listeners.len() * (given.events + 1);
        self.given = given;
        let mut outputs = 0;
        while let Some(output) = self.session.poll() {
            outputs += 1;
            self.perform(output);
        }
        assert!(outputs <= bound, "{outputs} outputs, expected {bound}");
        let stopped = matches!(self.session.connection(), Connection::Stopped(_));
        assert!(
            !stopped || self.requests.is_empty(),
            "{:?} wait for nothing",
            self.requests
        );
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::NeedToken(request) => self.tokens_wanted.push_back(request),
            Output::Open => {
                self.disconnected();
                self.is_open = true;
                self.opened += 1;
            }
            Output::Close => self.disconnected(),
            Output::Send(text) => self.sent(&text),
            Output::View(room) => self.viewed(&room),
            Output::Event(id, to, event) => {
                let room = self.listeners.room(id).cloned();
                let room = self.rooms.iter().find(|of| Some(&of.id) == room.as_ref());
                let room = room.expect("a room in use");
                if self.honest {
                    let published = room.published.at(to).map(|event| &event.id);
                    assert_eq!(Some(&event.id), published, "{id:?} hears its room's order");
                }
                self.listeners.event(id, to, &event, |at| {
                    !self.honest || room.published.may_be_skipped(at)
                });
            }
            Output::Reset(id, to) => {
                let room = self.listeners.room(id).cloned();
                let room = room.and_then(|room| self.named(&room));
                let gave_up = room.is_some_and(|room| room.views > UNANSWERED);
                let lost = self.given.resets || gave_up || !self.honest;
                self.listeners.reset(id, to, lost);
            }
            Output::Signal(signal) => {
                let view = self.session.view(&signal.room);
                assert!(view.is_some(), "a signal of a room that is not in use");
            }
            Output::Answered(id, answer) => {
                self.requests.answered(id, &answer, self.given.acknowledges);
                if let Answer::Rejected(error) = answer {
                    assert_eq!(error.message, "no", "the server's own words");
                }
            }
            Output::Connection => {}
            unknown => panic!("{unknown:?} is looked at nowhere"),
        }
    }

    fn disconnected(&mut self) {
        self.is_open = false;
        self.commands.clear();
        self.manners = Default::default();
        self.rooms.iter_mut().for_each(|room| room.disconnected());
    }

    /// The session says only what a server can read, and says it politely.
    fn sent(&mut self, text: &str) {
        assert!(self.is_open, "{text:?} is sent without a transport");
        if text == "3" || text.starts_with("40{") {
            return;
        }
        let Ok(Packet::Event(json)) = Packet::decode(text) else {
            panic!("the session says {text:?}");
        };
        assert!(json.len() <= MAX_MESSAGE, "{} bytes", json.len());
        let ack = text["42".len()..text.len() - json.len()].parse().ok();
        let command = match ClientCommand::from_json(json) {
            Ok(command) => command,
            Err(error) => panic!("the session says {json}: {error}"),
        };
        match &command {
            ClientCommand::Join(joins) => {
                for JoinRoom { watch, .. } in joins {
                    let watched = watch.len();
                    assert!(watched <= JoinRoom::MAX_WATCHED, "{watched} are watched");
                }
                if self.honest {
                    self.manners.join(self.now, joins);
                }
            }
            ClientCommand::Typing { room, on } => self.manners.typing(self.now, room, *on),
            ClientCommand::Heartbeat { active, rooms } => {
                self.manners.heartbeat(self.now, *active);
                for seen in rooms.iter().filter(|_| self.honest) {
                    let room = self.rooms.iter().find(|room| room.id == seen.room);
                    let shown = room.and_then(|room| room.digest_at(seen.frame));
                    assert!(
                        shown.is_none_or(|digest| digest == seen.digest),
                        "{seen:?} is not what was shown"
                    );
                }
            }
            ClientCommand::Signal { data, .. } => {
                let number = data.get().parse().expect("one of the numbers given out");
                self.requests.sent(number, self.opened);
            }
            ClientCommand::Refresh { token } => {
                let newest = format!("t{}", self.tokens_given);
                assert_eq!(*token, newest, "the newest token");
            }
            _ => {}
        }
        self.commands.push_back((ack, command));
    }

    fn viewed(&mut self, room: &RoomId) {
        match self.session.view(room) {
            None => {
                self.listeners.forget(room);
                self.manners.forget(room);
                if let Some(room) = self.named(room) {
                    room.uses = 0;
                    room.to_watch.clear();
                }
            }
            Some(view) if view.state == ViewState::Live => {
                assert!(
                    view.position.is_some(),
                    "a live view has a place in the order"
                );
            }
            Some(_) => {}
        }
    }

    /// A room that is in step shows what the server showed, and its listeners were told everything.
    pub(super) fn check(&mut self) {
        if !self.honest || !self.is_flushed || !self.is_live() {
            return;
        }
        assert_eq!(self.session.is_invisible(), self.invisible, "hiding");
        for room in 0..self.rooms.len() {
            let id = &self.rooms[room].id;
            let view = self.session.view(id);
            let view = view.filter(|view| view.state == ViewState::Live);
            let Some((view, here)) = view.and_then(|view| Some((view, view.position?))) else {
                continue;
            };
            if self.is_asked_for(id) {
                continue;
            }
            let room = &mut self.rooms[room];
            let may_be_skipped = |at| room.published.may_be_skipped(at);
            // What a listener asks for in a room that is about to be left waits for the room's next use.
            if room.uses > 0 {
                self.listeners.check(&room.id, here, may_be_skipped);
            }
            if let Some(shown) = room.view() {
                assert_eq!(*view, shown, "{} shows something else", room.id);
            }
            room.views = 0;
        }
    }

    /// Whether a join of a room is on its way.
    pub(super) fn is_asked_for(&self, room: &RoomId) -> bool {
        self.commands.iter().any(|(_, command)| match command {
            ClientCommand::Join(joins) => joins.iter().any(|join| join.room == *room),
            ClientCommand::Leave(rooms) => rooms.contains(room),
            _ => false,
        })
    }
}

//! Plays a script, and looks at everything that the session does.

use leptos_realtime::{
    Position, RoomId,
    core::{
        codec::Packet,
        session::{Input, Output, Session, SessionConfig},
        view::ViewState,
    },
    protocol::{Auth, ClientCommand, Epoch, FirstView},
};

use crate::{
    listeners::Listeners,
    script::{Script, Step},
    server::{self, ServerRoom},
};

/// Enough to be behind one another, and few enough for scripts of thousands of steps.
const MAX_LISTENERS: usize = 8;

/// The most ticks that one deadline may take: leave a dead connection, wait no time at all, connect again.
const TICKS_AT_ONCE: usize = 4;

/// The most outputs of one input apart from those of listeners and rooms: a transport to close and to open, a state to
/// tell, an answer, a join and a leave.
const OUTPUTS_PER_INPUT: usize = 8;

pub struct World {
    session: Session,
    now: u64,
    entropy: u64,
    rooms: [ServerRoom; 2],
    listeners: Listeners,
    /// Whether the server has kept to the protocol so far.
    honest: bool,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    #[must_use]
    pub fn new() -> Self {
        Self {
            session: Session::new(SessionConfig::default(), Auth::default()),
            now: 0,
            entropy: 1,
            rooms: ["board:1", "board:2"].map(ServerRoom::new),
            listeners: Listeners::default(),
            honest: true,
        }
    }

    pub fn play(mut self, script: &[u8]) {
        for step in Script::new(script) {
            self.step(step);
            // The outputs of what needs no input: typing, and the end.
            self.drain(1, 0);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start => self.input(Input::Start, 0),
            Step::Opened => self.input(Input::Opened, 0),
            Step::Closed => self.input(Input::Closed, 0),
            Step::Wait => self.wait(),
            Step::Pass(which) => {
                self.now += [0, 1, 50, 250, 1_000, 3_000, 10_000, 60_000][which as usize % 8];
                self.input(Input::Tick, 0);
            }
            Step::Acquire(room) => {
                let room = self.room(room).id.clone();
                self.session.acquire(&room, None);
            }
            Step::AcquireShown(room, seq) => {
                let room = self.room(room);
                let (room, position) = (room.id.clone(), Position { seq, ..room.head() });
                let first = FirstView {
                    room: room.clone(),
                    position,
                    members: Vec::new(),
                    count: None,
                    guests: 1,
                    last_seen: None,
                };
                self.session.acquire(&room, Some(&first));
            }
            Step::Release(room) => {
                let room = self.room(room).id.clone();
                self.session.release(self.now, &room);
            }
            Step::Listen(room) => self.listen(room, None),
            Step::ListenSince(room, epoch, seq) => {
                self.listen(room, Some(position(epoch, number(seq))));
            }
            Step::Unlisten(n) => {
                if let Some((id, room)) = self.listeners.remove(n) {
                    self.session.unlisten(&room, id);
                }
            }
            Step::Typing(room, on) => {
                let room = self.room(room).id.clone();
                self.session.typing(self.now, &room, on % 2 == 1);
            }
            Step::Bye => self.session.bye(),
            Step::Handshake => {
                for text in server::handshake() {
                    self.text(&text, 0);
                }
            }
            Step::Joined(room) => {
                let (text, events) = self.room(room).joined();
                self.text(&text, events);
            }
            Step::Frame(room, events) => {
                let text = self.room(room).frame(events);
                self.text(&text, events);
            }
            Step::Lost(room, events) => {
                self.room(room).frame(events);
            }
            Step::Renew(room) => {
                let text = self.room(room).renew();
                self.text(&text, 0);
            }
            Step::Refused(room, code) => {
                let text = server::refused(&self.room(room).id, code);
                self.text(&text, 0);
            }
            Step::Goodbye(action, code) => self.text(&server::goodbye(action, code), 0),
            Step::ConnectError(code) => self.text(&server::connect_error(code), 0),
            Step::Ack(id, code) => self.text(&server::ack(id, code), 0),
            Step::AnyJoined([room, outcome, epoch, seq, frame, events]) => {
                self.honest = false;
                let at = position(epoch, number(seq));
                let room = &self.room(room).id;
                let text = server::any_joined(room, outcome, at, number(frame), events);
                self.text(&text, events);
            }
            Step::AnyFrame([room, frame, first, events]) => {
                self.honest = false;
                let room = &self.room(room).id;
                let text = server::any_frame(room, number(frame), 1, number(first), events);
                self.text(&text, events);
            }
            Step::Text(which) => self.text(&server::text(which), 0),
        }
    }

    fn room(&mut self, which: u64) -> &mut ServerRoom {
        &mut self.rooms[which as usize % 2]
    }

    fn listen(&mut self, room: u64, since: Option<Position>) {
        if self.listeners.len() >= MAX_LISTENERS {
            return;
        }
        let room = self.room(room).id.clone();
        if let Some(id) = self.session.listen(&room, since) {
            self.listeners.add(id, &room, since);
        }
    }

    /// Time passes until the session's deadline, which then lies ahead again.
    fn wait(&mut self) {
        for _ in 0..TICKS_AT_ONCE {
            let Some(deadline) = self.session.deadline(self.now) else {
                return;
            };
            // An end of silence that the server never set is as good as none.
            if deadline == u64::MAX {
                return;
            }
            self.now = self.now.max(deadline);
            self.input(Input::Tick, 0);
            let next = self.session.deadline(self.now);
            if next.is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("the session asks for one tick after the other");
    }

    fn text(&mut self, text: &str, events: u64) {
        self.input(Input::Received(text), events);
    }

    fn input(&mut self, input: Input<'_>, events: u64) {
        self.entropy = self
            .entropy
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.session.handle(self.now, self.entropy >> 33, input);
        self.drain(1, events);
    }

    /// Does what the session wants done, which is no more than what it was given makes for.
    fn drain(&mut self, inputs: usize, events: u64) {
        let bound = inputs * OUTPUTS_PER_INPUT
            + 2 * self.rooms.len()
            + self.listeners.len() * (events as usize + 1);
        let mut outputs = 0;
        while let Some(output) = self.session.poll() {
            outputs += 1;
            match output {
                Output::Send(text) => self.sent(&text),
                Output::View(room) => self.viewed(&room),
                Output::Event(id, to, event) => self.listeners.event(id, to, &event, self.honest),
                Output::Reset(id, to) => self.listeners.reset(id, to),
                Output::Open
                | Output::Close
                | Output::Connection
                | Output::NeedToken(_)
                | Output::Signal(_)
                | Output::Answered(..) => {}
            }
        }
        assert!(outputs <= bound, "{outputs} outputs, expected {bound}");
    }

    /// The session says only what a server can read.
    fn sent(&mut self, text: &str) {
        if text == "3" || text.starts_with("40{") {
            return;
        }
        let Ok(Packet::Event(json)) = Packet::decode(text) else {
            panic!("the session says {text:?}");
        };
        match ClientCommand::from_json(json) {
            Ok(ClientCommand::Join(joins)) => {
                for join in joins {
                    let room = self.rooms.iter_mut().find(|room| room.id == join.room);
                    room.expect("a room in use").asked = join.since;
                }
            }
            Ok(_) => {}
            Err(error) => panic!("the session says {json}: {error}"),
        }
    }

    fn viewed(&mut self, room: &RoomId) {
        match self.session.view(room) {
            None => self.listeners.forget(room),
            Some(view) if view.state == ViewState::Live => {
                assert!(
                    view.position.is_some(),
                    "a live view has a place in the order"
                );
            }
            Some(_) => {}
        }
    }
}

fn position(epoch: u64, seq: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        seq,
    }
}

/// Small numbers, and the greatest of all.
fn number(operand: u64) -> u64 {
    if operand == 15 { u64::MAX } else { operand }
}

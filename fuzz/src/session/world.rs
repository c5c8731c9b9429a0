//! Plays a script.

use std::collections::{HashMap, VecDeque};

use leptos_realtime::{
    Position, RoomId, UserId,
    core::session::{Connection, Input, Session, SessionConfig, Token, TokenRequest, WatchId},
    protocol::{Auth, ClientCommand, FirstView, JoinRoom},
};

use super::{
    any::{Anything, position},
    listeners::Listeners,
    manners::Manners,
    requests::Requests,
    room::ServerRoom,
    script::{Script, Step, WITH_TOKENS},
    texts,
    wire::Given,
};
use crate::{
    people::{self, pick},
    said,
};

/// Enough to be behind one another, and few enough for scripts of thousands of steps.
const MAX_LISTENERS: usize = 8;

/// The most ticks that one deadline may take: leave a dead connection, wait no time at all, connect again.
const TICKS_AT_ONCE: usize = 4;

/// No server means times that are longer than all this.
const FAR_MS: u64 = 1 << 40;

/// How many deadlines are waited for at the end of a script whose server did anything.
const LAST_DEADLINES: usize = 8;

pub struct World {
    pub(super) session: Session,
    pub(super) now: u64,
    pub(super) entropy: u64,
    pub(super) rooms: [ServerRoom; 4],
    pub(super) listeners: Listeners,
    pub(super) requests: Requests,
    pub(super) manners: Manners,
    /// What the session has sent and the server has not taken, with the numbers of acknowledgements.
    pub(super) commands: VecDeque<(Option<u64>, ClientCommand)>,
    /// Whether there is a transport.
    pub(super) is_open: bool,
    /// How many transports there were.
    pub(super) opened: u64,
    pub(super) tokens_wanted: VecDeque<TokenRequest>,
    watched: HashMap<RoomId, WatchId>,
    pub(super) tokens_given: u64,
    /// Whether the server takes the person for one who hides.
    pub(super) invisible: bool,
    /// Whether the server has kept to the protocol so far.
    pub(super) honest: bool,
    pub(super) given: Given,
    /// Whether the session had an input since the page last asked for something.
    pub(super) is_flushed: bool,
    anything: Anything,
}

impl World {
    /// A world with a page that has tokens, or has none.
    #[must_use]
    pub fn new(asks_for_token: bool) -> Self {
        let mut config = SessionConfig::default();
        config.asks_for_token = asks_for_token;
        // The longest name that a room can have is part of what a message has to hold.
        let long = format!("board:{}", "x".repeat(194));
        Self {
            session: Session::new(config, Auth::default()),
            now: 0,
            entropy: 1,
            rooms: ["board:1", "board:2", "online:7", &long].map(ServerRoom::new),
            listeners: Listeners::default(),
            requests: Requests::default(),
            manners: Manners::default(),
            commands: VecDeque::new(),
            is_open: false,
            opened: 0,
            tokens_wanted: VecDeque::new(),
            watched: HashMap::new(),
            tokens_given: 0,
            invisible: false,
            honest: true,
            given: Given::default(),
            is_flushed: true,
            anything: Anything::default(),
        }
    }

    pub fn play(script: &[u8]) {
        let mut world = Self::new(script.first() == Some(&WITH_TOKENS));
        for step in Script::new(script) {
            world.step(step);
            // The outputs of what needs no input: typing, requests that are lost at once, and the end.
            world.drain(Given::default());
        }
        if world.honest {
            world.settle();
        } else {
            (0..LAST_DEADLINES).for_each(|_| world.wait());
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start => self.input(Input::Start),
            Step::Token(some) => self.token(some),
            Step::Opened => self.input(Input::Opened),
            Step::Closed => self.closed(),
            Step::Network(there) => self.input(Input::Network(there)),
            Step::Visible(visible) => self.input(Input::Visible(visible)),
            Step::Used => self.input(Input::Used),
            Step::Wait => self.wait(),
            Step::Pass(which) => {
                self.now += pick(&[0, 1, 50, 250, 1_000, 3_000, 10_000, 60_000], which);
                self.tick();
            }
            Step::Acquire(_)
            | Step::AcquireShown(..)
            | Step::Release(_)
            | Step::Watch(..)
            | Step::Listen(_)
            | Step::ListenSince(..)
            | Step::Unlisten(_)
            | Step::Typing(..)
            | Step::Signal(_)
            | Step::Invisible(_)
            | Step::Bye => self.page(step),
            Step::Handshake(times) => self.handshake(texts::Times::pick(times)),
            Step::Command(code) => self.take_command(code),
            Step::Events(room, count) => self.change(room, |room| room.publish(count)),
            Step::Lost(room, count) => {
                let room = self.room(room);
                room.publish(count);
                let said = room.lose();
                self.say_all(said);
            }
            Step::Version(room, thing, version) => {
                self.change(room, |room| room.publish_version(thing % 3, version));
            }
            Step::Again(room, n) => self.change(room, |room| room.publish_again(n)),
            Step::Renew(room) => {
                let said = self.room(room).renew();
                self.say_all(said);
            }
            Step::Presence(room, who, how) => {
                let change = people::change(who, who / people::PEOPLE, how);
                self.change(room, |room| room.presence(change));
            }
            Step::Types(room, who, on) => {
                let now = self.now;
                self.change(room, |room| room.typing(now, who, on));
            }
            Step::Signalled(room) => {
                let said = self.room(room).signal(room);
                self.say_all(said);
            }
            Step::Refused(room, code) => self.refuse(room, code),
            Step::Goodbye(action, code) => self.text(&texts::goodbye(action, code)),
            Step::ConnectError(code) => self.text(&texts::connect_error(code)),
            Step::Text(which) => {
                let text = texts::text(which);
                // To be accepted is a beginning, and there is one only.
                if text.starts_with("40") {
                    self.honest = false;
                    self.manners.accepted_again();
                }
                self.text(text);
            }
            Step::AnyAck(id, code) => {
                self.honest = false;
                self.acknowledge(id, code);
            }
            Step::AnyJoined([room, of @ ..]) => {
                let id = self.room(room).id.clone();
                let said = self.anything.joined(&id, of);
                self.say_anything(said);
            }
            Step::AnyFrame([room, of @ ..]) => {
                let id = self.room(room).id.clone();
                let said = self.anything.frame(&id, of);
                self.say_anything(said);
            }
            Step::AnyUnnumbered([room, of @ ..]) => {
                let id = self.room(room).id.clone();
                let said = self.anything.unnumbered(&id, of);
                self.say_anything(said);
            }
        }
    }

    /// What a page does. What it asks for goes out with the session's next input.
    fn page(&mut self, step: Step) {
        self.is_flushed = false;
        match step {
            Step::Acquire(room) => {
                let room = self.use_room(room);
                self.session.acquire(&room, None);
            }
            Step::AcquireShown(room, seq) => {
                let position = Position {
                    seq,
                    ..self.room(room).head()
                };
                let room = self.use_room(room);
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
                let room = self.room(room);
                room.uses = room.uses.saturating_sub(1);
                let room = room.id.clone();
                self.session.release(self.now, &room);
            }
            Step::Watch(room, count, which) => {
                let room = self.room(room).id.clone();
                let known = self.watched.get(&room).copied();
                let people = watched(count, which);
                if let Some(id) = self.session.watch(&room, known, people.clone()) {
                    self.watched.insert(room.clone(), id);
                    if let Some(room) = self.named(&room) {
                        room.to_watch.clear();
                        for user in people {
                            // Of more than a server takes those count that come first.
                            if room.to_watch.len() < JoinRoom::MAX_WATCHED {
                                room.to_watch.insert(user);
                            }
                        }
                    }
                }
            }
            Step::Listen(room) => self.listen(room, None),
            Step::ListenSince(room, epoch, seq) => {
                self.listen(room, Some(position(epoch, seq)));
            }
            Step::Unlisten(n) => {
                if let Some((id, room)) = self.listeners.remove(n) {
                    self.session.unlisten(&room, id);
                }
            }
            Step::Typing(room, on) => {
                let room = self.room(room).id.clone();
                self.session.typing(self.now, &room, on);
            }
            Step::Signal(room) => {
                let room = self.room(room).id.clone();
                let data = said::data(self.requests.next_signal());
                let id = self.session.signal(self.now, &room, data);
                self.requests.signal(id, self.now, self.opened);
            }
            Step::Invisible(hides) => {
                let id = self.session.set_invisible(self.now, hides);
                self.requests.add(id, self.now, None);
            }
            Step::Bye => self.session.bye(),
            _ => {}
        }
    }

    pub(super) fn room(&mut self, which: u64) -> &mut ServerRoom {
        &mut self.rooms[which as usize % 4]
    }

    /// Another part of the page uses a room.
    fn use_room(&mut self, room: u64) -> RoomId {
        let room = self.room(room);
        room.uses += 1;
        let room = room.id.clone();
        self.manners.used(&room);
        room
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

    /// A shell gives a token only where it was asked for one.
    pub(super) fn token(&mut self, some: bool) {
        let Some(request) = self.tokens_wanted.pop_front() else {
            return;
        };
        self.tokens_given += 1;
        let token = match some {
            true => Token::Given(format!("t{}", self.tokens_given)),
            false if self.tokens_given.is_multiple_of(2) => Token::Absent,
            false => Token::Failed,
        };
        self.input(Input::Token(request, token));
    }

    /// Time passes until the session's deadline, which then lies ahead again.
    pub(super) fn wait(&mut self) {
        for _ in 0..TICKS_AT_ONCE {
            let Some(deadline) = self.session.deadline(self.now) else {
                return;
            };
            if deadline > self.now.saturating_add(FAR_MS) {
                return;
            }
            self.now = self.now.max(deadline);
            self.tick();
            let next = self.session.deadline(self.now);
            if next.is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("the session asks for one tick after the other");
    }

    pub(super) fn tick(&mut self) {
        self.input(Input::Tick);
        self.requests.check(self.now);
        self.check();
    }

    pub(super) fn is_live(&self) -> bool {
        *self.session.connection() == Connection::Live
    }
}

/// Up to more people than may be watched, some of them with the longest names there are as JSON.
fn watched(count: u64, which: u64) -> Vec<UserId> {
    let name = |i| match which % 2 {
        0 => people::user_id(i + which / 2),
        _ => UserId::try_from(format!("{}{i:04}", "\"".repeat(60))).expect("a person's id"),
    };
    (0..count * 8).map(name).collect()
}

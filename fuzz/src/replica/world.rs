//! Plays a script, and looks at what the viewers show after each frame.

use std::{ops::Range, sync::Arc};

use leptos_realtime::{
    Member, UserId,
    core::{
        log::Retention,
        message::{RoomMessage, RoomSignal, RoomSnapshot},
        replica::{Applied, Change, Crowd, Replica},
    },
};

use super::{
    any,
    broker::Broker,
    script::{Script, Step},
    typists::Typists,
    viewer::Viewer,
};
use crate::{
    letters::{Letters, number},
    people::{self, pick},
    said,
};

/// How large the pages are in which people are listed.
const PAGES: Range<usize> = 1..4;

pub struct World {
    replica: Replica,
    broker: Broker,
    viewers: [Viewer; 3],
    typists: Typists,
    last: Option<RoomMessage>,
    now: u64,
    /// Whether the replica was told nothing but what the broker says.
    honest: bool,
    /// Whether something happened since the last frame that others than its own person may notice.
    noticeable: bool,
}

impl World {
    /// A world whose room has a size, of either kind.
    #[must_use]
    pub fn new([kind, large, page]: [u64; 3]) -> Self {
        let (room, least) = match kind % 2 {
            0 => ("board:7", 0),
            _ => ("online:1", 1),
        };
        let crowd = Crowd {
            large: (large % 8) as usize,
            page: (page % 4).max(least) as usize,
        };
        let broker = Broker::default();
        let room = room.parse().expect("a room's name");
        let replica = Replica::new(room, broker.snapshot(), crowd);
        let viewers = [
            Viewer::join(&replica, 0, &[]),
            Viewer::join(&replica, 1, &[3, 4]),
            Viewer::join(&replica, 5, &[5, 1]),
        ];
        Self {
            replica,
            broker,
            viewers,
            typists: Typists::default(),
            last: None,
            now: 0,
            honest: true,
            noticeable: false,
        }
    }

    pub fn play(script: &[u8]) {
        let mut letters = Letters::new(script);
        let mut world = Self::new(letters.operands());
        for step in Script::new(letters) {
            world.step(step);
        }
        world.honest = true;
        world.reload(world.broker.snapshot());
        world.flush();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Events(count) => {
                for _ in 0..count {
                    self.noticeable = true;
                    let event = self.broker.event();
                    self.tell(event);
                }
            }
            Step::LostEvents(count) => {
                for _ in 0..count {
                    self.broker.event();
                }
            }
            Step::Presence([who, tab, how]) => {
                let (before, user) = (self.is_seen(who), people::user_id(who));
                let message = self.broker.presence(people::change(who, tab, how));
                self.noticeable |= before || who % people::PEOPLE == 0;
                self.noticeable |= self.broker.is_visible(&user);
                self.tell(message);
            }
            Step::LostPresence([who, tab, how]) => {
                self.broker.presence(people::change(who, tab, how));
            }
            Step::Typing(who, on) => {
                self.noticeable |= self.is_seen(who);
                let user = people::user_id(who);
                self.tell(RoomMessage::Signal(RoomSignal::Typing { user, on }));
            }
            Step::Signal => {
                let data = Arc::from(said::data(self.now));
                let signal = RoomMessage::Signal(RoomSignal::Data { from: None, data });
                assert_eq!(self.replica.apply(&signal, self.now), Applied::Nothing);
            }
            Step::Twice => {
                if let Some(message) = self.last.clone() {
                    self.noticeable |= matches!(message, RoomMessage::Signal(_));
                    self.tell(message);
                }
            }
            Step::Renew(keeps) => self.broker.renew(keeps),
            Step::Reload => self.reload(self.broker.snapshot()),
            Step::Flush => self.flush(),
            Step::Join(viewer) => {
                self.flush();
                self.viewers[viewer as usize % 3].rejoin(&self.replica);
            }
            Step::Pass(which) => {
                self.now += pick(&[1, 2_500, 6_000, 10_000], which);
                self.noticeable |= self.replica.expire(self.now);
                self.typists.expire(self.now);
            }
            Step::Trim(count) => {
                let retention = Retention {
                    count: count as usize,
                    ..Retention::default()
                };
                self.replica.trim(retention, 0);
            }
            Step::LastSeen(at) => {
                self.noticeable = true;
                self.replica.set_last_seen(Some(number(at)));
            }
            Step::AnyEvent(of) => self.tell_anything(any::event(of)),
            Step::AnyPresence(of) => self.tell_anything(any::presence(of)),
            Step::AnyReload(of) => {
                self.honest = false;
                self.reload(any::snapshot(of));
            }
        }
    }

    /// Whether others see a person, as far as the broker knows.
    fn is_seen(&self, who: u64) -> bool {
        self.broker.is_visible(&people::user_id(who))
    }

    /// The broker's next message. One that does not follow changes nothing.
    fn tell(&mut self, message: RoomMessage) {
        let before = (self.replica.position(), self.replica.version());
        let applied = self.replica.apply(&message, self.now);
        self.typists.follow(&self.replica, Some(&message), self.now);
        let after = (self.replica.position(), self.replica.version());
        if matches!(applied, Applied::Gap | Applied::Nothing) {
            assert_eq!(before, after, "{applied:?} changes nothing");
        }
        self.last = Some(message);
    }

    fn tell_anything(&mut self, message: RoomMessage) {
        self.honest = false;
        self.noticeable = true;
        self.tell(message);
    }

    /// What a hub does with a snapshot.
    fn reload(&mut self, snapshot: RoomSnapshot) {
        self.noticeable = true;
        let before = self.replica.position();
        let head = snapshot.position;
        let continues = self.replica.reload(snapshot);
        self.typists.follow(&self.replica, None, self.now);
        assert_eq!(self.replica.position(), head);
        assert!(!continues || head.epoch == before.epoch);
        if continues {
            self.flush();
            return;
        }
        self.replica.take_step();
        for viewer in &mut self.viewers {
            viewer.show(&self.replica, Some(before));
        }
        self.flush();
    }

    /// Shows what changed, and looks at it.
    fn flush(&mut self) {
        let step = self.replica.take_step();
        let typing = self.replica.take_typing();
        if !self.noticeable && self.is_in_step() {
            assert!(
                matches!(step.change, Change::Nothing) && typing.is_none(),
                "what nobody may notice is shown: {step:?}, {typing:?}"
            );
        }
        self.noticeable = !self.is_in_step();
        for viewer in &mut self.viewers {
            viewer.step(&self.replica, &step);
            if let Some(typing) = &typing {
                viewer.typing(typing.clone());
            }
            viewer.check(&self.replica);
        }
        self.check_people();
    }

    /// Whether the replica has all that the broker has.
    fn is_in_step(&self) -> bool {
        self.honest && self.broker.head() == (self.replica.position(), self.replica.version())
    }

    fn check_people(&self) {
        let all = self.replica.page(None, usize::MAX);
        assert_eq!(all.len(), self.replica.count());
        assert!(all.is_sorted_by_key(|member| (member.since, member.user.clone())));
        for most in PAGES {
            let mut listed: Vec<Member> = Vec::new();
            loop {
                let after = listed.last();
                let after = after.map(|member| (member.since, member.user.clone()));
                let page = self.replica.page(after.as_ref(), most);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, all, "page by page");
        }
        let first = self.replica.first_view();
        let count = first
            .count
            .map_or(first.members.len(), |count| count as usize);
        assert_eq!(count, all.len(), "a page's HTML counts everyone");
        self.typists.check(&self.replica);
        if self.is_in_step() {
            let seen: Vec<&UserId> = all.iter().map(|member| &member.user).collect();
            let visible = self.broker.visible();
            assert_eq!(seen.len(), visible.len());
            assert!(
                visible.iter().all(|user| seen.contains(&user)),
                "{visible:?}"
            );
            assert_eq!(self.replica.sessions(), self.broker.sessions());
            assert_eq!(self.replica.is_empty(), self.broker.sessions() == 0);
        }
    }
}

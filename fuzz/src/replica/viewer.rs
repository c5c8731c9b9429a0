//! Someone who sees the room, frame by frame, as a client reads them.

use leptos_realtime::{
    Member, Position, Status, UserId,
    core::{
        codec::Packet,
        replica::{Change, Replica, Step},
        view::RoomView,
    },
    protocol::{Joined, Outcome, Own, RoomFrame, ServerFrame, TypingNow},
};

use crate::{
    people::{user, user_id},
    said::Said,
};

#[derive(Debug)]
pub struct Viewer {
    me: Option<UserId>,
    watched: Vec<UserId>,
    view: RoomView,
    frame: u64,
    own: Vec<Member>,
}

impl Viewer {
    /// Joins a room; number 0 is a guest.
    #[must_use]
    pub fn join(replica: &Replica, me: u64, watched: &[u64]) -> Self {
        let mut viewer = Self {
            me: user(me).map(|user| user.id),
            watched: watched.iter().copied().map(user_id).collect(),
            view: RoomView::default(),
            frame: 0,
            own: Vec::new(),
        };
        viewer.show(replica, None);
        viewer
    }

    /// Joins again, with all that it knows.
    pub fn rejoin(&mut self, replica: &Replica) {
        self.show(replica, self.view.position);
    }

    /// The room is shown anew to someone who has everything up to a position.
    pub fn show(&mut self, replica: &Replica, since: Option<Position>) {
        self.own = self.own(replica);
        let joined = replica.joined(since, self.own.clone());
        match (joined.outcome, since) {
            (Outcome::Replay, Some(since)) => {
                let known = self.view.position.unwrap_or(since);
                self.follows(since.seq, &joined);
                assert!(known.seq <= joined.position.seq || known.epoch != since.epoch);
            }
            (outcome, since) => {
                assert!(joined.events.is_empty(), "{outcome:?} has no events");
                assert_eq!(outcome == Outcome::Fresh, since.is_none());
            }
        }
        self.frame = joined.frame;
        self.receive(Said::Joined(joined));
    }

    fn follows(&self, seq: u64, joined: &Joined) {
        let replayed = joined.events.iter().map(|event| event.seq - 1);
        assert!(
            replayed.eq(seq..joined.position.seq),
            "everything after {seq} up to {:?}",
            joined.position
        );
    }

    /// What a hub sends of a step.
    pub fn step(&mut self, replica: &Replica, step: &Step) {
        match &step.change {
            Change::Nothing => {}
            Change::Frame(frame) => self.frame(frame, step.before),
            Change::Anew => {
                assert_eq!(Some(step.before), self.view.position, "all up to here");
                self.show(replica, Some(step.before));
            }
        }
        let mut concerned = self.me.iter().chain(&self.watched);
        if concerned.any(|user| step.touched.contains(user)) && self.own != self.own(replica) {
            self.own = self.own(replica);
            let (room, members) = (replica.typing().room, self.own.clone());
            self.receive(Said::Own(Own { room, members }));
        }
    }

    fn frame(&mut self, frame: &RoomFrame, before: Position) {
        assert_eq!(frame.frame, self.frame + 1, "frames count without holes");
        self.frame = frame.frame;
        assert_eq!(Some(before), self.view.position, "all up to here");
        for (event, i) in frame.events.iter().zip(1..) {
            assert_eq!(event.seq, before.seq + i, "events count without holes");
        }
        self.receive(Said::Room(frame.clone()));
    }

    pub fn typing(&mut self, typing: TypingNow) {
        self.receive(Said::Typing(typing));
    }

    /// Reads what was written.
    fn receive(&mut self, said: Said) {
        let text = said.text();
        let Ok(Packet::Event(json)) = Packet::decode(&text) else {
            panic!("{text} is no event");
        };
        match ServerFrame::from_json(json) {
            Ok(ServerFrame::Joined(joined)) => self.view.join(joined),
            Ok(ServerFrame::Room(frame)) => self.view.apply(frame),
            Ok(ServerFrame::Own(own)) => self.view.apply_own(own),
            Ok(ServerFrame::Typing(typing)) => self.view.apply_typing(typing),
            other => panic!("{text} reads as {other:?}"),
        }
    }

    fn own(&self, replica: &Replica) -> Vec<Member> {
        replica.own(self.me.as_ref(), &self.watched)
    }

    /// It shows what someone is shown who joins now, the server knows what that is, and nobody who hides is in it.
    pub fn check(&self, replica: &Replica) {
        let fresh = replica.joined(None, self.own(replica));
        assert_eq!(fresh.frame, self.frame, "the same frame");
        let mut expected = RoomView::default();
        expected.join(fresh);
        assert_eq!(self.view, expected);
        assert_eq!(
            replica.digest_at(self.frame),
            Some(self.view.digest()),
            "{:?}",
            self.view
        );
        assert_eq!(self.view.position, Some(replica.position()));
        for member in self.view.members.values() {
            assert_ne!(member.status, Status::Invisible, "{member:?}");
        }
        for member in self.view.own.values() {
            let hides = member.status == Status::Invisible;
            let mine = Some(&member.user) == self.me.as_ref();
            assert!(!hides || mine, "{member:?} is shown to {:?}", self.me);
        }
    }
}

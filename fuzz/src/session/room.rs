//! A room at a server that keeps to the protocol: the crate's own replica, shown to the session as a hub shows it.

use std::collections::{BTreeMap, BTreeSet};

use leptos_realtime::{
    Member, Position, RoomId, UserId,
    core::{
        log::Retention,
        message::{Entry, EntryChange, EntryKey, RoomMessage, RoomSignal, RoomSnapshot},
        replica::{Applied, Change, Crowd, Replica},
        view::RoomView,
    },
    protocol::{Digest, Epoch, JoinRoom, Outcome, Own, Signalled},
};

use super::{published::Published, texts::ME};
use crate::{
    people,
    said::{self, Said},
};

/// Few, so that they are gone soon.
const RETENTION: Retention = Retention {
    count: 12,
    age_ms: u64::MAX,
    bytes: usize::MAX,
};

const CROWD: Crowd = Crowd { large: 5, page: 2 };

/// What the session is shown of a room it has joined.
#[derive(Debug)]
struct Shown {
    watched: Vec<UserId>,
    own: Vec<Member>,
}

pub struct ServerRoom {
    pub id: RoomId,
    pub published: Published,
    /// How many views the session was sent since it was last seen to be in step.
    pub views: u32,
    /// How many parts of the page use it.
    pub uses: u32,
    /// Whom the page watches in it.
    pub to_watch: BTreeSet<UserId>,
    replica: Replica,
    entries: BTreeMap<EntryKey, Entry>,
    shown: Option<Shown>,
    /// Whether something was lost on its way to the session, which a new view mends.
    lost: bool,
}

impl ServerRoom {
    #[must_use]
    pub fn new(id: &str) -> Self {
        let id: RoomId = id.parse().expect("a room's name");
        let snapshot = snapshot(1, Vec::new());
        Self {
            published: Published::default(),
            views: 0,
            uses: 0,
            to_watch: BTreeSet::new(),
            replica: Replica::new(id.clone(), snapshot, CROWD),
            entries: BTreeMap::new(),
            shown: None,
            lost: false,
            id,
        }
    }

    #[must_use]
    pub fn head(&self) -> Position {
        self.replica.position()
    }

    /// Whether everything after a position can still be told.
    #[must_use]
    pub fn replays(&self, since: Position) -> bool {
        self.replica.joined(Some(since), Vec::new()).outcome == Outcome::Replay
    }

    /// New events.
    pub fn publish(&mut self, count: u64) {
        for _ in 0..count {
            let event = self.published.fresh(self.head(), None);
            self.push(event);
        }
    }

    /// An event about a thing.
    pub fn publish_version(&mut self, thing: u64, version: u64) {
        let event = self.published.fresh(self.head(), Some((thing, version)));
        self.push(event);
    }

    /// The last event but `n` once more, where the room does not know it any more.
    pub fn publish_again(&mut self, n: u64) {
        if let Some(event) = self.published.again(self.head(), n) {
            self.push(event);
        }
    }

    fn push(&mut self, event: RoomMessage) {
        assert_eq!(self.replica.apply(&event, 0), Applied::Urgent);
    }

    /// A person's tab comes, changes or goes.
    pub fn presence(&mut self, change: EntryChange) {
        match &change {
            EntryChange::Enter(entry) => {
                self.entries.insert(entry.key(), entry.clone());
            }
            EntryChange::Exit(key) => {
                self.entries.remove(key);
            }
        }
        let version = self.replica.version() + 1;
        let message = RoomMessage::Presence {
            epoch: self.head().epoch,
            version,
            at: version,
            change,
        };
        assert_eq!(self.replica.apply(&message, 0), Applied::Presence);
    }

    pub fn typing(&mut self, now: u64, who: u64, on: bool) {
        let user = people::user_id(who);
        let signal = RoomSignal::Typing { user, on };
        self.replica.apply(&RoomMessage::Signal(signal), now);
    }

    /// The session's person hides, or shows themselves, where they are.
    pub fn hide(&mut self, invisible: bool) {
        let entry = me(invisible);
        if self.entries.contains_key(&entry.key()) {
            self.presence(EntryChange::Enter(entry));
        }
    }

    pub fn expire(&mut self, now: u64) {
        self.replica.expire(now);
    }

    /// What the session is told of all that happened since the last time.
    pub fn flush(&mut self) -> Vec<Said> {
        let step = self.replica.take_step();
        let typing = self.replica.take_typing();
        self.replica.trim(RETENTION, 0);
        let Some(shown) = &mut self.shown else {
            return Vec::new();
        };
        let mut said = Vec::new();
        match step.change {
            Change::Nothing => {}
            Change::Frame(frame) => said.push(Said::Room(frame)),
            Change::Anew => said.push(shown.anew(&self.replica, Some(step.before))),
        }
        let me = people::user_id(ME);
        let concerned = |user: &UserId| step.touched.contains(user);
        if concerned(&me) || shown.watched.iter().any(concerned) {
            said.extend(shown.own(&self.replica, &self.id));
        }
        said.extend(typing.map(Said::Typing));
        if said.iter().any(is_view) {
            self.lost = false;
        }
        said
    }

    /// The same, but a frame with a number is lost on the way.
    pub fn lose(&mut self) -> Vec<Said> {
        let mut said = self.flush();
        let all = said.len();
        said.retain(|said| !matches!(said, Said::Room(_)));
        self.lost |= said.len() < all;
        said
    }

    /// Begins a new order, with the same people.
    pub fn renew(&mut self) -> Option<Said> {
        let before = self.head();
        let entries = self.entries.values().cloned().collect();
        let continues = self.replica.reload(snapshot(before.epoch.0 + 1, entries));
        assert!(!continues, "no order goes on in another epoch");
        self.replica.take_step();
        self.lost = false;
        let shown = self.shown.as_mut()?;
        Some(shown.anew(&self.replica, Some(before)))
    }

    /// The session joins, and is seen by others from the next frame on.
    pub fn join(&mut self, join: &JoinRoom, invisible: bool) -> Vec<Said> {
        let mut said = self.flush();
        let mut shown = Shown {
            watched: join.watch.clone(),
            own: Vec::new(),
        };
        said.push(shown.anew(&self.replica, join.since));
        self.shown = Some(shown);
        self.lost = false;
        let entry = me(invisible);
        if self.id.kind() != "online" && !self.entries.contains_key(&entry.key()) {
            self.presence(EntryChange::Enter(entry));
        }
        said
    }

    /// The session is shown the room no more, and seen in it for a while still.
    pub fn disconnected(&mut self) {
        self.shown = None;
    }

    /// The session leaves at once.
    pub fn leave(&mut self) {
        self.shown = None;
        let key = me(false).key();
        if self.entries.contains_key(&key) {
            self.presence(EntryChange::Exit(key));
        }
    }

    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// Whom the session has asked to be shown in any case.
    #[must_use]
    pub fn watched(&self) -> BTreeSet<UserId> {
        let watched = self.shown.iter().flat_map(|shown| &shown.watched);
        watched.cloned().collect()
    }

    /// Somebody signals.
    #[must_use]
    pub fn signal(&self, number: u64) -> Option<Said> {
        self.shown.as_ref()?;
        Some(Said::Signal(Signalled {
            room: self.id.clone(),
            user: Some(people::user_id(number)),
            data: said::data(number),
        }))
    }

    /// What a session shows that was told everything.
    #[must_use]
    pub fn view(&self) -> Option<RoomView> {
        let shown = self.shown.as_ref().filter(|_| !self.lost)?;
        let mut view = RoomView::default();
        view.join(self.replica.joined(None, shown.own.clone()));
        Some(view)
    }

    /// What was shown with a frame, if that is not too long ago.
    #[must_use]
    pub fn digest_at(&self, frame: u64) -> Option<Digest> {
        self.replica.digest_at(frame)
    }
}

impl Shown {
    fn anew(&mut self, replica: &Replica, since: Option<Position>) -> Said {
        self.own = replica.own(Some(&people::user_id(ME)), &self.watched);
        Said::Joined(replica.joined(since, self.own.clone()))
    }

    fn own(&mut self, replica: &Replica, room: &RoomId) -> Option<Said> {
        let members = replica.own(Some(&people::user_id(ME)), &self.watched);
        if members == self.own {
            return None;
        }
        self.own.clone_from(&members);
        let room = room.clone();
        Some(Said::Own(Own { room, members }))
    }
}

fn is_view(said: &Said) -> bool {
    matches!(said, Said::Joined(_))
}

/// The session itself.
fn me(invisible: bool) -> Entry {
    people::entry(ME, 15, if invisible { 2 } else { 0 })
}

fn snapshot(epoch: u64, entries: Vec<Entry>) -> RoomSnapshot {
    RoomSnapshot {
        position: Position {
            epoch: Epoch(epoch),
            seq: 0,
        },
        version: 0,
        entries,
        events: Vec::new(),
    }
}

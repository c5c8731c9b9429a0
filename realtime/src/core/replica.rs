//! One room on the server: who is in it, what happened in it, and what its viewers were shown of that.

mod people;
mod shown;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use people::People;
pub use shown::Crowd;
use shown::Shown;

use super::{
    log::{EventLog, Retention},
    message::{Entry, EntryChange, EntryKey, RoomMessage, RoomSignal, RoomSnapshot, RunId},
};
use crate::protocol::{
    Digest, EventId, FirstView, Joined, Member, Online, Outcome, Position, RoomFrame, RoomId,
    TypingNow, UnixMillis, User, UserId, WireEvent,
};

/// How long a typing line lives without being repeated, in milliseconds.
pub const TYPING_TTL_MS: u64 = 6_000;

/// How often a client repeats that its person types, in milliseconds: one lost repeat does no harm.
pub const TYPING_REPEAT_MS: u64 = 2_500;

/// The most people a typing line names.
pub const TYPING_MAX: usize = 10;

/// What a message did to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is known already, or says nothing new.
    Nothing,
    /// Events or typing to be shown at once.
    Urgent,
    /// Presence to be shown within the window.
    Presence,
    /// Messages before it were lost: load a snapshot.
    Gap,
}

/// A room's state on one node.
///
/// Changes gather until [`Replica::take_step`] turns all of them into one frame; a person who came and went between
/// two frames appears in none.
#[derive(Debug)]
pub struct Replica {
    room: RoomId,
    crowd: Crowd,
    log: EventLog,
    version: u64,
    people: People,
    typing: BTreeMap<UserId, u64>,
    last_seen: Option<UnixMillis>,
    /// Whether everyone was taken out of the room, by what the next snapshot tells of.
    cleared: bool,
    /// Who left here before the broker could be told, with the number of their last enter.
    left_here: BTreeMap<EntryKey, u64>,
    shown: Shown,
    pending: Pending,
}

/// What the viewers have not been shown yet.
#[derive(Debug, Default)]
struct Pending {
    events: Vec<Arc<WireEvent>>,
    people: BTreeSet<UserId>,
}

/// What is to be shown next.
#[derive(Debug)]
pub struct Step {
    /// The position before it.
    pub before: Position,
    /// What everyone is to be shown.
    pub change: Change,
    /// The people of whom somebody may be shown something else than before.
    pub touched: BTreeSet<UserId>,
}

/// What all viewers of a room are to be shown.
#[derive(Debug)]
pub enum Change {
    /// Nothing new.
    Nothing,
    /// The next frame.
    Frame(RoomFrame),
    /// All of it, because the room became large or is not any more: see [`Replica::joined`].
    Anew,
}

impl Replica {
    /// The replica of a snapshot, all of it shown.
    #[must_use]
    pub fn new(room: RoomId, snapshot: RoomSnapshot, crowd: Crowd) -> Self {
        let log = EventLog::from_parts(snapshot.position, snapshot.events);
        let mut people = People::default();
        people.replace(snapshot.entries);
        let mut shown = Shown::default();
        shown.anew(&people, crowd);
        Self {
            room,
            crowd,
            log,
            version: snapshot.version,
            people,
            typing: BTreeMap::new(),
            last_seen: None,
            cleared: false,
            left_here: BTreeMap::new(),
            shown,
            pending: Pending::default(),
        }
    }

    /// Whether the broker has lost something that this replica knows: then the two lives of the log must not have the
    /// same name. Returns the numbers of the events that only the broker knows. To be asked only of a snapshot that was
    /// read after everything that this replica has applied.
    #[must_use]
    pub fn conflict(&self, snapshot: &RoomSnapshot) -> Option<Vec<u64>> {
        let head = self.log.head();
        if snapshot.position.epoch != head.epoch {
            return None;
        }
        let differs = |event: &Arc<WireEvent>| {
            let known = self.log.id(event.seq);
            known.is_some_and(|known| *known != event.id)
        };
        let lost = snapshot.position.is_before(head)
            || snapshot.version < self.version
            || snapshot.events.iter().any(differs);
        let mine: BTreeSet<EventId> = self
            .log
            .all()
            .iter()
            .map(|event| event.id.clone())
            .collect();
        lost.then(|| {
            let theirs = snapshot.events.iter();
            theirs
                .filter(|event| !mine.contains(&event.id))
                .map(|event| event.seq)
                .collect()
        })
    }

    /// Takes over a snapshot read after a gap. Where the order goes on, the missing events become pending; where it
    /// does not, the viewers need a [`Joined`] of the new order and `false` is returned.
    ///
    /// In a new life of the log whoever was here stays, until the node that speaks for them has said who is: see
    /// [`Replica::held_runs`].
    pub fn reload(&mut self, snapshot: RoomSnapshot) -> bool {
        self.reload_keeping(snapshot, |_| false)
    }

    /// The same, but whom these runs spoke for stays in any case until it is [released](Self::release): those of the
    /// node itself, which others took for dead and which has not said yet that they are here.
    pub fn reload_keeping(
        &mut self,
        mut snapshot: RoomSnapshot,
        keeps: impl Fn(RunId) -> bool,
    ) -> bool {
        snapshot.entries.retain(|entry| {
            let left = self.left_here.get(&entry.key());
            left.is_none_or(|incarnation| entry.incarnation > *incarnation)
        });
        let head = self.log.head();
        self.version = snapshot.version;
        let anew = snapshot.position.epoch != head.epoch;
        let cleared = std::mem::take(&mut self.cleared);
        let touched = match anew && cleared {
            true => self.people.replace(snapshot.entries),
            false => {
                let stays = |run| anew || keeps(run);
                self.people.replace_holding(snapshot.entries, stays)
            }
        };
        self.pending.people.extend(touched);
        let visible = |user: &UserId| self.people.visible(user).is_some();
        self.typing.retain(|user, _| visible(user));
        let mut log = EventLog::from_parts(snapshot.position, snapshot.events);
        log.remember_last(&self.log);
        let missing = log.since(head);
        self.log = log;
        let continues = missing.is_some();
        match missing {
            Some(events) => self.pending.events.extend(events),
            None => self.pending.events.clear(),
        }
        continues
    }

    /// The nodes whose sessions are shown although the room's present life has not heard of them.
    #[must_use]
    pub fn held_runs(&self) -> BTreeSet<RunId> {
        self.people.held_runs()
    }

    /// Lets go of the sessions of nodes that have said who is here, or are dead. True where that changes something.
    pub fn release(&mut self, at: UnixMillis, is_over: impl Fn(RunId) -> bool) -> bool {
        let before = self.people.guests();
        let touched = self.people.release(is_over);
        let changed = !touched.is_empty() || before != self.people.guests();
        if self.people.held_runs().is_empty() {
            self.left_here.clear();
        }
        for user in touched {
            self.touch(at, user, true);
        }
        changed
    }

    /// Somebody came or went here, whom the broker has not been told of yet; with the number of their enter. Whatever it
    /// knows, this counts until it says something newer of them, or where it has not said so already: then they have
    /// come back elsewhere, before.
    pub fn change_here(&mut self, at: UnixMillis, change: EntryChange, incarnation: u64) {
        let key = match &change {
            EntryChange::Enter(entry) => entry.key(),
            EntryChange::Exit(key) => key.clone(),
        };
        let known = self.people.session(&key).map(|entry| entry.incarnation);
        if known.is_some_and(|known| known > incarnation) {
            return;
        }
        match &change {
            EntryChange::Enter(_) => {
                self.left_here.remove(&key);
                self.change(at, &change);
                self.people.hold(key, RunId::default());
            }
            EntryChange::Exit(_) => {
                if known.is_some() {
                    self.change(at, &change);
                    self.left_here.insert(key, incarnation);
                }
            }
        }
    }

    /// The nodes that speak for somebody here.
    #[must_use]
    pub fn runs(&self) -> BTreeSet<RunId> {
        self.people.runs()
    }

    /// When the person of an [`Online`] room was last seen, as far as that is known from elsewhere. It is told where
    /// they are not here, and moves forward when they go.
    pub fn set_last_seen(&mut self, at: Option<UnixMillis>) {
        if self.room.kind() == Online::KIND {
            self.last_seen = self.last_seen.max(at);
        }
    }

    /// Applies one message of the broker, in the order in which they come.
    pub fn apply(&mut self, message: &RoomMessage, now: u64) -> Applied {
        match message {
            RoomMessage::Event {
                epoch,
                event,
                previous,
            } => {
                let head = self.log.head();
                let is_other = |seq, id: &EventId| self.log.id(seq).is_some_and(|e| e != id);
                if *epoch == head.epoch && event.seq <= head.seq {
                    return match is_other(event.seq, &event.id) {
                        true => Applied::Gap,
                        false => Applied::Nothing,
                    };
                }
                let follows = |previous: &EventId| !is_other(event.seq - 1, previous);
                if *epoch != head.epoch
                    || !previous.as_ref().is_none_or(follows)
                    || !self.log.push(event.clone())
                {
                    return Applied::Gap;
                }
                self.pending.events.push(event.clone());
                Applied::Urgent
            }
            RoomMessage::Presence {
                epoch,
                version,
                at,
                change,
            } => {
                if *epoch == self.log.head().epoch && *version <= self.version {
                    return Applied::Nothing;
                }
                if *epoch != self.log.head().epoch || *version != self.version + 1 {
                    return Applied::Gap;
                }
                self.version = *version;
                self.change(*at, change);
                Applied::Presence
            }
            RoomMessage::Signal(RoomSignal::Typing { user, on }) => {
                // Whoever cannot be seen does not type either.
                let changed = if *on && self.people.visible(user).is_some() {
                    self.typing
                        .insert(user.clone(), now + TYPING_TTL_MS)
                        .is_none()
                } else {
                    self.typing.remove(user).is_some()
                };
                if changed {
                    Applied::Urgent
                } else {
                    Applied::Nothing
                }
            }
            RoomMessage::Signal(RoomSignal::Data { .. }) => Applied::Nothing,
            RoomMessage::Begun { epoch, cleared } => {
                if *epoch == self.log.head().epoch {
                    return Applied::Nothing;
                }
                self.cleared = *cleared;
                Applied::Gap
            }
            RoomMessage::Head { position, version } => {
                let held = self.log.head();
                let has = held.epoch == position.epoch
                    && held.seq >= position.seq
                    && self.version >= *version;
                if has { Applied::Nothing } else { Applied::Gap }
            }
            RoomMessage::Gone {
                key,
                incarnation,
                at,
            } => {
                let is_later = |entry: &Entry| entry.incarnation > *incarnation;
                let is_held = self.people.is_held(key);
                if !is_held || self.people.session(key).is_none_or(is_later) {
                    return Applied::Nothing;
                }
                self.change(*at, &EntryChange::Exit(key.clone()));
                Applied::Presence
            }
        }
    }

    fn change(&mut self, at: UnixMillis, change: &EntryChange) {
        let user = match change {
            EntryChange::Enter(entry) => entry.user.as_ref().map(|user| &user.id),
            EntryChange::Exit(key) => key.user.as_ref(),
        };
        let was_visible = user.is_some_and(|user| self.people.visible(user).is_some());
        if !self.left_here.is_empty() {
            self.left_here.remove(&match change {
                EntryChange::Enter(entry) => entry.key(),
                EntryChange::Exit(key) => key.clone(),
            });
        }
        let touched = match change {
            EntryChange::Enter(entry) => self.people.enter(entry.clone()),
            EntryChange::Exit(key) => self.people.exit(key),
        };
        if let Some(user) = touched {
            self.touch(at, user, was_visible);
        }
    }

    fn touch(&mut self, at: UnixMillis, user: UserId, was_visible: bool) {
        if self.people.visible(&user).is_none() {
            self.typing.remove(&user);
            if was_visible {
                self.set_last_seen(Some(at));
            }
        }
        self.pending.people.insert(user);
    }

    /// Drops events beyond the retention.
    pub fn trim(&mut self, retention: Retention, now: UnixMillis) {
        self.log.trim(retention, now);
    }

    /// Ends typing lines that were not repeated. True when there were any.
    pub fn expire(&mut self, now: u64) -> bool {
        let before = self.typing.len();
        self.typing.retain(|_, until| *until > now);
        before != self.typing.len()
    }

    /// The place after the last event.
    #[must_use]
    pub fn position(&self) -> Position {
        self.log.head()
    }

    /// The number of the last presence change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether nobody is here, whoever may see them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Whether others may see a person here.
    #[must_use]
    pub fn is_visible(&self, user: &UserId) -> bool {
        self.people.visible(user).is_some()
    }

    /// How many sessions are here, whoever may see them.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.people.sessions()
    }

    /// Everything that changed since the last step.
    pub fn take_step(&mut self) -> Step {
        let pending = std::mem::take(&mut self.pending);
        let head = self.log.head();
        let first = pending.events.first();
        let before = Position {
            seq: first.map_or(head.seq, |event| event.seq - 1),
            ..head
        };
        if self.shown.turns(&self.people, self.crowd) {
            let mut touched = pending.people;
            touched.extend(self.shown.members.keys().cloned());
            self.shown.anew(&self.people, self.crowd);
            self.shown.last_seen = self.last_seen();
            return Step {
                before,
                change: Change::Anew,
                touched,
            };
        }
        let difference = self.shown.change(&self.people, &pending.people, self.crowd);
        let mut touched = pending.people;
        touched.extend(difference.gone.iter().cloned());
        touched.extend(difference.members.iter().map(|member| member.user.clone()));
        let last_seen = self.last_seen();
        let seen = std::mem::replace(&mut self.shown.last_seen, last_seen) != last_seen;
        let last_seen = last_seen.filter(|_| seen);
        if pending.events.is_empty() && difference.is_empty() && last_seen.is_none() {
            return Step {
                before,
                change: Change::Nothing,
                touched,
            };
        }
        self.shown.next_frame();
        let events = pending.events.iter().map(|event| (**event).clone());
        let frame = RoomFrame {
            room: self.room.clone(),
            frame: self.shown.frame,
            events: events.collect(),
            last_seen,
            members: difference.members,
            gone: difference.gone,
            count: difference.count,
            guests: difference.guests,
        };
        Step {
            before,
            change: Change::Frame(frame),
            touched,
        }
    }

    /// Who types, where that is not what was shown last.
    pub fn take_typing(&mut self) -> Option<TypingNow> {
        let users: Vec<User> = self
            .typing
            .keys()
            .filter_map(|user| self.people.visible(user))
            .take(TYPING_MAX)
            .map(|member| User {
                id: member.user.clone(),
                name: member.name.clone(),
            })
            .collect();
        if users == self.shown.typing {
            return None;
        }
        self.shown.typing = users;
        Some(self.typing())
    }

    /// Who types, as shown last.
    #[must_use]
    pub fn typing(&self) -> TypingNow {
        TypingNow {
            room: self.room.clone(),
            users: self.shown.typing.clone(),
        }
    }

    /// The view for someone who joins now and already has everything up to `since`, with the people whom only they
    /// are shown. Take the pending step first: the view contains what has been shown.
    #[must_use]
    pub fn joined(&self, since: Option<Position>, own: Vec<Member>) -> Joined {
        let (outcome, events) = match since.map(|since| (since, self.log.since(since))) {
            None => (Outcome::Fresh, Vec::new()),
            Some((_, Some(events))) => (Outcome::Replay, events),
            // What is known of another life of the log can be all that came before this one.
            Some((since, None))
                if since.epoch != self.log.head().epoch && self.log.first() == 1 =>
            {
                (Outcome::Reset, self.log.all())
            }
            Some((_, None)) => (Outcome::Reset, Vec::new()),
        };
        Joined {
            room: self.room.clone(),
            outcome,
            position: self.log.head(),
            frame: self.shown.frame,
            events: events.iter().map(|event| (**event).clone()).collect(),
            members: self.shown.members.values().cloned().collect(),
            count: self.shown.count,
            guests: self.shown.guests,
            own,
            typing: self.shown.typing.clone(),
            last_seen: self.shown.last_seen,
        }
    }

    /// The people whom only this viewer is shown: themselves where nobody else sees them, and those they watch where
    /// the room shows only its first people.
    #[must_use]
    pub fn own(&self, viewer: Option<&UserId>, watched: &[UserId]) -> Vec<Member> {
        let hidden = |user: &&UserId| !self.shown.members.contains_key(*user);
        let me = viewer.filter(hidden).and_then(|me| self.people.own(me));
        let others = watched.iter().filter(|user| Some(*user) != viewer);
        let others = others.filter(hidden);
        me.into_iter()
            .chain(others.filter_map(|user| self.people.visible(user).cloned()))
            .collect()
    }

    /// What was shown with a frame, if that is not too long ago.
    #[must_use]
    pub fn digest_at(&self, frame: u64) -> Option<Digest> {
        self.shown.digest_at(frame)
    }

    fn last_seen(&self) -> Option<UnixMillis> {
        self.last_seen.filter(|_| self.people.count() == 0)
    }

    /// The view for a page's first HTML.
    #[must_use]
    pub fn first_view(&self) -> FirstView {
        let count = self.people.count();
        let large = count > self.crowd.large;
        let shown = if large { self.crowd.page } else { count };
        FirstView {
            room: self.room.clone(),
            position: self.log.head(),
            members: self.people.by_arrival(None).take(shown).cloned().collect(),
            count: large.then_some(count as u32),
            guests: self.people.guests(),
            last_seen: self.last_seen(),
        }
    }

    /// The people after a place in the order in which they came, at most so many.
    #[must_use]
    pub fn page(&self, after: Option<&(UnixMillis, UserId)>, most: usize) -> Vec<Member> {
        self.people.by_arrival(after).take(most).cloned().collect()
    }

    /// How many people others may see.
    #[must_use]
    pub fn count(&self) -> usize {
        self.people.count()
    }
}

#[cfg(test)]
mod tests;

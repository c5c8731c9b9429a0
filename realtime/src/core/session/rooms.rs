//! The rooms a session uses: what to join and leave, what was shown, and who listens from where.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RoomView, ViewState, batches,
    listeners::{ListenerId, Shown, Sink},
    room::{Link, UsedRoom},
    watched::WatchId,
};
use crate::{
    core::session::Output,
    protocol::{
        ErrorCode, FirstView, JoinRoom, Joined, Outcome, Own, Position, ProtocolError, RoomFrame,
        RoomId, Seen, TypingNow, UserId, WireEvent,
    },
};

#[derive(Debug)]
pub(super) struct Rooms {
    linger_ms: u64,
    rooms: BTreeMap<RoomId, UsedRoom>,
    to_join: BTreeSet<RoomId>,
    to_leave: BTreeSet<RoomId>,
    /// What could not be left, and when to say so again.
    leave_later: BTreeMap<RoomId, u64>,
    next_id: u64,
}

impl Rooms {
    pub(super) fn new(linger_ms: u64) -> Self {
        Self {
            linger_ms,
            rooms: BTreeMap::new(),
            to_join: BTreeSet::new(),
            to_leave: BTreeSet::new(),
            leave_later: BTreeMap::new(),
            next_id: 0,
        }
    }

    pub(super) fn view(&self, room: &RoomId) -> Option<&RoomView> {
        self.rooms.get(room).map(|room| &room.view)
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let due = |room: &UsedRoom| room.leave_at.into_iter().chain(room.join_at).min();
        let later = self.leave_later.values().copied();
        self.rooms.values().filter_map(due).chain(later).min()
    }

    /// Whether the server is to be told something.
    pub(super) fn has_asked(&self) -> bool {
        !self.to_join.is_empty() || !self.to_leave.is_empty()
    }

    /// True where the view has changed.
    pub(super) fn acquire(&mut self, room: &RoomId, first: Option<&FirstView>) -> bool {
        let used = self.rooms.entry(room.clone()).or_insert_with(|| UsedRoom {
            join_when_used: true,
            ..UsedRoom::default()
        });
        used.uses += 1;
        used.leave_at = None;
        if std::mem::take(&mut used.join_when_used) {
            self.to_join.insert(room.clone());
        }
        if used.link == Link::Refused {
            // Who was refused may be let in by now, as after signing in.
            used.join_at.get_or_insert(used.refused_until);
        }
        match (&used.view.state, first) {
            (ViewState::Loading, Some(first)) => {
                used.view = RoomView::from_first_view(first);
                true
            }
            _ => false,
        }
    }

    pub(super) fn release(&mut self, now: u64, room: &RoomId) {
        if let Some(used) = self.rooms.get_mut(room) {
            used.uses = used.uses.saturating_sub(1);
            if used.uses == 0 {
                used.leave_at = Some(now.saturating_add(self.linger_ms));
                used.join_when_used |= self.to_join.remove(room);
            }
        }
    }

    /// Asks again for what was put off; leaves the rooms whose last use is long enough ago, and returns them.
    pub(super) fn tick(&mut self, now: u64) -> Vec<RoomId> {
        for (room, used) in &mut self.rooms {
            if used.join_at.is_some_and(|at| at <= now) {
                used.join_at = None;
                self.to_join.insert(room.clone());
            }
        }
        let due = self.leave_later.extract_if(.., |_, at| *at <= now);
        self.to_leave.extend(due.map(|(room, _)| room));
        let ended: Vec<RoomId> = self
            .rooms
            .iter()
            .filter(|(_, used)| used.leave_at.is_some_and(|at| at <= now))
            .map(|(room, _)| room.clone())
            .collect();
        for room in &ended {
            if self.rooms.remove(room).is_some_and(|used| used.may_be_in) {
                self.to_leave.insert(room.clone());
            }
            self.to_join.remove(room);
        }
        ended
    }

    /// Ends all uses, and returns the rooms.
    pub(super) fn clear(&mut self) -> Vec<RoomId> {
        self.to_join.clear();
        self.to_leave.clear();
        self.leave_later.clear();
        std::mem::take(&mut self.rooms).into_keys().collect()
    }

    /// Sets a list of watched people, or adds one.
    pub(super) fn watch(
        &mut self,
        room: &RoomId,
        id: Option<WatchId>,
        people: Vec<UserId>,
    ) -> Option<WatchId> {
        let used = self.rooms.get_mut(room)?;
        let id = id.unwrap_or_else(|| {
            self.next_id += 1;
            WatchId(self.next_id)
        });
        if used.watched.set(id, people) && used.watches_others() {
            self.to_join.insert(room.clone());
        }
        Some(id)
    }

    pub(super) fn unwatch(&mut self, room: &RoomId, id: WatchId) {
        if let Some(used) = self.rooms.get_mut(room)
            && used.watched.remove(id)
            && used.watches_others()
        {
            self.to_join.insert(room.clone());
        }
    }

    /// What this client shows of the rooms it has joined.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.rooms.iter().filter_map(|(room, used)| {
            let Link::In { frame } = used.link else {
                return None;
            };
            Some(Seen {
                room: room.clone(),
                frame,
                digest: used.view.digest(),
            })
        });
        seen.collect()
    }

    /// Whether the room is joined, so that what comes of it is to be shown.
    pub(super) fn is_in(&self, room: &RoomId) -> bool {
        self.rooms.get(room).is_some_and(UsedRoom::is_in)
    }

    pub(super) fn own(&mut self, own: Own, sink: &mut Sink<'_>) {
        if let Some(used) = self.rooms.get_mut(&own.room).filter(|used| used.is_in()) {
            sink.0.push_back(Output::View(own.room.clone()));
            used.view.apply_own(own);
        }
    }

    pub(super) fn typing_now(&mut self, typing: TypingNow, sink: &mut Sink<'_>) {
        let used = self.rooms.get_mut(&typing.room);
        if let Some(used) = used.filter(|used| used.is_in()) {
            sink.0.push_back(Output::View(typing.room.clone()));
            used.view.apply_typing(typing);
        }
    }

    pub(super) fn listen(&mut self, room: &RoomId, since: Option<Position>) -> Option<ListenerId> {
        let used = self.rooms.get_mut(room)?;
        self.next_id += 1;
        let id = ListenerId(self.next_id);
        let joined = used.view.position.filter(|_| used.is_in());
        let cursor = since.or(joined);
        used.listeners.add(id, cursor);
        // What the room has passed already is replayed for this listener alone: the others' cursors skip it.
        let covered = match (cursor, joined) {
            (Some(cursor), Some(joined)) => {
                cursor.epoch == joined.epoch && !cursor.is_before(joined)
            }
            _ => true,
        };
        if !covered {
            self.to_join.insert(room.clone());
        }
        Some(id)
    }

    pub(super) fn unlisten(&mut self, room: &RoomId, listener: ListenerId) {
        if let Some(used) = self.rooms.get_mut(room) {
            used.listeners.remove(listener);
        }
    }

    /// Whether the server is to be told.
    pub(super) fn typing(&mut self, now: u64, room: &RoomId, on: bool, repeat_ms: u64) -> bool {
        let used = self.rooms.get_mut(room);
        let Some(used) = used else { return false };
        if !on {
            // Also while the room is asked for anew: the server still shows that the person types.
            return used.typed_at.take().is_some();
        }
        let due = used
            .typed_at
            .is_none_or(|at| now.saturating_sub(at) >= repeat_ms);
        let told = due && used.is_in();
        if told {
            used.typed_at = Some(now);
        }
        told
    }

    /// A new connection: every room is to be joined on it.
    pub(super) fn connected(&mut self) {
        self.to_leave.clear();
        self.leave_later.clear();
        for (room, used) in &mut self.rooms {
            // Nobody is to be seen in a room that was only used before it could be joined.
            let unseen = used.uses == 0 && !used.may_be_in;
            used.connected();
            match unseen {
                true => used.join_when_used = true,
                false => _ = self.to_join.insert(room.clone()),
            }
        }
    }

    /// The connection is lost. Returns the rooms whose views are stale now.
    pub(super) fn disconnected(&mut self) -> Vec<RoomId> {
        let mut stale = Vec::new();
        for (room, used) in &mut self.rooms {
            used.join_at = None;
            if used.unlink() {
                stale.push(room.clone());
            }
        }
        stale
    }

    /// What to leave now, but for what is used again, a message at a time.
    pub(super) fn take_leaves(&mut self) -> Vec<Vec<RoomId>> {
        let mut leaves = std::mem::take(&mut self.to_leave);
        leaves.retain(|room| !self.rooms.contains_key(room));
        batches::of_leaves(leaves.into_iter().collect())
    }

    /// The server did not take the leaving: it is told again, unless the rooms are used again by then.
    pub(super) fn leave_later(&mut self, rooms: Vec<RoomId>, at: u64) {
        self.leave_later
            .extend(rooms.into_iter().map(|room| (room, at)));
    }

    /// There are fewer rooms than there were: those that were too many may be joined now.
    pub(super) fn has_left(&mut self, now: u64) {
        for (room, used) in &mut self.rooms {
            let too_many = matches!(&used.view.state,
                ViewState::Refused(error) if error.code == ErrorCode::LimitExceeded);
            if !too_many || used.link != Link::Refused {
                continue;
            }
            if used.not_before <= now {
                self.to_join.insert(room.clone());
            } else {
                used.join_at = Some(used.not_before);
            }
        }
    }

    /// What to join now, a message at a time.
    pub(super) fn take_joins(&mut self) -> Vec<Vec<JoinRoom>> {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for room in std::mem::take(&mut self.to_join) {
            if let Some(used) = self.rooms.get_mut(&room) {
                match used.alone {
                    true => alone.push(vec![used.ask(room)]),
                    false => together.push(used.ask(room)),
                }
            }
        }
        let mut messages = batches::of_joins(together);
        messages.append(&mut alone);
        messages
    }

    /// The server did not take a question, nor whom it asked to show: a room that was joined before goes on as it was.
    pub(super) fn not_taken(&mut self, room: &RoomId) {
        if let Some(used) = self.rooms.get_mut(room) {
            used.untold = true;
        }
    }

    /// The room was refused along with others, of which perhaps only one is to blame.
    pub(super) fn join_alone(&mut self, room: &RoomId) {
        if let Some(used) = self.rooms.get_mut(room) {
            used.alone = true;
            self.to_join.insert(room.clone());
        }
    }

    /// The room cannot be joined right now: it is asked for again later, and not before any time that was asked for.
    pub(super) fn put_off(&mut self, room: &RoomId, at: u64) -> bool {
        let Some(used) = self.rooms.get_mut(room) else {
            return false;
        };
        used.not_before = used.not_before.max(at);
        used.join_at = Some(used.not_before);
        used.join_when_used = false;
        used.unlink()
    }

    /// The room is refused, and not asked for again before this time.
    pub(super) fn refuse(&mut self, room: &RoomId, error: ProtocolError, until: u64) -> bool {
        let Some(used) = self.rooms.get_mut(room) else {
            return false;
        };
        // What comes to a room that was left meanwhile answers what was asked before that.
        used.may_be_granted = match used.link {
            Link::Refused => used.may_be_granted,
            _ => used.is_asked_for(),
        };
        used.link = Link::Refused;
        used.refused_until = until.max(used.not_before);
        used.join_at = None;
        used.join_when_used = false;
        used.view = RoomView {
            state: ViewState::Refused(error),
            ..RoomView::default()
        };
        true
    }

    pub(super) fn joined(&mut self, mut joined: Joined, sink: &mut Sink<'_>) {
        let room = joined.room.clone();
        let Some(used) = self.rooms.get_mut(&room) else {
            return;
        };
        let events = std::mem::take(&mut joined.events);
        // The server catches up with its own view unasked, as when a room's order began anew. That may overtake the
        // answer to a question, as do the answers to earlier ones; it is then asked once more, but not for ever.
        let asked = match used.link {
            Link::Asked(since) => match used.is_overtaken(since, &joined, &events) {
                true => None,
                false => since,
            },
            // The view begins here, whatever was known: as where the room was left and joined again meanwhile.
            Link::In { .. } if joined.outcome == Outcome::Fresh => None,
            // After a refusal it is the answer to what was asked before: the person is in again. The late answer to an
            // earlier question may go on from elsewhere than where the view stands: what lies between is asked for.
            Link::In { .. } | Link::Refused => used.view.position.filter(|known| {
                let first = events.first();
                known.epoch != joined.position.epoch
                    || first.is_none_or(|first| known.seq.saturating_add(1) >= first.seq)
            }),
            Link::Out => return,
        };
        if used.link == Link::Refused && !used.may_be_granted {
            return;
        }
        let shown = Shown {
            outcome: joined.outcome,
            position: joined.position,
            asked,
            events: &events,
        };
        used.enter(joined.frame);
        let again = used.listeners.joined(&shown, sink);
        if !again {
            used.overtaken = 0;
        }
        used.join_when_used |= used.untold && used.uses == 0;
        if again || used.untold && used.uses > 0 {
            self.to_join.insert(room.clone());
        }
        used.view.join(joined);
        sink.0.push_back(Output::View(room));
    }

    /// An event that has no number yet.
    pub(super) fn provisional(&mut self, room: &RoomId, event: &WireEvent, sink: &mut Sink<'_>) {
        if let Some(used) = self.rooms.get_mut(room).filter(|used| used.is_in()) {
            used.listeners.provisional(event, sink);
        }
    }

    pub(super) fn frame(&mut self, frame: RoomFrame, sink: &mut Sink<'_>) {
        let room = frame.room.clone();
        let Some(used) = self.rooms.get_mut(&room) else {
            return;
        };
        let Link::In { frame: last } = &mut used.link else {
            return;
        };
        if frame.frame <= *last {
            return;
        }
        if frame.frame != last.saturating_add(1) {
            // One was lost on the way: only a new view is sure to be whole.
            self.to_join.insert(room);
            return;
        }
        *last = frame.frame;
        if let Some(Position { epoch, .. }) = used.view.position {
            used.listeners.next(epoch, &frame.events, sink);
        }
        used.view.apply(frame);
        sink.0.push_back(Output::View(room));
    }
}

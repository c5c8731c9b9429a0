//! The rooms a session uses: what to join and leave, what was shown, and who listens from where.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Output, RoomView, ViewState, history::History};
use crate::protocol::{
    FirstView, JoinRoom, Joined, Outcome, Own, Position, ProtocolError, RoomFrame, RoomId, Seen,
    TypingNow, UserId, WireEvent,
};

/// Names a listener of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(u64);

/// What is known between this client and the server about one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Not joined on this connection.
    Out,
    /// Asked for, with everything after this position.
    Asked(Option<Position>),
    /// In step, up to this frame.
    In { frame: u64 },
    /// Refused on this connection.
    Refused,
}

#[derive(Debug)]
struct UsedRoom {
    uses: u32,
    leave_at: Option<u64>,
    /// When to ask for it again, after it could not be joined.
    join_at: Option<u64>,
    view: RoomView,
    link: Link,
    listeners: BTreeMap<ListenerId, Option<Position>>,
    history: History,
    watched: Vec<UserId>,
    typed_at: Option<u64>,
}

impl UsedRoom {
    /// The position from which all listeners are served: the least one of those that can be compared.
    fn since(&self) -> Option<Position> {
        let mut cursors = self.listeners.values().flatten().copied();
        let first = cursors.next()?;
        Some(cursors.fold(first, |least, cursor| {
            if cursor.is_before(least) {
                cursor
            } else {
                least
            }
        }))
    }
}

impl UsedRoom {
    /// What is known is no longer kept in step. True where that is news.
    fn unlink(&mut self) -> bool {
        self.link = Link::Out;
        let was_live = self.view.state == ViewState::Live;
        if was_live {
            self.view.state = ViewState::Stale;
            self.view.typing.clear();
        }
        was_live
    }
}

/// Where a room's events go.
pub(super) struct Sink<'a>(pub(super) &'a mut VecDeque<Output>);

#[derive(Debug)]
pub(super) struct Rooms {
    linger_ms: u64,
    rooms: BTreeMap<RoomId, UsedRoom>,
    to_join: BTreeSet<RoomId>,
    to_leave: Vec<RoomId>,
    next_listener: u64,
}

impl Rooms {
    pub(super) fn new(linger_ms: u64) -> Self {
        Self {
            linger_ms,
            rooms: BTreeMap::new(),
            to_join: BTreeSet::new(),
            to_leave: Vec::new(),
            next_listener: 0,
        }
    }

    pub(super) fn view(&self, room: &RoomId) -> Option<&RoomView> {
        self.rooms.get(room).map(|room| &room.view)
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let due = |room: &UsedRoom| room.leave_at.into_iter().chain(room.join_at).min();
        self.rooms.values().filter_map(due).min()
    }

    /// Whether the server is to be told something.
    pub(super) fn has_asked(&self) -> bool {
        !self.to_join.is_empty() || !self.to_leave.is_empty()
    }

    pub(super) fn acquire(&mut self, room: &RoomId, first: Option<&FirstView>) {
        let used = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.to_join.insert(room.clone());
            UsedRoom {
                uses: 0,
                leave_at: None,
                join_at: None,
                view: RoomView::default(),
                link: Link::Out,
                listeners: BTreeMap::new(),
                history: History::default(),
                watched: Vec::new(),
                typed_at: None,
            }
        });
        used.uses += 1;
        used.leave_at = None;
        if let (ViewState::Loading, Some(first)) = (&used.view.state, first) {
            used.view = RoomView::from_first_view(first);
        }
    }

    pub(super) fn release(&mut self, now: u64, room: &RoomId) {
        if let Some(used) = self.rooms.get_mut(room) {
            used.uses = used.uses.saturating_sub(1);
            if used.uses == 0 {
                used.leave_at = Some(now + self.linger_ms);
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
        let ended: Vec<RoomId> = self
            .rooms
            .iter()
            .filter(|(_, used)| used.leave_at.is_some_and(|at| at <= now))
            .map(|(room, _)| room.clone())
            .collect();
        for room in &ended {
            if let Some(used) = self.rooms.remove(room)
                && matches!(used.link, Link::Asked(_) | Link::In { .. })
            {
                self.to_leave.push(room.clone());
            }
            self.to_join.remove(room);
        }
        ended
    }

    pub(super) fn watch(&mut self, room: &RoomId, people: Vec<UserId>) {
        if let Some(used) = self.rooms.get_mut(room)
            && used.watched != people
        {
            used.watched = people;
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
        let used = self.rooms.get(room);
        used.is_some_and(|used| matches!(used.link, Link::In { .. }))
    }

    pub(super) fn own(&mut self, own: Own, sink: &mut Sink<'_>) {
        if self.is_in(&own.room)
            && let Some(used) = self.rooms.get_mut(&own.room)
        {
            sink.0.push_back(Output::View(own.room.clone()));
            used.view.apply_own(own);
        }
    }

    pub(super) fn typing_now(&mut self, typing: TypingNow, sink: &mut Sink<'_>) {
        if self.is_in(&typing.room)
            && let Some(used) = self.rooms.get_mut(&typing.room)
        {
            sink.0.push_back(Output::View(typing.room.clone()));
            used.view.apply_typing(typing);
        }
    }

    pub(super) fn listen(&mut self, room: &RoomId, since: Option<Position>) -> Option<ListenerId> {
        let used = self.rooms.get_mut(room)?;
        let id = ListenerId(self.next_listener);
        self.next_listener += 1;
        let joined = matches!(used.link, Link::In { .. })
            .then_some(used.view.position)
            .flatten();
        let cursor = since.or(joined);
        used.listeners.insert(id, cursor);
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
            used.listeners.remove(&listener);
        }
    }

    /// Whether the server is to be told.
    pub(super) fn typing(&mut self, now: u64, room: &RoomId, on: bool, repeat_ms: u64) -> bool {
        let Some(used) = self.rooms.get_mut(room) else {
            return false;
        };
        if !matches!(used.link, Link::In { .. }) {
            return false;
        }
        if on {
            let due = used
                .typed_at
                .is_none_or(|at| now.saturating_sub(at) >= repeat_ms);
            if due {
                used.typed_at = Some(now);
            }
            due
        } else {
            used.typed_at.take().is_some()
        }
    }

    /// A new connection: every room is to be joined on it.
    pub(super) fn connected(&mut self) {
        self.to_leave.clear();
        for (room, used) in &mut self.rooms {
            used.link = Link::Out;
            used.typed_at = None;
            used.join_at = None;
            self.to_join.insert(room.clone());
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

    pub(super) fn take_leaves(&mut self) -> Vec<RoomId> {
        std::mem::take(&mut self.to_leave)
    }

    pub(super) fn take_joins(&mut self) -> Vec<JoinRoom> {
        let mut joins = Vec::new();
        for room in std::mem::take(&mut self.to_join) {
            if let Some(used) = self.rooms.get_mut(&room) {
                let since = used.since();
                used.link = Link::Asked(since);
                let watch = used.watched.clone();
                joins.push(JoinRoom { room, since, watch });
            }
        }
        joins
    }

    /// The room cannot be joined right now: it is asked for again later.
    pub(super) fn put_off(&mut self, room: &RoomId, at: u64) -> bool {
        let Some(used) = self.rooms.get_mut(room) else {
            return false;
        };
        used.join_at = Some(at);
        used.unlink()
    }

    pub(super) fn refuse(&mut self, room: &RoomId, error: ProtocolError) -> bool {
        let Some(used) = self.rooms.get_mut(room) else {
            return false;
        };
        used.link = Link::Refused;
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
        // Without having asked, the server says so when a room's order began anew.
        let asked = match used.link {
            Link::Asked(since) => since,
            Link::In { .. } => used.view.position,
            Link::Out | Link::Refused => return,
        };
        let position = joined.position;
        let events = std::mem::take(&mut joined.events);
        let replayed = joined.outcome == Outcome::Replay;
        used.link = Link::In {
            frame: joined.frame,
        };
        used.view.join(joined);
        let news = used.history.take_news(position.epoch, &events);
        let mut again = false;
        for (listener, cursor) in &mut used.listeners {
            let Some(at) = cursor else {
                *cursor = Some(position);
                continue;
            };
            if at.epoch == position.epoch && at.seq >= position.seq {
                continue;
            }
            if replayed && at.epoch == position.epoch {
                deliver(*listener, at, &events, &news, sink);
            }
            let behind = at.is_before(position);
            let was_asked =
                asked.is_some_and(|asked| asked.epoch == at.epoch && asked.seq <= at.seq);
            if behind && !was_asked {
                // This listener came after the question.
                again = true;
            } else if *at != position {
                *at = position;
                sink.0.push_back(Output::Reset(*listener, position));
            }
        }
        if again {
            self.to_join.insert(room.clone());
        }
        sink.0.push_back(Output::View(room));
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
            let news = used.history.take_news(epoch, &frame.events);
            let cursors = used.listeners.iter_mut();
            for (listener, cursor) in cursors {
                // A listener of another life of the log waits for its reset.
                if let Some(at) = cursor.as_mut().filter(|at| at.epoch == epoch) {
                    deliver(*listener, at, &frame.events, &news, sink);
                }
            }
        }
        used.view.apply(frame);
        sink.0.push_back(Output::View(room));
    }
}

/// Gives a listener the events that follow its cursor, and no other. What is no news only moves the cursor.
fn deliver(
    listener: ListenerId,
    cursor: &mut Position,
    events: &[WireEvent],
    news: &[bool],
    sink: &mut Sink<'_>,
) {
    for (event, news) in events.iter().zip(news) {
        if Some(event.seq) == cursor.seq.checked_add(1) {
            cursor.seq = event.seq;
            if *news {
                sink.0
                    .push_back(Output::Event(listener, *cursor, event.clone()));
            }
        }
    }
}

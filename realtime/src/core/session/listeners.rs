//! Who listens to one room, and up to which place each has been told.

use std::collections::{BTreeMap, VecDeque};

use super::{Output, history::History};
use crate::protocol::{Epoch, Outcome, Position, WireEvent};

/// Names a listener of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub(super) u64);

/// Where a room's events go.
pub(super) struct Sink<'a>(pub(super) &'a mut VecDeque<Output>);

/// A view of a room as far as it concerns its listeners.
pub(super) struct Shown<'a> {
    pub(super) outcome: Outcome,
    pub(super) position: Position,
    /// From where it was asked for, or what was known where it was not.
    pub(super) asked: Option<Position>,
    pub(super) events: &'a [WireEvent],
}

#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// Nothing, before the room was first joined, for those who listen from now on.
    cursors: BTreeMap<ListenerId, Option<Position>>,
    history: History,
}

impl Listeners {
    pub(super) fn add(&mut self, id: ListenerId, at: Option<Position>) {
        self.cursors.insert(id, at);
    }

    pub(super) fn remove(&mut self, id: ListenerId) {
        if self.cursors.remove(&id).is_some() {
            self.history.forget(id);
        }
    }

    /// The position from which all are served: the least one of those that can be compared.
    pub(super) fn since(&self) -> Option<Position> {
        let mut cursors = self.cursors.values().flatten().copied();
        let first = cursors.next()?;
        Some(cursors.fold(first, |least, cursor| {
            if cursor.is_before(least) {
                cursor
            } else {
                least
            }
        }))
    }

    /// The room's next events.
    pub(super) fn next(&mut self, epoch: Epoch, events: &[WireEvent], sink: &mut Sink<'_>) {
        let news = self.history.judge(epoch, events);
        for (listener, cursor) in &mut self.cursors {
            // A listener of another life of the log waits for its reset.
            if let Some(at) = cursor.as_mut().filter(|at| at.epoch == epoch) {
                deliver(*listener, at, events, &news, &mut self.history, sink);
            }
        }
    }

    /// An event that has no number yet: it is told now, and not again when it has one.
    pub(super) fn provisional(&mut self, event: &WireEvent, sink: &mut Sink<'_>) {
        if !self.history.pin(event) {
            return;
        }
        for (listener, cursor) in &self.cursors {
            if let Some(at) = cursor
                && self.history.tell(*listener, &event.id)
            {
                sink.0
                    .push_back(Output::Event(*listener, *at, event.clone()));
            }
        }
    }

    /// The room as it is shown anew. True where some are not served by it, and it is to be asked for once more.
    pub(super) fn joined(&mut self, shown: &Shown<'_>, sink: &mut Sink<'_>) -> bool {
        let &Shown {
            outcome,
            position,
            asked,
            events,
        } = shown;
        let news = self.history.judge(position.epoch, events);
        let (mut again, mut anew) = (false, None);
        for (listener, cursor) in &mut self.cursors {
            let Some(at) = cursor else {
                *cursor = Some(position);
                continue;
            };
            if at.is_before(position) && (outcome == Outcome::Replay || begins_with(events, *at)) {
                deliver(*listener, at, events, &news, &mut self.history, sink);
            }
            // Only a reset takes anyone back.
            let ahead = position.is_before(*at) && outcome != Outcome::Reset;
            if *at == position || ahead {
                continue;
            }
            let asked_before = asked.is_some_and(|asked| {
                asked.epoch == at.epoch
                    && match outcome {
                        // What is too old for one listener may be had for those that are further.
                        Outcome::Reset => asked.seq == at.seq,
                        _ => asked.seq <= at.seq,
                    }
            });
            if at.is_before(position) && !asked_before {
                again = true;
            } else {
                // What has happened since the room's order began anew is told after the reset.
                let before = position.seq.checked_sub(events.len() as u64);
                let leads_here = |seq: &u64| {
                    let first = events.first();
                    first.is_some_and(|first| Some(first.seq) == seq.checked_add(1))
                };
                let seq = before.filter(leads_here).unwrap_or(position.seq);
                *at = match outcome {
                    Outcome::Reset => Position { seq, ..position },
                    _ => position,
                };
                sink.0.push_back(Output::Reset(*listener, *at));
                let history = &mut self.history;
                let news = anew.get_or_insert_with(|| history.judge_anew(position.epoch, events));
                deliver(*listener, at, events, news, &mut self.history, sink);
            }
        }
        again
    }
}

/// Whether these events go on from a place, which is of the same life of the room's log.
fn begins_with(events: &[WireEvent], at: Position) -> bool {
    events
        .first()
        .is_some_and(|first| first.seq <= at.seq.saturating_add(1))
}

/// Gives a listener the events that follow its cursor, and no other. What is no news only moves the cursor.
fn deliver(
    listener: ListenerId,
    cursor: &mut Position,
    events: &[WireEvent],
    news: &[bool],
    history: &mut History,
    sink: &mut Sink<'_>,
) {
    for (event, news) in events.iter().zip(news) {
        if Some(event.seq) == cursor.seq.checked_add(1) {
            cursor.seq = event.seq;
            if *news && history.tell(listener, &event.id) {
                sink.0
                    .push_back(Output::Event(listener, *cursor, event.clone()));
            }
        }
    }
}

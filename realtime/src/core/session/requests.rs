//! What was asked of the server, and what became of it.
//!
//! Everything that somebody waits for ends in one of three answers, and nothing waits for ever: what is not answered in
//! time, or cannot be sent because too much waits already, is lost.

use std::collections::{BTreeMap, VecDeque};

use crate::protocol::{ClientCommand, ProtocolError, RoomId};

/// The most requests that wait to be sent or answered.
pub const MAX_REQUESTS: usize = 64;

/// How long a request waits, in milliseconds.
pub const REQUEST_TIMEOUT_MS: u64 = 10_000;

/// Names a request of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The server did it.
    Acknowledged,
    /// The server refused it.
    Rejected(ProtocolError),
    /// It was not sent, or the answer did not come: the server may have done it or not.
    Lost,
}

/// What an acknowledgement belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Join(Vec<RoomId>),
    Leave(Vec<RoomId>),
    Heartbeat { at: u64 },
    Refresh,
    Request(RequestId),
}

#[derive(Debug)]
struct Waiting {
    id: RequestId,
    command: ClientCommand,
    until: u64,
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    next_request: u64,
    next_ack: u64,
    waiting: VecDeque<Waiting>,
    asked: BTreeMap<u64, (Asked, u64)>,
}

impl Requests {
    /// Takes a request. Nothing but its name where too much waits already: it is lost.
    pub(super) fn add(&mut self, now: u64, command: ClientCommand) -> (RequestId, bool) {
        let id = self.name();
        let taken = self.waiting.len() + self.asked.len() < MAX_REQUESTS;
        if taken {
            self.waiting.push_back(Waiting {
                id,
                command,
                until: now.saturating_add(REQUEST_TIMEOUT_MS),
            });
        }
        (id, taken)
    }

    /// A name for a request that is lost already.
    pub(super) fn name(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// The next request to be sent, with the number of its acknowledgement.
    pub(super) fn next(&mut self) -> Option<(u64, ClientCommand)> {
        let Waiting { id, command, until } = self.waiting.pop_front()?;
        let ack = self.expect(Asked::Request(id), until);
        Some((ack, command))
    }

    /// Numbers something that is sent.
    pub(super) fn expect(&mut self, asked: Asked, until: u64) -> u64 {
        let ack = self.next_ack;
        self.next_ack += 1;
        self.asked.insert(ack, (asked, until));
        ack
    }

    /// What an acknowledgement belongs to.
    pub(super) fn answered(&mut self, ack: u64) -> Option<Asked> {
        self.asked.remove(&ack).map(|(asked, _)| asked)
    }

    /// Whether something waits to be sent.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let waiting = self.waiting.front().map(|waiting| waiting.until);
        let asked = self.asked.values().map(|(_, until)| *until).min();
        waiting.into_iter().chain(asked).min()
    }

    /// What is not waited for any longer. A join goes on waiting: its answer always comes, or the end of the connection.
    pub(super) fn take_overdue(&mut self, now: u64) -> Vec<Asked> {
        let mut overdue = Vec::new();
        while self.waiting.front().is_some_and(|w| w.until <= now) {
            let unsent = self.waiting.pop_front();
            overdue.extend(unsent.map(|waiting| Asked::Request(waiting.id)));
        }
        let unanswered = self.asked.extract_if(.., |_, (_, until)| *until <= now);
        overdue.extend(unanswered.map(|(_, (asked, _))| asked));
        overdue
    }

    /// The connection is gone, and with it what it was asked, and what is only of the moment.
    pub(super) fn disconnected(&mut self) -> Vec<RequestId> {
        let asked = std::mem::take(&mut self.asked).into_values();
        let asked = asked.filter_map(|(asked, _)| match asked {
            Asked::Request(id) => Some(id),
            _ => None,
        });
        let mut lost: Vec<RequestId> = asked.collect();
        self.waiting.retain(|waiting| {
            let passing = matches!(waiting.command, ClientCommand::Signal { .. });
            lost.extend(passing.then_some(waiting.id));
            !passing
        });
        lost
    }

    /// Nothing is sent any more.
    pub(super) fn stopped(&mut self) -> Vec<RequestId> {
        let mut lost = self.disconnected();
        lost.extend(self.waiting.drain(..).map(|waiting| waiting.id));
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_one_end() {
        let mut requests = Requests::default();
        let status = || ClientCommand::Status { invisible: true };
        let (first, taken) = requests.add(0, status());
        assert!(taken);
        let (ack, _) = requests.next().unwrap();
        assert!(matches!(requests.answered(ack), Some(Asked::Request(id)) if id == first));
        assert!(requests.answered(ack).is_none(), "answered once");
        let (second, _) = requests.add(5, status());
        let (third, _) = requests.add(6, status());
        requests.next();
        assert_eq!(requests.deadline(), Some(5 + REQUEST_TIMEOUT_MS));
        assert_eq!(
            requests.take_overdue(5 + REQUEST_TIMEOUT_MS),
            [Asked::Request(second)]
        );
        assert_eq!(requests.stopped(), [third]);
        assert_eq!(requests.deadline(), None);
    }

    #[test]
    fn what_does_not_fit_is_lost_at_once() {
        let mut requests = Requests::default();
        for i in 0..MAX_REQUESTS + 3 {
            let (_, taken) = requests.add(0, ClientCommand::Bye);
            assert_eq!(taken, i < MAX_REQUESTS);
            requests.next();
        }
        assert_eq!(requests.disconnected().len(), MAX_REQUESTS);
    }
}

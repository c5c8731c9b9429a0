//! What was asked of the server, and that each of it ends once, in time.

use std::collections::BTreeMap;

use leptos_realtime::core::session::{Answer, REQUEST_TIMEOUT_MS, RequestId};

#[derive(Debug)]
struct Asked {
    at: u64,
    /// The connection on which it makes sense, where that is one.
    connection: Option<u64>,
}

/// The requests that are not answered yet.
#[derive(Debug, Default)]
pub struct Requests {
    open: BTreeMap<RequestId, Asked>,
    /// Every signal, by the number that it carries.
    signals: Vec<RequestId>,
}

impl Requests {
    /// The number that the next signal is to carry.
    #[must_use]
    pub fn next_signal(&self) -> u64 {
        self.signals.len() as u64
    }

    /// A signal, which is of this connection or of none.
    pub fn signal(&mut self, id: RequestId, at: u64, connection: u64) {
        self.signals.push(id);
        self.add(id, at, Some(connection));
    }

    /// A request that may wait for a connection.
    pub fn add(&mut self, id: RequestId, at: u64, connection: Option<u64>) {
        let twice = self.open.insert(id, Asked { at, connection });
        assert!(twice.is_none(), "{id:?} is given out once");
    }

    /// A signal is sent.
    pub fn sent(&self, number: u64, connection: u64) {
        let id = self.signals[number as usize];
        let Some(asked) = self.open.get(&id) else {
            panic!("{id:?} is sent after its answer");
        };
        assert_eq!(
            asked.connection,
            Some(connection),
            "{id:?} is of the moment"
        );
    }

    /// What became of a request. Only the server's acknowledgement says that something was done or refused.
    pub fn answered(&mut self, id: RequestId, answer: &Answer, acknowledging: bool) {
        let known = self.open.remove(&id).is_some();
        assert!(known, "{id:?} is answered once, and now with {answer:?}");
        assert!(
            acknowledging || *answer == Answer::Lost,
            "{id:?} ends as {answer:?}"
        );
    }

    /// Nothing waits longer than it may.
    pub fn check(&self, now: u64) {
        for (id, asked) in &self.open {
            assert!(
                now < asked.at.saturating_add(REQUEST_TIMEOUT_MS),
                "{id:?} waits since {} and it is {now}",
                asked.at
            );
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

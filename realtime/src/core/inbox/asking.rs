//! When to ask the server: one question at a time, and later and later while there is no answer.

use crate::core::backoff::Backoff;

/// How many questions in a row may be answered without an end of them before there is a pause: where the answers never
/// settle it, a server would be asked for ever.
const IN_A_ROW: u32 = 8;

/// A question that was begun. An answer counts only for the question that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    UnderWay(Ticket),
    Waiting(Ticket),
}

/// What is under way, and when the next question is due.
#[derive(Clone, Debug)]
pub struct Asking {
    backoff: Backoff,
    state: State,
    tickets: u64,
    /// How many have failed in a row.
    failed: u32,
    /// How many were answered in a row.
    answered: u32,
}

impl Asking {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            state: State::Idle,
            tickets: 0,
            failed: 0,
            answered: 0,
        }
    }

    /// A question may be asked now; none while another one is under way, or it is too early.
    pub fn begin(&mut self) -> Option<Ticket> {
        if self.state != State::Idle {
            return None;
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.state = State::UnderWay(ticket);
        Some(ticket)
    }

    /// It was answered. The wait before the next one, in milliseconds; none where it may be asked at once, or the answer
    /// came to a question that does not count any more.
    pub fn answered(&mut self, ticket: Ticket, entropy: u64) -> Option<u64> {
        if self.state != State::UnderWay(ticket) {
            return None;
        }
        self.state = State::Idle;
        self.failed = 0;
        self.answered += 1;
        if self.answered < IN_A_ROW {
            return None;
        }
        self.state = State::Waiting(ticket);
        let attempt = (self.answered - IN_A_ROW).min(u32::from(u8::MAX));
        Some(self.backoff.delay_ms(attempt, entropy))
    }

    /// It was not answered. The wait before it is asked again, in milliseconds; none where it does not count any more.
    pub fn failed(&mut self, ticket: Ticket, entropy: u64) -> Option<u64> {
        if self.state != State::UnderWay(ticket) {
            return None;
        }
        self.state = State::Waiting(ticket);
        let wait = self.backoff.delay_ms(self.failed, entropy);
        self.failed = self.failed.saturating_add(1);
        Some(wait)
    }

    /// The wait is over. Says whether anybody waited for it.
    pub fn waited(&mut self, ticket: Ticket) -> bool {
        let waited = self.state == State::Waiting(ticket);
        if waited {
            self.state = State::Idle;
        }
        waited
    }

    /// There is nothing to ask: what comes next comes at once. A wait or a question that is under way goes on.
    pub fn settled(&mut self) {
        if self.state == State::Idle {
            (self.failed, self.answered) = (0, 0);
        }
    }

    /// What is under way does not count any more, as somebody else asks now.
    pub fn begin_anew(&mut self) {
        self.state = State::Idle;
        (self.failed, self.answered) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREATEST: u64 = u64::MAX;

    fn asking() -> Asking {
        Asking::new(Backoff {
            base_ms: 9,
            cap_ms: 99,
        })
    }

    #[test]
    fn there_is_one_question_and_one_wait_at_a_time() {
        let mut asking = asking();
        let first = asking.begin().unwrap();
        assert_eq!(asking.begin(), None, "it is under way");
        assert!(asking.failed(first, 0).is_some());
        assert_eq!(asking.begin(), None, "it is too early");
        assert_eq!(asking.failed(first, 0), None, "one timer is enough");
        assert!(asking.waited(first));
        assert!(!asking.waited(first));
        assert!(asking.begin().is_some());
    }

    #[test]
    fn it_waits_longer_and_longer_until_there_is_an_answer() {
        let mut asking = asking();
        let mut wait = |entropy| {
            let ticket = asking.begin().unwrap();
            let wait = asking.failed(ticket, entropy).unwrap();
            assert!(asking.waited(ticket));
            wait
        };
        // Of a ceiling of 9 ms, 18, 36, 72 and 99: the entropy is the ceiling itself.
        assert_eq!(
            [9, 18, 36, 72, 99, 99].map(&mut wait),
            [9, 18, 36, 72, 99, 99]
        );
        let ticket = asking.begin().unwrap();
        assert_eq!(asking.answered(ticket, 0), None);
        let ticket = asking.begin().unwrap();
        assert_eq!(asking.failed(ticket, 9), Some(9));
    }

    #[test]
    fn answers_that_settle_nothing_are_not_asked_for_ever() {
        let mut asking = asking();
        let mut at_once = 0;
        for _ in 0..1_000 {
            let Some(ticket) = asking.begin() else { break };
            at_once += 1;
            if asking.answered(ticket, GREATEST).is_some() {
                assert_eq!(asking.begin(), None);
                break;
            }
        }
        assert_eq!(at_once, IN_A_ROW);
        let mut asking = self::asking();
        for _ in 0..1_000 {
            let ticket = asking.begin().unwrap();
            assert_eq!(asking.answered(ticket, GREATEST), None);
            asking.settled();
        }
    }

    #[test]
    fn what_was_asked_for_somebody_else_does_not_count() {
        let mut asking = asking();
        let old = asking.begin().unwrap();
        asking.begin_anew();
        let new = asking.begin().unwrap();
        assert_eq!(
            (asking.answered(old, 0), asking.failed(old, 0)),
            (None, None)
        );
        assert!(!asking.waited(old));
        assert_eq!(asking.begin(), None, "the new one is under way");
        assert!(asking.failed(new, 0).is_some());
    }
}

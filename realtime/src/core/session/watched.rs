//! The people of one room who are shown in any case, as the parts of a page ask for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{JoinRoom, UserId};

/// Names one list of watched people of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchId(pub(super) u64);

#[derive(Debug, Default)]
pub(super) struct Watched {
    lists: BTreeMap<WatchId, Vec<UserId>>,
    all: Vec<UserId>,
}

impl Watched {
    /// Sets a list. True where that makes a difference to the server.
    pub(super) fn set(&mut self, id: WatchId, people: Vec<UserId>) -> bool {
        self.lists.insert(id, people);
        self.merge()
    }

    /// Takes a list away. True where that makes a difference to the server.
    pub(super) fn remove(&mut self, id: WatchId) -> bool {
        self.lists.remove(&id);
        self.merge()
    }

    /// Everyone on the lists, once each, as many as the server takes: those of the first lists come first.
    pub(super) fn all(&self) -> &[UserId] {
        &self.all
    }

    fn merge(&mut self) -> bool {
        let mut known = BTreeSet::new();
        let people = self.lists.values().flatten();
        let all: Vec<UserId> = people
            .filter(|user| known.insert(*user))
            .take(JoinRoom::MAX_WATCHED)
            .cloned()
            .collect();
        let changed = self.all != all;
        self.all = all;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_merged_cut_and_taken_away_one_by_one() {
        let people = |ids: std::ops::Range<i64>| ids.map(UserId::from).collect::<Vec<_>>();
        let mut watched = Watched::default();
        assert!(watched.set(WatchId(1), people(0..3)));
        assert!(watched.set(WatchId(2), people(2..5)));
        assert_eq!(watched.all(), people(0..5));
        assert!(!watched.set(WatchId(3), people(1..4)), "all known");
        assert!(watched.remove(WatchId(1)));
        assert_eq!(watched.all().len(), 4);
        watched.set(WatchId(3), people(0..500));
        assert_eq!(watched.all().len(), JoinRoom::MAX_WATCHED);
    }
}

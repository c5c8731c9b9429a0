//! How often rights have changed: whoever was checked before a change is checked again.
//!
//! Counted for many small groups of people, so that a change to one person makes few others wait.

use std::{
    array,
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::protocol::UserId;

/// Into how many groups people fall.
pub(super) const GROUPS: usize = 64;

/// A person's group.
pub(super) fn group(user: &UserId) -> usize {
    let mut hasher = DefaultHasher::new();
    user.hash(&mut hasher);
    (hasher.finish() % GROUPS as u64) as usize
}

/// See the [module](self).
pub(super) struct Changes {
    any: AtomicU64,
    everyone: AtomicU64,
    groups: [AtomicU64; GROUPS],
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            any: AtomicU64::new(0),
            everyone: AtomicU64::new(0),
            groups: array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Changes {
    /// Something of a person changes.
    pub(super) fn note(&self, user: &UserId) {
        self.groups[group(user)].fetch_add(1, Ordering::AcqRel);
        self.any.fetch_add(1, Ordering::AcqRel);
    }

    /// Something may change for everyone.
    pub(super) fn note_everyone(&self) {
        self.everyone.fetch_add(1, Ordering::AcqRel);
        self.any.fetch_add(1, Ordering::AcqRel);
    }

    /// How often anything changed, for whoever is not known yet.
    pub(super) fn any(&self) -> u64 {
        self.any.load(Ordering::Acquire)
    }

    /// How often something changed that may concern this person, or a guest.
    pub(super) fn of(&self, user: Option<&UserId>) -> u64 {
        let everyone = self.everyone.load(Ordering::Acquire);
        let group = user.map_or(0, |user| self.groups[group(user)].load(Ordering::Acquire));
        // Both only grow, so the sum is the same only where neither has.
        everyone.wrapping_add(group)
    }
}

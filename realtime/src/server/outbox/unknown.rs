//! Rows that this version cannot read: a newer instance wrote them, and one that knows their form is to carry them out.
//!
//! They are left unmarked and hold nothing up. Where none of that version ever comes, they are given up.

use std::collections::HashSet;

use crate::{protocol::UnixMillis, server::store::UnreadableRow};

/// For how long they are left, in milliseconds: longer than a version that was taken back for a fault stays away.
const LEFT_FOR_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// The most that are remembered. Others are read again with each look, and not told of.
const MOST: usize = 10_000;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Unknown {
    known: HashSet<i64>,
    /// Those that the present look has met.
    met: HashSet<i64>,
}

impl Unknown {
    /// Whether a row is known to be one, and left alone.
    pub(super) fn contains(&mut self, id: i64, created: UnixMillis, now: UnixMillis) -> bool {
        let is_left = self.known.contains(&id) && !is_over(created, now);
        if is_left {
            self.met.insert(id);
        }
        is_left
    }

    /// A row cannot be read. Whether it is left for others: otherwise it was left for too long.
    pub(super) fn leave(&mut self, row: &UnreadableRow, now: UnixMillis) -> bool {
        let UnreadableRow { id, created, why } = row;
        if is_over(*created, now) {
            self.known.remove(id);
            tracing::error!(
                id,
                why,
                "a row of realtime_outbox is given up: no instance could read it"
            );
            return false;
        }
        if self.known.len() >= MOST && !self.known.contains(id) {
            return true;
        }
        self.met.insert(*id);
        let first = self.known.is_empty();
        if self.known.insert(*id) {
            match first {
                true => tracing::warn!(
                    id,
                    why,
                    "a row of realtime_outbox is of a form that this version does not know, as perhaps others: \
                     they are left for a newer instance"
                ),
                false => tracing::debug!(id, why, "a row is left for a newer instance"),
            }
        }
        true
    }

    /// A look has seen everything: others than these another instance has taken care of.
    pub(super) fn looked(&mut self) {
        let met = std::mem::take(&mut self.met);
        self.known.retain(|id| met.contains(id));
    }
}

fn is_over(created: UnixMillis, now: UnixMillis) -> bool {
    now.saturating_sub(created) >= LEFT_FOR_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, created: UnixMillis) -> UnreadableRow {
        UnreadableRow {
            id,
            created,
            why: "new".to_owned(),
        }
    }

    #[test]
    fn a_row_is_left_for_some_days_and_not_for_ever() {
        let mut unknown = Unknown::default();
        let (now, end) = (1_000, 1_000 + LEFT_FOR_MS);
        assert!(unknown.leave(&row(7, now), now));
        assert!(unknown.contains(7, now, end - 1));
        assert!(!unknown.contains(7, now, end), "it is looked at once more");
        assert!(!unknown.leave(&row(7, now), end), "and given up");
        assert!(!unknown.contains(8, now, now));
    }

    #[test]
    fn what_another_instance_took_care_of_is_forgotten() {
        let mut unknown = Unknown::default();
        assert!(unknown.leave(&row(7, 0), 0) && unknown.leave(&row(8, 0), 0));
        unknown.looked();
        assert!(unknown.contains(8, 0, 1));
        unknown.looked();
        assert!(!unknown.contains(7, 0, 2) && unknown.contains(8, 0, 2));
    }

    #[test]
    fn there_is_a_bound_for_what_is_remembered() {
        let mut unknown = Unknown::default();
        for id in 0..=MOST as i64 {
            assert!(unknown.leave(&row(id, 0), 0), "left all the same");
        }
        assert_eq!((unknown.known.len(), unknown.met.len()), (MOST, MOST));
    }
}

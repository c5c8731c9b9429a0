//! What is marked as seen because it was shown.

use std::collections::BTreeMap;

use crate::protocol::{NotificationId, WireNotification};

/// Remembers what was marked as seen: each notification once for each time that something came, also where the server
/// refused it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often something had come when it was marked.
    marked: BTreeMap<NotificationId, u32>,
}

impl Seen {
    /// Of what is shown, that which is to be marked as seen now, at most so many.
    pub fn take(&mut self, shown: &[WireNotification], most: usize) -> Vec<NotificationId> {
        let unseen = shown.iter().filter(|one| one.seen.is_none());
        let new = unseen.filter(|one| self.marked.get(&one.id) != Some(&one.count));
        let new: Vec<_> = new.take(most).map(|one| (one.id, one.count)).collect();
        self.marked.extend(new.iter().copied());
        new.into_iter().map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::one, *};

    #[test]
    fn what_is_shown_is_marked_once_each_time_that_something_came() {
        let mut seen = Seen::default();
        let mut shown = vec![one(1, 10, 1), one(2, 20, 2), one(3, 30, 3)];
        shown[1].seen = Some(25);
        let ids = |ids: &[i64]| ids.iter().copied().map(NotificationId).collect::<Vec<_>>();
        assert_eq!(seen.take(&shown, 1), ids(&[1]));
        assert_eq!(seen.take(&shown, 9), ids(&[3]));
        assert_eq!(seen.take(&shown, 9), ids(&[]), "whatever became of it");
        shown[2].count = 2;
        assert_eq!(seen.take(&shown, 9), ids(&[3]));
    }
}

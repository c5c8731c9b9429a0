//! The store of a host without a database: people are forgotten when the process ends.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use super::{PersonRecord, Store, StoreError};
use crate::protocol::{UnixMillis, UserId};

/// The most people who are remembered.
const MAX_PEOPLE: usize = 100_000;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct MemoryStore {
    people: Mutex<HashMap<UserId, PersonRecord>>,
    limit: usize,
    /// Whether nodes of one process share it.
    shared: AtomicBool,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::bounded(MAX_PEOPLE)
    }
}

impl MemoryStore {
    fn bounded(limit: usize) -> Self {
        Self {
            people: Mutex::default(),
            limit,
            shared: AtomicBool::new(false),
        }
    }

    /// Held for a few records, never across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, PersonRecord>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, user: &UserId, change: impl FnOnce(&mut PersonRecord)) {
        let mut people = self.lock();
        change(people.entry(user.clone()).or_default());
        if people.len() > self.limit {
            forget_some(&mut people, self.limit);
        }
    }
}

/// Makes room for a tenth: people of whom only is known when they were last here go before others, and of those the
/// ones who were here the longest ago.
fn forget_some(people: &mut HashMap<UserId, PersonRecord>, limit: usize) {
    let mut order: Vec<_> = people
        .iter()
        .map(|(user, record)| {
            let plain = !record.invisible && record.not_before.is_none();
            (!plain, record.last_seen, user.clone())
        })
        .collect();
    order.sort_unstable();
    let excess = people.len().saturating_sub(limit - limit / 10);
    for (_, _, user) in order.into_iter().take(excess) {
        people.remove(&user);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn person(&self, user: &UserId) -> Result<PersonRecord, StoreError> {
        Ok(self.lock().get(user).cloned().unwrap_or_default())
    }

    async fn set_invisible(&self, user: &UserId, invisible: bool) -> Result<(), StoreError> {
        self.change(user, |person| person.invisible = invisible);
        Ok(())
    }

    async fn set_not_before(&self, user: &UserId, at: UnixMillis) -> Result<(), StoreError> {
        self.change(user, |person| {
            person.not_before = person.not_before.max(Some(at));
        });
        Ok(())
    }

    async fn seen(&self, people: &[(UserId, UnixMillis)]) -> Result<(), StoreError> {
        for (user, at) in people {
            self.change(user, |person| {
                person.last_seen = person.last_seen.max(Some(*at));
            });
        }
        Ok(())
    }

    fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    #[cfg(feature = "testing")]
    fn share(&self) {
        self.shared.store(true, Ordering::Release);
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::suite;

    #[tokio::test]
    async fn the_memory_store_keeps_people_as_every_store_does() {
        suite::people(&MemoryStore::default()).await;
    }

    #[tokio::test]
    async fn when_it_is_full_it_forgets_first_who_was_only_seen_and_longest_ago() {
        let store = MemoryStore::bounded(10);
        store.set_invisible(&UserId::from(1), true).await.unwrap();
        store.set_not_before(&UserId::from(2), 5).await.unwrap();
        for user in 3_i64..=11 {
            let at = 100 + user.unsigned_abs();
            store.seen(&[(UserId::from(user), at)]).await.unwrap();
        }
        assert_eq!(store.lock().len(), 9);
        assert!(store.person(&UserId::from(1)).await.unwrap().invisible);
        let second = store.person(&UserId::from(2)).await.unwrap();
        assert_eq!(second.not_before, Some(5));
        let third = store.person(&UserId::from(3)).await.unwrap();
        assert_eq!(third, PersonRecord::default());
        let last = store.person(&UserId::from(11)).await.unwrap();
        assert_eq!(last.last_seen, Some(111));
    }
}

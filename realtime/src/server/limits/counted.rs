//! How many of something live at once, by key.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what lives, such as the connections of each person, and keeps it within a limit. Cheap to clone; all clones
/// count together.
#[derive(Debug)]
pub(crate) struct Counted<K: Eq + Hash>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    limit: usize,
    /// A key is there as long as something of it lives.
    live: Mutex<HashMap<K, usize>>,
}

/// One that counts, until it is dropped.
#[derive(Debug)]
#[must_use = "it counts only as long as it is held"]
pub(crate) struct Place<K: Eq + Hash> {
    inner: Arc<Inner<K>>,
    key: K,
}

impl<K: Eq + Hash> Clone for Counted<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Eq + Hash + Clone> Counted<K> {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            live: Mutex::default(),
        }))
    }

    /// One more of this key, or none where the limit is reached.
    pub(crate) fn enter(&self, key: K) -> Option<Place<K>> {
        let mut live = self.0.live();
        match live.entry(key.clone()) {
            Entry::Occupied(mut count) if *count.get() < self.0.limit => *count.get_mut() += 1,
            Entry::Vacant(vacant) if self.0.limit > 0 => {
                vacant.insert(1);
            }
            _ => return None,
        }
        drop(live);
        Some(Place {
            inner: self.0.clone(),
            key,
        })
    }
}

impl<K> Inner<K> {
    fn live(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut live = self.inner.live();
        if let Some(count) = live.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_live_at_once_and_each_key_has_its_own() {
        let counted = Counted::new(2);
        let (first, second) = (counted.enter("ada"), counted.enter("ada"));
        assert!(first.is_some() && second.is_some());
        assert!(counted.enter("ada").is_none());
        assert!(counted.clone().enter("ada").is_none());
        assert!(counted.enter("bob").is_some());
        drop(first);
        assert!(counted.enter("ada").is_some());
    }

    #[test]
    fn a_key_of_which_nothing_lives_takes_no_memory() {
        let counted = Counted::new(1);
        let place = counted.enter(7);
        assert!(counted.enter(7).is_none());
        assert_eq!(counted.0.live().len(), 1);
        drop(place);
        assert!(counted.0.live().is_empty());
        assert!(Counted::new(0).enter(7).is_none());
    }

    #[test]
    fn a_place_outlives_its_counter_and_counts_from_any_thread() {
        let counted = Counted::new(8);
        let places: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..32)
                .map(|_| scope.spawn(|| counted.enter("room")))
                .collect();
            tries
                .into_iter()
                .filter_map(|tried| tried.join().unwrap())
                .collect()
        });
        assert_eq!(places.len(), 8);
        drop(counted);
        drop(places);
    }
}

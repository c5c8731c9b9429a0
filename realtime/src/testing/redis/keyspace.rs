//! What Redis holds: keys, their values, and when they end.

use std::collections::{BTreeMap, BTreeSet};

/// A name or a value.
pub(super) type Bytes = Vec<u8>;

/// The value of a key. Where Redis promises no order, this has one: a life must be the same each time it is lived.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Hash(BTreeMap<Bytes, Bytes>),
    Set(BTreeSet<Bytes>),
    Sorted(BTreeMap<Bytes, f64>),
    Stream(Stream),
}

/// Entries by id: name, value, and so on.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) entries: BTreeMap<(u64, u64), Vec<Bytes>>,
    pub(super) last: (u64, u64),
}

#[derive(Clone, Debug)]
struct Held {
    item: Item,
    /// In milliseconds since the Unix epoch: Redis goes by the wall clock, too.
    ends: Option<u64>,
}

/// See the [module](self). A clone is what an RDB file would hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyspace {
    keys: BTreeMap<Bytes, Held>,
    /// The time, which stands still while a script runs.
    pub(super) now: u64,
}

impl Item {
    fn is_empty(&self) -> bool {
        match self {
            Self::Hash(hash) => hash.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Sorted(sorted) => sorted.is_empty(),
            // A stream remembers its last id.
            Self::Stream(_) => false,
        }
    }
}

impl Keyspace {
    /// Drops a key whose time is over.
    fn end(&mut self, key: &[u8]) {
        let over = |held: &Held| held.ends.is_some_and(|ends| ends <= self.now);
        if self.keys.get(key).is_some_and(over) {
            self.keys.remove(key);
        }
    }

    pub(super) fn get(&mut self, key: &[u8]) -> Option<&Item> {
        self.end(key);
        self.keys.get(key).map(|held| &held.item)
    }

    /// Changes a value, which is made where there is none, and is gone when nothing is left in it.
    pub(super) fn change<T>(
        &mut self,
        key: &[u8],
        new: Item,
        change: impl FnOnce(&mut Item) -> T,
    ) -> T {
        self.end(key);
        let held = self.keys.entry(key.to_vec());
        let held = held.or_insert(Held {
            item: new,
            ends: None,
        });
        let changed = change(&mut held.item);
        if held.item.is_empty() {
            self.keys.remove(key);
        }
        changed
    }

    /// Puts another value in a key's place; it has no end.
    pub(super) fn put(&mut self, key: &[u8], item: Item) {
        self.keys.remove(key);
        if !item.is_empty() {
            self.keys.insert(key.to_vec(), Held { item, ends: None });
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        self.end(key);
        self.keys.remove(key).is_some()
    }

    /// When a key ends; nothing where there is no such key.
    pub(super) fn ends(&mut self, key: &[u8]) -> Option<Option<u64>> {
        self.end(key);
        self.keys.get(key).map(|held| held.ends)
    }

    /// A key ends then. False where there is none.
    pub(super) fn set_end(&mut self, key: &[u8], ends: Option<u64>) -> bool {
        self.end(key);
        let Some(held) = self.keys.get_mut(key) else {
            return false;
        };
        held.ends = ends;
        self.end(key);
        true
    }

    /// All keys, in the order of their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &Bytes> {
        self.keys.keys()
    }
}

//! Hash maps whose order may decide what happens first: in simulations it is the same each time, and otherwise nobody's
//! to foresee.

use std::collections;

#[cfg(feature = "testing")]
type Hashed = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;
#[cfg(not(feature = "testing"))]
type Hashed = std::hash::RandomState;

pub(crate) type HashMap<K, V> = collections::HashMap<K, V, Hashed>;
pub(crate) type HashSet<K> = collections::HashSet<K, Hashed>;

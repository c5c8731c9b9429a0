//! Hash maps whose order may decide what happens first: in simulations it is the same each time, and otherwise nobody's
//! to foresee.

#[cfg(not(feature = "testing"))]
pub(crate) use std::collections::{HashMap, HashSet};

#[cfg(feature = "testing")]
pub(crate) use fixed::{HashMap, HashSet};

#[cfg(feature = "testing")]
mod fixed {
    use std::{
        collections,
        hash::{BuildHasherDefault, DefaultHasher},
    };

    type Fixed = BuildHasherDefault<DefaultHasher>;

    pub(crate) type HashMap<K, V> = collections::HashMap<K, V, Fixed>;
    pub(crate) type HashSet<K> = collections::HashSet<K, Fixed>;
}

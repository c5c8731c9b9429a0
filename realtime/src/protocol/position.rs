//! A place in a room's order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One life of a room's log: random, new when the log begins anew. On the wire 16 hexadecimal digits, because a 64-bit
/// number does not survive JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal(deserializer)?
            .map(Self)
            .ok_or_else(|| de::Error::custom("an epoch is 16 hexadecimal digits"))
    }
}

/// A number of 16 hexadecimal digits, if it is one.
pub(super) fn hexadecimal<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(digits
        .then(|| u64::from_str_radix(&text, 16).ok())
        .flatten())
}

/// A place in a room's order: everything up to and including event `seq` of this `epoch`.
///
/// `seq` counts from 1; 0 is the place before the first event. Positions of different epochs cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The life of the room's log.
    pub epoch: Epoch,
    /// The number of the last event before this place.
    pub seq: u64,
}

impl Position {
    /// Whether `self` lies before `other` in the same epoch.
    #[must_use]
    pub fn is_before(self, other: Self) -> bool {
        self.epoch == other.epoch && self.seq < other.seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_survives_json_as_hexadecimal_text() {
        let position = Position {
            epoch: Epoch(u64::MAX - 1),
            seq: 7,
        };
        let json = serde_json::to_string(&position).unwrap();
        assert_eq!(json, r#"{"epoch":"fffffffffffffffe","seq":7}"#);
        assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
        assert!(serde_json::from_str::<Epoch>("\"12\"").is_err());
        assert!(serde_json::from_str::<Epoch>("\"+123456789abcdef\"").is_err());
    }
}

//! A short summary of what a client shows of a room's people, by which a server finds out that they have diverged.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Member, Status};

/// The sum, modulo 2⁶⁴, of a hash for each member and one for each number shown. A sum knows no order, and can be kept
/// up to date member by member. On the wire 16 hexadecimal digits, as an [`Epoch`](super::Epoch).
///
/// The hash is [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/) of 64 bits over UTF-8 text. A member's text has one
/// line each, ended by a line feed, for `user`, `name`, `status`, each of `devices`, `since`, and for each of `at` its
/// `room` and `since`. A number's text is its name, `=`, and its decimal digits: `guests=3`, `count=250`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest of everyone shown, with the numbers beside them.
    #[must_use]
    pub fn of<'a>(members: impl IntoIterator<Item = &'a Member>, guests: u32, count: u32) -> Self {
        let mut digest = Self::default();
        members.into_iter().for_each(|member| digest.add(member));
        digest.with_numbers(guests, count)
    }

    /// Counts a member in.
    pub fn add(&mut self, member: &Member) {
        self.0 = self.0.wrapping_add(hash(&text(member)));
    }

    /// Counts a member out.
    pub fn remove(&mut self, member: &Member) {
        self.0 = self.0.wrapping_sub(hash(&text(member)));
    }

    /// The members' digest with the numbers beside them.
    #[must_use]
    pub fn with_numbers(self, guests: u32, count: u32) -> Self {
        let numbers =
            hash(&format!("guests={guests}")).wrapping_add(hash(&format!("count={count}")));
        Self(self.0.wrapping_add(numbers))
    }
}

fn text(member: &Member) -> String {
    use fmt::Write;
    let status = match member.status {
        Status::Online => "online",
        Status::Away => "away",
        Status::Invisible => "invisible",
    };
    let mut text = format!("{}\n{}\n{status}\n", member.user, member.name);
    let mut line = |line: fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}");
    };
    for device in &member.devices {
        line(format_args!("{}", device.as_str()));
    }
    line(format_args!("{}", member.since));
    for place in &member.at {
        line(format_args!("{}", place.room));
        line(format_args!("{}", place.since));
    }
    text
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::position::hexadecimal(deserializer)?
            .map(Self)
            .ok_or_else(|| de::Error::custom("a digest is 16 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DeviceKind, Place, UserId};

    fn member(user: i64) -> Member {
        Member {
            user: UserId::from(user),
            name: "Ada".into(),
            status: Status::Online,
            devices: vec![DeviceKind::Desktop],
            since: 5,
            at: Vec::new(),
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(text(&member(1)), "1\nAda\nonline\ndesktop\n5\n");
    }

    #[test]
    fn the_example_of_the_protocols_document_is_true() {
        let document = include_str!("../../PROTOCOL.md");
        let one = Member {
            user: UserId::from(7),
            devices: vec![DeviceKind::Desktop, DeviceKind::Mobile],
            since: 1_795_324_165_000,
            at: vec![Place {
                room: "board:7".parse().unwrap(),
                since: 1_795_324_170_000,
            }],
            ..member(7)
        };
        let two = Member {
            name: "Zoë".into(),
            status: Status::Away,
            devices: vec![DeviceKind::Mobile],
            since: 1_795_324_166_000,
            ..member(9)
        };
        for text in [text(&one), text(&two), "guests=3".into(), "count=2".into()] {
            let row = format!(
                "| `{}` | `{:016x}` |",
                text.replace('\n', "\\n"),
                hash(&text)
            );
            assert!(document.contains(&row), "{row}");
        }
        let row = format!("| the digest | `{}` |", Digest::of([&one, &two], 3, 2));
        assert!(document.contains(&row), "{row}");
    }

    #[test]
    fn order_does_not_matter_and_every_field_does() {
        let (one, two) = (member(1), member(2));
        let digest = Digest::of([&one, &two], 0, 2);
        assert_eq!(digest, Digest::of([&two, &one], 0, 2));
        let place = Place {
            room: "board:7".parse().unwrap(),
            since: 5,
        };
        for changed in [
            Member {
                user: UserId::from(3),
                ..one.clone()
            },
            Member {
                name: "Bob".into(),
                ..one.clone()
            },
            Member {
                status: Status::Away,
                ..one.clone()
            },
            Member {
                devices: vec![DeviceKind::Mobile],
                ..one.clone()
            },
            Member {
                since: 6,
                ..one.clone()
            },
            Member {
                at: vec![place],
                ..one.clone()
            },
        ] {
            assert_ne!(digest, Digest::of([&changed, &two], 0, 2), "{changed:?}");
        }
        assert_ne!(digest, Digest::of([&one, &two], 1, 2));
        assert_ne!(digest, Digest::of([&one, &two], 0, 3));
        let mut kept = Digest::default();
        kept.add(&one);
        kept.add(&two);
        kept.remove(&one);
        assert_eq!(kept.with_numbers(0, 1), Digest::of([&two], 0, 1));
    }
}

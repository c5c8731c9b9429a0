//! Newtypes for the ids on the wire, each with the length it is checked against.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The greatest length, in bytes.
            pub const MAX_LEN: usize = $max;

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                if text.is_empty() || text.len() > Self::MAX_LEN || text.chars().any(char::is_control) {
                    return Err(format!(
                        concat!(stringify!($name), " must be 1 to {} bytes without control characters, got {} bytes"),
                        Self::MAX_LEN,
                        text.len()
                    ));
                }
                Ok(Self(text))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = String;

            fn try_from(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// A person, by the host's own id (a number or a UUID in text form). Others see it.
    UserId,
    64
);
string_id!(
    /// One tab's connection, resumable across reloads and instances. Only its own client and the server know it; it
    /// counts together with the signed-in user, so that knowing somebody's session id is not enough to take it over.
    SessionId,
    64
);
string_id!(
    /// What a browser keeps across its tabs: two tabs of one browser are one device.
    DeviceId,
    64
);
string_id!(
    /// Names an event for good: the same event shown twice, or published twice, is recognised by it.
    EventId,
    64
);

string_id!(
    /// What an event is about, such as `post:7`: of two events about the same thing the one with the greater version
    /// counts, whatever order they come in.
    SubjectKey,
    128
);

/// Names what a server and the client that it serves were made from, as its host says it: two that differ were made from
/// something else. Which of them is newer it does not say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct BuildId(String);

impl BuildId {
    /// The name under which a page's HTML says of which build it is.
    pub(crate) const META: &str = "leptos-realtime-build";

    /// The greatest length, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BuildId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::MAX_LEN || !visible {
            return Err(format!(
                "a build is named by 1 to {} visible ASCII characters, without spaces",
                Self::MAX_LEN
            ));
        }
        Ok(Self(text))
    }
}

impl TryFrom<&str> for BuildId {
    type Error = String;

    fn try_from(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a build's name; one that is none is none, and no reason to refuse what it came with.
pub(super) fn build_if_any<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<BuildId>, D::Error> {
    let text = Option::<serde_json::Value>::deserialize(from)?;
    let text = text.as_ref().and_then(serde_json::Value::as_str);
    Ok(text.and_then(|text| BuildId::try_from(text).ok()))
}

impl From<i64> for UserId {
    fn from(id: i64) -> Self {
        Self(id.to_string())
    }
}

/// A signed-in person, as the host's `authenticate` returns them and as others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The host's id of the person.
    pub id: UserId,
    /// The name to show.
    pub name: String,
}

impl User {
    /// A user by id and name.
    ///
    /// ```
    /// use leptos_realtime::User;
    /// assert_eq!(User::new(7, "Ada").id.as_str(), "7");
    /// ```
    #[must_use]
    pub fn new(id: impl Into<UserId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
        }
    }

    /// A user whose name is their id too, where it can be one: 1 to 64 bytes without control characters. For a demo, and
    /// for hosts whose names are for good.
    ///
    /// ```
    /// use leptos_realtime::User;
    /// assert_eq!(User::named("Ada").map(|ada| ada.id.to_string()), Some("Ada".to_owned()));
    /// assert_eq!(User::named(""), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let id = UserId::try_from(name).ok()?;
        Some(Self::new(id, name))
    }
}

/// The name.
impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_empty_too_long_or_has_control_characters_is_refused() {
        assert!(SessionId::try_from("").is_err());
        assert!(SessionId::try_from("x".repeat(65)).is_err());
        assert!(SessionId::try_from("a\nb").is_err());
        assert!(serde_json::from_str::<SessionId>("\"\"").is_err());
        assert_eq!(SessionId::try_from("abc").unwrap().as_str(), "abc");
    }

    #[test]
    fn a_build_is_named_by_visible_letters() {
        for name in ["", "a b", "a\n", "é", &"x".repeat(65)] {
            assert!(BuildId::try_from(name).is_err(), "{name:?}");
        }
        assert_eq!(
            BuildId::try_from("v1.2+3f2a").unwrap().as_str(),
            "v1.2+3f2a"
        );
    }
}

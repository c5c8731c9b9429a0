//! What is said in the control room.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::protocol::{RoomId, UnixMillis, UserId};

/// What every node is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlEvent {
    /// End a person's sessions.
    Kick {
        /// Whose.
        user: UserId,
    },
    /// End a person's sessions, unless they were signed in after this.
    Revoke {
        /// Whose.
        user: UserId,
        /// As it is kept in the store.
        not_before: UnixMillis,
    },
    /// Check a person's rights again.
    Recheck {
        /// Whose.
        user: UserId,
    },
    /// Read again whether a person hides.
    Invisible {
        /// Who.
        user: UserId,
        /// As it is kept in the store, for nodes whose store is their own.
        invisible: bool,
    },
    /// Take everyone out of a room. Its log is about to be cleared.
    CloseRoom {
        /// Which.
        room: RoomId,
    },
    /// A room's log is cleared, and the entries of whoever came meanwhile with it: say again who is there.
    RoomCleared {
        /// Which.
        room: RoomId,
    },
    /// Forget what was kept of something in the host's database.
    Invalidate {
        /// The host's name for it.
        what: String,
    },
    /// Check everyone again: something may have been said that is lost, or that only a newer node understands.
    Everything,
}

/// An event, and the node that said it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(super) from: String,
    pub(crate) event: ControlEvent,
}

impl Said {
    pub(super) fn write(&self) -> Box<RawValue> {
        to_raw_value(self).expect("names and numbers")
    }

    /// What cannot be read was said by a newer node: it may concern anybody.
    pub(crate) fn read(data: &RawValue) -> Self {
        serde_json::from_str(data.get()).unwrap_or_else(|error| {
            tracing::warn!(%error, "a newer instance said what this one does not know: everyone is checked again");
            Self {
                from: String::new(),
                event: ControlEvent::Everything,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ControlEvent {
        Said::read(&RawValue::from_string(text.to_owned()).unwrap()).event
    }

    #[test]
    fn c10_what_a_newer_node_says_is_checked_and_never_fatal() {
        let user = UserId::from(7);
        for event in [
            ControlEvent::Kick { user: user.clone() },
            ControlEvent::Revoke {
                user: user.clone(),
                not_before: 5,
            },
            ControlEvent::Invisible {
                user,
                invisible: true,
            },
            ControlEvent::CloseRoom {
                room: "board:7".parse().unwrap(),
            },
            ControlEvent::Everything,
        ] {
            let from = "a".to_owned();
            let said = Said { from, event };
            assert_eq!(Said::read(&said.write()).event, said.event);
        }
        for unknown in [
            r#"{"from":"a","event":{"teleport":{"user":"7"}}}"#,
            r#"{"from":"a","event":"dance"}"#,
            r#"{"from":"a","event":{"kick":{"device":"d"}}}"#,
            "7",
        ] {
            assert_eq!(read(unknown), ControlEvent::Everything, "{unknown}");
        }
        let more = r#"{"from":"a","at":1,"event":{"kick":{"user":"7","for":"spam"}}}"#;
        let user = UserId::from(7);
        assert_eq!(read(more), ControlEvent::Kick { user });
    }
}

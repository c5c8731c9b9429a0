//! The names of things in Redis. Everything of one room stands in one slot of a Cluster, and so does everything of the
//! nodes, together with the control room.

use crate::{
    core::message::RunId,
    protocol::{RoomId, reserved::control_room},
};

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The room's hash, log, ids, dead and channel, in the order in which its scripts take them.
    pub(super) fn room(&self, room: &RoomId) -> Vec<String> {
        let room = self.head(room);
        let of = |part| format!("{room}:{part}");
        vec![
            room.clone(),
            of("log"),
            of("ids"),
            of("dead"),
            of("channel"),
        ]
    }

    /// The room's hash alone.
    pub(super) fn head(&self, room: &RoomId) -> String {
        format!("{}:{{{room}}}", self.prefix)
    }

    /// The room's channel alone.
    pub(super) fn channel(&self, room: &RoomId) -> String {
        format!("{}:channel", self.head(room))
    }

    /// The room of a channel.
    pub(super) fn room_of(&self, channel: &str) -> Option<RoomId> {
        let rest = channel.strip_prefix(&self.prefix)?.strip_prefix(":{")?;
        rest.strip_suffix("}:channel")?.parse().ok()
    }

    fn nodes(&self, part: &str) -> String {
        format!("{}:{part}", self.head(&control_room()))
    }

    /// Beats, dead and unswept, and one more key.
    fn nodes_and(&self, more: String) -> Vec<String> {
        vec![
            self.nodes("beats"),
            self.nodes("dead-runs"),
            self.nodes("unswept"),
            more,
        ]
    }

    /// What a beat looks at.
    pub(super) fn beat(&self) -> Vec<String> {
        self.nodes_and(self.head(&control_room()))
    }

    /// What is looked at where it is about one run.
    pub(super) fn run(&self, run: RunId) -> Vec<String> {
        self.nodes_and(self.nodes(&format!("rooms:{run}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_names_its_room_and_all_keys_of_a_room_share_a_slot() {
        let keys = Keys::new("app");
        let room: RoomId = "board:7".parse().unwrap();
        assert_eq!(keys.room_of(&keys.channel(&room)), Some(room.clone()));
        assert_eq!(keys.room(&room)[4], keys.channel(&room));
        assert_eq!(keys.room_of("other:{board:7}:channel"), None);
        assert_eq!(keys.room_of("app:{board:7}:log"), None);
        assert!(
            keys.room(&room)
                .iter()
                .all(|key| key.starts_with("app:{board:7}"))
        );
        assert!(
            keys.run(RunId(1))
                .iter()
                .chain(&keys.beat())
                .all(|key| key.starts_with("app:{control:all}"))
        );
    }
}

//! Joins and leaves in messages that a server takes: neither too long nor with too much to be refused at once.

use crate::protocol::{JoinRoom, RoomId};

/// The most rooms of one message.
const MAX_ROOMS: usize = 32;

/// The most bytes of one message's rooms, but for a single one: half of what a server takes at least.
const MAX_BYTES: usize = 8 * 1_024;

/// Parts joins into messages.
pub(super) fn of_joins(joins: Vec<JoinRoom>) -> Vec<Vec<JoinRoom>> {
    parts(joins, |join| {
        serde_json::to_string(join).map_or(MAX_BYTES, |json| json.len() + 1)
    })
}

/// Parts leaves into messages.
pub(super) fn of_leaves(leaves: Vec<RoomId>) -> Vec<Vec<RoomId>> {
    parts(leaves, |room| room.as_str().len() + 3)
}

fn parts<T>(items: Vec<T>, bytes_of: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let more = bytes_of(&item);
        match parts.last_mut() {
            Some(part) if part.len() < MAX_ROOMS && bytes + more <= MAX_BYTES => {
                bytes += more;
                part.push(item);
            }
            _ => {
                bytes = more;
                parts.push(vec![item]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::UserId;

    #[test]
    fn a_message_has_so_many_rooms_and_bytes_and_none_is_left_out() {
        let room = |i: usize| format!("board:{i}").parse::<RoomId>().unwrap();
        let joins: Vec<_> = (0..70).map(|i| JoinRoom::new(room(i))).collect();
        let lengths = |parts: &[Vec<JoinRoom>]| parts.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&of_joins(joins.clone())), [32, 32, 6]);
        let watch: Vec<_> = (0..100)
            .map(|i| UserId::try_from(format!("{i:036}")).unwrap())
            .collect();
        let long = joins.into_iter().take(5).map(|join| JoinRoom {
            watch: watch.clone(),
            ..join
        });
        assert_eq!(lengths(&of_joins(long.collect())), [2, 2, 1]);
        assert_eq!(of_leaves((0..33).map(room).collect()).len(), 2);
    }
}

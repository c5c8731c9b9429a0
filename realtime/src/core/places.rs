//! From where a component listens whose room may change.

use std::collections::VecDeque;

use crate::protocol::{Position, RoomId};

/// The most rooms that are remembered of one component.
const REMEMBERED: usize = 64;

/// The places up to which one component knows its rooms: what the page's data covers, and what the component was told.
#[derive(Debug, Default)]
pub struct Places {
    told: VecDeque<(RoomId, Position)>,
    /// The position that was given last, and the room whose it is.
    given: Option<(RoomId, Position)>,
    first: Option<RoomId>,
}

impl Places {
    /// The component was told everything of a room up to here.
    pub fn told(&mut self, room: &RoomId, position: Position) {
        if let Some((_, at)) = self.told.iter_mut().find(|(known, _)| known == room) {
            *at = position;
            return;
        }
        self.told.push_front((room.clone(), position));
        self.told.truncate(REMEMBERED);
    }

    /// Where to begin, given a position that never changes. It belongs to the first room; other rooms begin with their
    /// first view, or where the component left them.
    pub fn begin(
        &mut self,
        room: &RoomId,
        given: Option<Position>,
        first_view: Option<Position>,
    ) -> Option<Position> {
        let first = self.first.get_or_insert_with(|| room.clone());
        let given = match first == room {
            true => given,
            false => first_view,
        };
        self.later(room, given)
    }

    /// Where to begin, given a position that follows the page's data: a new one is that of new data, in place of what the
    /// component was told. Nothing where it is still that of another room.
    pub fn follow(&mut self, room: &RoomId, given: Option<Position>) -> Option<Position> {
        let given = given?;
        match &self.given {
            Some((of, known)) if *known == given => {
                (of == room).then(|| self.later(room, Some(given)))?
            }
            // New data may have been read before the last event came, and does not have it.
            _ => {
                self.given = Some((room.clone(), given));
                self.told(room, given);
                Some(given)
            }
        }
    }

    /// What the component was told is not told again; but data of another life of the room's log is newer.
    fn later(&self, room: &RoomId, given: Option<Position>) -> Option<Position> {
        let told = self.told.iter().find(|(known, _)| known == room);
        let told = told.map(|(_, told)| *told);
        match (given, told) {
            (Some(given), Some(told)) if given.is_before(told) => Some(told),
            (given, told) => given.or(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Epoch;

    fn at(epoch: u64, seq: u64) -> Option<Position> {
        let epoch = Epoch(epoch);
        Some(Position { epoch, seq })
    }

    fn rooms() -> [RoomId; 2] {
        ["board:1", "board:2"].map(|room| room.parse().unwrap())
    }

    #[test]
    fn c1_a_room_that_is_come_back_to_repeats_nothing() {
        let [a, b] = rooms();
        let mut places = Places::default();
        assert_eq!(places.begin(&a, at(1, 4), None), at(1, 4));
        places.told(&a, at(1, 9).unwrap());
        assert_eq!(places.begin(&b, at(1, 4), None), None, "not its position");
        assert_eq!(places.begin(&b, at(1, 4), at(2, 7)), at(2, 7));
        assert_eq!(places.begin(&a, at(1, 4), None), at(1, 9));
        assert_eq!(places.begin(&b, None, at(3, 1)), at(3, 1));
    }

    #[test]
    fn c2_a_position_counts_for_the_room_whose_data_it_came_with() {
        let [a, b] = rooms();
        let mut places = Places::default();
        assert_eq!(places.follow(&a, None), None, "not loaded yet");
        assert_eq!(places.follow(&a, at(1, 4)), at(1, 4));
        places.told(&a, at(1, 9).unwrap());
        assert_eq!(places.follow(&b, at(1, 4)), None, "still the other's");
        assert_eq!(places.follow(&a, at(1, 4)), at(1, 9), "back at once");
        assert_eq!(places.follow(&b, at(1, 4)), None);
        assert_eq!(places.follow(&b, at(2, 7)), at(2, 7));
        assert_eq!(places.follow(&a, at(2, 7)), None);
        assert_eq!(places.follow(&a, at(1, 12)), at(1, 12), "newer data");
    }

    #[test]
    fn c2_data_that_was_read_before_the_last_event_is_told_of_it_again() {
        let [a, b] = rooms();
        let mut places = Places::default();
        assert_eq!(places.follow(&a, at(1, 4)), at(1, 4));
        places.told(&a, at(1, 9).unwrap());
        assert_eq!(places.follow(&a, at(1, 8)), at(1, 8), "it has no event 9");
        assert_eq!(places.follow(&b, at(1, 8)), None);
        assert_eq!(places.follow(&a, at(1, 8)), at(1, 8), "nor was it told");
        places.told(&a, at(1, 9).unwrap());
        assert_eq!(places.follow(&a, at(1, 8)), at(1, 9));
    }

    #[test]
    fn c12_so_many_rooms_are_remembered() {
        let mut places = Places::default();
        for i in 0..200 {
            let room = format!("board:{i}").parse().unwrap();
            places.told(&room, at(1, 1).unwrap());
        }
        assert_eq!(places.told.len(), REMEMBERED);
    }
}

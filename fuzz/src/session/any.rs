//! Frames of a room such as no server should send: any numbers, in any order.

use leptos_realtime::{
    Member, Position, RoomId,
    protocol::{Epoch, Joined, Outcome, Own, RoomFrame, Signalled, TypingNow, WireEvent},
};

use crate::{
    letters::number,
    people::{pick, user, user_id},
    said::{self, Said},
};

#[must_use]
pub fn position(epoch: u64, seq: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        seq: number(seq),
    }
}

/// Makes frames whose events all have names of their own.
#[derive(Debug, Default)]
pub struct Anything {
    named: u64,
}

impl Anything {
    /// Any view of a room; its events end at its position.
    pub fn joined(&mut self, room: &RoomId, [outcome, epoch, seq, frame, count]: [u64; 5]) -> Said {
        let outcomes = [Outcome::Fresh, Outcome::Replay, Outcome::Reset];
        let position = position(epoch, seq);
        let first = position.seq.saturating_sub(count).saturating_add(1);
        Said::Joined(Joined {
            room: room.clone(),
            outcome: pick(&outcomes, outcome),
            position,
            frame: number(frame),
            events: self.events(room, first, count),
            members: people(frame),
            count: (count > 7).then_some(count as u32),
            guests: count as u32,
            own: people(epoch),
            typing: user(seq).into_iter().collect(),
            last_seen: None,
        })
    }

    /// Any frame of a room.
    pub fn frame(&mut self, room: &RoomId, [frame, first, count]: [u64; 3]) -> Said {
        Said::Room(RoomFrame {
            room: room.clone(),
            frame: number(frame),
            events: self.events(room, number(first), count),
            members: people(count),
            gone: vec![user_id(2)],
            count: (count > 7).then_some(count as u32),
            guests: Some(3),
            last_seen: Some(count),
        })
    }

    /// Any of the frames without a number.
    #[must_use]
    pub fn unnumbered(&self, room: &RoomId, [which, count]: [u64; 2]) -> Said {
        let room = room.clone();
        match which % 3 {
            0 => Said::Own(Own {
                room,
                members: people(count),
            }),
            1 => Said::Typing(TypingNow {
                room,
                users: (0..count).filter_map(user).collect(),
            }),
            _ => Said::Signal(Signalled {
                room,
                user: Some(user_id(count)),
                data: said::data(count),
            }),
        }
    }

    fn events(&mut self, room: &RoomId, first: u64, count: u64) -> Vec<WireEvent> {
        let event = |i| {
            self.named += 1;
            let id = format!("{}/any/{}", room.kind(), self.named);
            WireEvent {
                seq: first.saturating_add(i),
                id: id.try_into().expect("an event's name"),
                at: 0,
                subject: None,
                origin: None,
                data: said::data(i),
            }
        };
        (0..count).map(event).collect()
    }
}

fn people(count: u64) -> Vec<Member> {
    let member = |who| {
        let user = user(who)?;
        Some(Member {
            user: user.id,
            name: user.name,
            status: Default::default(),
            devices: Vec::new(),
            since: who,
            at: Vec::new(),
        })
    };
    (0..count % 4).filter_map(member).collect()
}

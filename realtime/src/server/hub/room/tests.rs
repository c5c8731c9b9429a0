//! For whom a room waits, and until when.

use super::*;
use crate::{
    core::message::Entry,
    protocol::{DeviceKind, SessionId, Status, User},
};

const ADA: RunId = RunId(1);

fn entry(run: RunId) -> Entry {
    Entry {
        session: SessionId::try_from("s").unwrap(),
        user: Some(User::new(1, "Ada")),
        incarnation: 1,
        run,
        device: None,
        device_kind: DeviceKind::Other,
        status: Status::Online,
        since: 5,
        at: Vec::new(),
    }
}

fn snapshot(epoch: u64, entries: Vec<Entry>) -> RoomSnapshot {
    RoomSnapshot {
        position: Position {
            epoch: Epoch(epoch),
            seq: 0,
        },
        version: 0,
        entries,
        events: Vec::new(),
    }
}

fn looks(begun: u64, answered: u64) -> Looks {
    Looks { begun, answered }
}

fn here(generation: u64, pass: u64) -> Standing {
    Standing::Here { generation, pass }
}

/// A room with Ada in it, of which Redis forgets after the seventh look.
fn renewed() -> ServedRoom {
    let served = ServedRoom::new(
        "board:7".parse().unwrap(),
        Crowd::default(),
        Retention::default(),
    );
    {
        let mut room = served.lock();
        room.load(snapshot(1, vec![entry(ADA)]), 0, |_| false);
        room.hold(looks(1, 1));
        assert!(!room.waits());
        room.load(snapshot(2, Vec::new()), 0, |_| false);
        room.hold(looks(7, 6));
        assert!(room.waits());
    }
    served
}

#[test]
fn c7_what_a_node_said_before_the_room_began_anew_lets_go_of_nobody() {
    let served = renewed();
    let mut room = served.lock();
    // It has told everything anew, but perhaps before the room began anew: the answer is to a look of before.
    for answered in [6, 7] {
        room.release(9, looks(8, answered), |_| here(2, 1));
        assert_eq!(room.sessions(), 1);
    }
    for pass in 1..4 {
        room.release(9, looks(9, 8), |_| here(2, pass));
        assert_eq!(room.sessions(), 1, "pass {pass}");
    }
    room.release(9, looks(12, 12), |_| here(2, 4));
    assert_eq!(room.sessions(), 0, "it has looked at the room since");
    assert!(!room.waits());
}

#[test]
fn c7_a_room_that_begins_anew_twice_waits_anew() {
    let served = renewed();
    let mut room = served.lock();
    room.release(9, looks(8, 8), |_| here(1, 9));
    room.load(snapshot(3, Vec::new()), 0, |_| false);
    room.hold(looks(8, 8));
    room.release(9, looks(9, 8), |_| here(2, 1));
    room.release(9, looks(9, 9), |_| here(2, 1));
    assert_eq!(room.sessions(), 1, "it said so in the life before");
    room.release(9, looks(10, 10), |_| here(3, 0));
    assert_eq!(room.sessions(), 1, "it has not said everything yet");
    room.release(9, looks(11, 11), |_| here(3, 1));
    assert_eq!(room.sessions(), 0);
}

#[test]
fn c7_who_comes_or_goes_while_redis_is_away_is_shown_until_this_node_has_told_it() {
    let served = renewed();
    let mut room = served.lock();
    let ada = entry(RunId::default());
    room.shown_here(5, EntryChange::Enter(ada), 1, looks(7, 7));
    assert_eq!(room.sessions(), 1);
    room.release(9, looks(7, 7), |_| Standing::Gone);
    assert_eq!(room.sessions(), 1, "nothing is known since");
    room.release(9, looks(8, 8), |_| here(1, 1));
    room.release(9, looks(11, 11), |_| here(1, 4));
    assert_eq!(room.sessions(), 0);
}

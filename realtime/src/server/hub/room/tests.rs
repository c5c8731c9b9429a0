//! For whom a room waits, and until when.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::value::RawValue;

use super::*;
use crate::{
    core::message::Entry,
    protocol::{DeviceKind, SessionId, Status, User},
    server::hub::viewer::NotSent,
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
        Arc::default(),
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

/// Someone with a buffer for so many frames, who keeps what they are sent.
struct Reader {
    key: EntryKey,
    room: AtomicUsize,
    sent: Mutex<Vec<(String, String)>>,
}

impl Reader {
    fn with_room(frames: usize) -> Arc<Self> {
        Arc::new(Self {
            key: entry(ADA).key(),
            room: frames.into(),
            sent: Mutex::default(),
        })
    }

    /// The ids of the events that it was sent, in order, once each.
    fn heard(&self) -> Vec<String> {
        let mut heard = Vec::new();
        for (name, payload) in &*self.sent.lock().unwrap() {
            let frame: serde_json::Value = serde_json::from_str(payload).unwrap();
            let events = match &**name {
                "provisional" => vec![frame["event"].clone()],
                _ => frame["events"].as_array().cloned().unwrap_or_default(),
            };
            for event in events {
                let id = event["id"].as_str().unwrap().to_owned();
                if !heard.contains(&id) {
                    heard.push(id);
                }
            }
        }
        heard
    }
}

impl Viewer for Reader {
    fn id(&self) -> ViewerId {
        ViewerId(std::ptr::from_ref(self) as u64)
    }

    fn key(&self) -> &EntryKey {
        &self.key
    }

    fn send(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        let left = self.room.load(Ordering::Relaxed);
        self.room.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 0 {
            return Err(NotSent);
        }
        let sent = (name.to_owned(), payload.get().to_owned());
        self.sent.lock().unwrap().push(sent);
        Ok(())
    }

    fn send_spare(&self, _: &str, _: &RawValue) -> Result<(), NotSent> {
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.room.load(Ordering::Relaxed) > 0
    }
}

fn event(seq: u64, id: &str) -> WireEvent {
    WireEvent {
        seq,
        id: id.try_into().unwrap(),
        at: 1,
        subject: None,
        origin: None,
        data: RawValue::from_string("1".to_owned()).unwrap(),
    }
}

#[test]
fn c6_who_comes_later_or_reads_slowly_hears_what_has_no_number_yet_in_the_same_order() {
    let served = ServedRoom::new(
        "board:7".parse().unwrap(),
        Crowd::default(),
        Retention::default(),
        Arc::default(),
    );
    let mut room = served.lock();
    room.load(snapshot(1, Vec::new()), 0, |_| false);
    let join = |room: &mut RoomState, reader: &Arc<Reader>| {
        let viewer: Arc<dyn Viewer> = reader.clone();
        assert!(room.join(&viewer, None, Vec::new(), false));
    };
    let early = Reader::with_room(100);
    join(&mut room, &early);
    let slow = Reader::with_room(2);
    join(&mut room, &slow);
    for id in ["a", "b", "c"] {
        room.provisional(&event(0, id));
    }
    room.provisional(&event(0, "a"));
    assert_eq!(early.heard(), ["a", "b", "c"]);
    assert_eq!(slow.heard(), ["a"], "there is no room for more");
    let late = Reader::with_room(100);
    join(&mut room, &late);
    room.provisional(&event(0, "d"));
    assert_eq!(late.heard(), ["a", "b", "c", "d"]);
    assert_eq!(slow.heard(), ["a"], "nothing later before what is missing");

    let numbered = |seq, id, previous: Option<&str>| RoomMessage::Event {
        epoch: Epoch(1),
        event: Arc::new(event(seq, id)),
        previous: previous.map(|id| id.try_into().unwrap()),
    };
    assert_eq!(room.apply(&numbered(1, "a", None), 0), Applied::Urgent);
    assert_eq!(room.apply(&numbered(2, "b", Some("a")), 0), Applied::Urgent);
    slow.room.store(100, Ordering::Relaxed);
    room.flush();
    room.tick(0);
    for reader in [&early, &slow, &late] {
        assert_eq!(&reader.heard()[..3], ["a", "b", "c"]);
    }
    let last = Reader::with_room(100);
    join(&mut room, &last);
    assert_eq!(
        last.heard().len(),
        2,
        "what has a number is in the view's place"
    );
    assert_eq!(slow.heard(), ["a", "b", "c", "d"]);
}

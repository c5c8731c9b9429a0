//! How a node hears the control room: as a viewer of its hub, with all that the hub does for viewers.

use std::collections::{HashSet, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::Said;
use crate::{
    core::message::EntryKey,
    protocol::{Epoch, EventId, Joined, Outcome, Position, RoomFrame, SessionId, WireEvent},
    server::{
        broker::MAX_REMEMBERED,
        hub::{NotSent, Viewer, ViewerId},
    },
};

/// The frames that may wait. The hub shows again what did not fit.
const FRAMES: usize = 64;

/// What the gateway is to do.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Not all that was said before this can be known: look at everything.
    Anew(Position),
    /// This was said, and the place is after it.
    Said(Said, Position),
}

/// A frame as it was sent.
enum Sent {
    Joined(Box<RawValue>),
    Room(Box<RawValue>),
}

/// See the [module](self).
pub(crate) struct Listener {
    id: ViewerId,
    key: EntryKey,
    frames: mpsc::Sender<Sent>,
}

/// The other end of a [`Listener`].
pub(crate) struct Frames {
    frames: mpsc::Receiver<Sent>,
    epoch: Epoch,
    /// What was said, by its ids: it may come again where the control room begins anew.
    heard: VecDeque<EventId>,
}

impl Listener {
    pub(crate) fn new(id: ViewerId) -> (Self, Frames) {
        let (sender, receiver) = mpsc::channel(FRAMES);
        let session = SessionId::try_from("control").expect("a valid name");
        let listener = Self {
            id,
            key: EntryKey {
                user: None,
                session,
            },
            frames: sender,
        };
        let frames = Frames {
            frames: receiver,
            epoch: Epoch(0),
            heard: VecDeque::new(),
        };
        (listener, frames)
    }
}

impl Viewer for Listener {
    fn id(&self) -> ViewerId {
        self.id
    }

    fn key(&self) -> &EntryKey {
        &self.key
    }

    fn send(&self, name: &str, payload: &RawValue) -> Result<(), NotSent> {
        let sent = match name {
            "joined" => Sent::Joined(payload.to_owned()),
            "room" => Sent::Room(payload.to_owned()),
            _ => return Ok(()),
        };
        self.frames.try_send(sent).map_err(|_| NotSent)
    }

    fn send_spare(&self, _name: &str, _payload: &RawValue) -> Result<(), NotSent> {
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.frames.capacity() > 0
    }
}

fn read<'a, T: Deserialize<'a>>(frame: &'a RawValue) -> T {
    serde_json::from_str(frame.get()).expect("the hub's own frame")
}

impl Frames {
    /// What was said next, in order; nothing, once the hub has ended.
    pub(crate) async fn next(&mut self) -> Option<Vec<Heard>> {
        let (events, anew) = match self.frames.recv().await? {
            Sent::Joined(frame) => {
                let joined: Joined = read(&frame);
                self.epoch = joined.position.epoch;
                match joined.outcome {
                    Outcome::Replay => (joined.events, None),
                    Outcome::Fresh => (Vec::new(), Some(joined.position)),
                    // A kick is kept nowhere else: what is there of it holds, unless it was heard before.
                    Outcome::Reset => (self.unheard(joined.events), Some(joined.position)),
                }
            }
            Sent::Room(frame) => (read::<RoomFrame>(&frame).events, None),
        };
        self.heard
            .extend(events.iter().map(|event| event.id.clone()));
        let most = self.heard.len().min(MAX_REMEMBERED);
        self.heard.drain(..self.heard.len() - most);
        let said = |event: WireEvent| {
            let position = Position {
                epoch: self.epoch,
                seq: event.seq,
            };
            Heard::Said(Said::read(&event.data), position)
        };
        let anew = anew.map(Heard::Anew);
        Some(events.into_iter().map(said).chain(anew).collect())
    }

    fn unheard(&self, events: Vec<WireEvent>) -> Vec<WireEvent> {
        let heard: HashSet<&EventId> = self.heard.iter().collect();
        let is_new = |event: &WireEvent| !heard.contains(&event.id);
        events.into_iter().filter(is_new).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::{
        protocol::{UserId, reserved::control_room},
        server::control::ControlEvent,
    };

    fn kick(seq: u64, user: i64) -> WireEvent {
        let said = Said {
            from: "a".to_owned(),
            event: ControlEvent::Kick {
                user: UserId::from(user),
            },
        };
        WireEvent {
            seq,
            id: EventId::try_from(format!("kick {user}")).unwrap(),
            at: 0,
            subject: None,
            origin: None,
            data: said.write(),
        }
    }

    fn joined(epoch: u64, outcome: Outcome, events: Vec<WireEvent>) -> Box<RawValue> {
        let joined = Joined {
            room: control_room(),
            outcome,
            position: Position {
                epoch: Epoch(epoch),
                seq: events.len() as u64,
            },
            frame: 1,
            events,
            members: Vec::new(),
            count: None,
            guests: 0,
            own: Vec::new(),
            typing: Vec::new(),
            last_seen: None,
        };
        to_raw_value(&joined).unwrap()
    }

    async fn heard(frames: &mut Frames) -> Vec<String> {
        let heard = frames.next().await.unwrap().into_iter();
        heard
            .map(|heard| match heard {
                Heard::Anew(position) => format!("anew at {}", position.seq),
                Heard::Said(said, _) => match said.event {
                    ControlEvent::Kick { user } => format!("kick {user}"),
                    other => format!("{other:?}"),
                },
            })
            .collect()
    }

    #[tokio::test]
    async fn c10_what_is_known_after_the_control_room_began_anew_is_done_once_and_everyone_is_checked()
     {
        let (listener, mut frames) = Listener::new(ViewerId(1));
        let fresh = joined(1, Outcome::Fresh, Vec::new());
        listener.send("joined", &fresh).unwrap();
        assert_eq!(heard(&mut frames).await, ["anew at 0"]);
        let next = joined(1, Outcome::Replay, vec![kick(1, 7)]);
        listener.send("joined", &next).unwrap();
        assert_eq!(heard(&mut frames).await, ["kick 7"]);
        // What was kept of the life before comes again, and what was said meanwhile for the first time.
        let begun = joined(2, Outcome::Reset, vec![kick(1, 7), kick(2, 8)]);
        listener.send("joined", &begun).unwrap();
        assert_eq!(heard(&mut frames).await, ["kick 8", "anew at 2"]);
    }
}

//! How a node hears the control room: as a viewer of its hub, with all that the hub does for viewers.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::Said;
use crate::{
    core::message::EntryKey,
    protocol::{Epoch, Joined, Outcome, Position, RoomFrame, SessionId, WireEvent},
    server::hub::{NotSent, Viewer, ViewerId},
};

/// The frames that may wait. The hub shows again what did not fit.
const FRAMES: usize = 64;

/// What the gateway is to do.
#[derive(Debug)]
pub(crate) enum Heard {
    /// What was said before this cannot be known: look at everything.
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
                    Outcome::Fresh | Outcome::Reset => (Vec::new(), Some(joined.position)),
                }
            }
            Sent::Room(frame) => (read::<RoomFrame>(&frame).events, None),
        };
        let said = |event: WireEvent| {
            let position = Position {
                epoch: self.epoch,
                seq: event.seq,
            };
            Heard::Said(Said::read(&event.data), position)
        };
        let anew = anew.map(Heard::Anew);
        Some(
            anew.into_iter()
                .chain(events.into_iter().map(said))
                .collect(),
        )
    }
}

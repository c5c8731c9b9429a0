//! A server's frames about a room, kept typed until they are sent.

use leptos_realtime::{
    RoomId,
    protocol::{Joined, Own, RoomFrame, Signalled, TypingNow, WireEvent},
};
use serde::Serialize;
use serde_json::value::RawValue;

/// A frame about a room.
#[derive(Clone, Debug)]
pub enum Said {
    Joined(Joined),
    Room(RoomFrame),
    Own(Own),
    Typing(TypingNow),
    Signal(Signalled),
}

impl Said {
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Joined(joined) => event("joined", joined),
            Self::Room(frame) => event("room", frame),
            Self::Own(own) => event("own", own),
            Self::Typing(typing) => event("typing", typing),
            Self::Signal(signal) => event("signal", signal),
        }
    }

    #[must_use]
    pub fn events(&self) -> &[WireEvent] {
        match self {
            Self::Joined(joined) => &joined.events,
            Self::Room(frame) => &frame.events,
            Self::Own(_) | Self::Typing(_) | Self::Signal(_) => &[],
        }
    }

    #[must_use]
    pub fn room(&self) -> &RoomId {
        match self {
            Self::Joined(joined) => &joined.room,
            Self::Room(frame) => &frame.room,
            Self::Own(own) => &own.room,
            Self::Typing(typing) => &typing.room,
            Self::Signal(signal) => &signal.room,
        }
    }
}

/// A frame as it is sent.
pub fn event<T: Serialize>(name: &str, payload: &T) -> String {
    let json = serde_json::to_string(&(name, payload)).expect("frames are plain data");
    format!("42{json}")
}

/// A number as JSON.
#[must_use]
pub fn data(number: u64) -> Box<RawValue> {
    serde_json::value::to_raw_value(&number).expect("a number")
}

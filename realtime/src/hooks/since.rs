//! From which position a component listens.

use leptos::prelude::{ArcMemo, Get, Memo, ReadSignal, RwSignal, Signal};

use crate::protocol::Position;

/// From where [`use_room_events`](super::use_room_events) tells of a room: a position, or a signal of one.
///
/// A position belongs to the room with which the component began. Where the room is a signal, give a signal here too:
/// the component then waits for the new room's data, and misses nothing between its reading and the joining. While such
/// a signal is `None`, the data is not there yet, and nothing is told. When it changes, the data was read anew, and
/// everything after its position is told, also what was told before.
#[derive(Clone, Copy, Debug)]
pub struct Since(
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "only a browser listens")
    )]
    pub(crate) Kind,
);

#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "hydrate"),
    allow(dead_code, reason = "only a browser listens")
)]
pub(crate) enum Kind {
    Fixed(Option<Position>),
    Followed(Signal<Option<Position>>),
}

impl From<Position> for Since {
    fn from(position: Position) -> Self {
        Self(Kind::Fixed(Some(position)))
    }
}

/// `None` means: from now on.
impl From<Option<Position>> for Since {
    fn from(position: Option<Position>) -> Self {
        Self(Kind::Fixed(position))
    }
}

macro_rules! signals {
    ($($signal:ident),+) => {$(
        impl From<$signal<Option<Position>>> for Since {
            fn from(position: $signal<Option<Position>>) -> Self {
                // A memo, so that a signal set to what it holds already starts nothing anew.
                Self(Kind::Followed(Memo::new(move |_| position.get()).into()))
            }
        }
    )+};
}

signals!(Signal, Memo, RwSignal, ReadSignal, ArcMemo);

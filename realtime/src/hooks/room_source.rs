//! A room, or a signal of one.

use leptos::prelude::{ArcMemo, Get, Memo, ReadSignal, RwSignal, Signal};

use crate::protocol::{Room, RoomId};

/// What hooks and components take as their room: a [`Room`], or a signal of one, for a component that stays while the
/// route changes.
pub trait RoomSource: 'static {
    /// The kind of room.
    type Room: Room;

    /// The room's name, as it changes.
    fn into_room_id(self) -> Signal<RoomId>;
}

impl<R: Room> RoomSource for R {
    type Room = R;

    fn into_room_id(self) -> Signal<RoomId> {
        Signal::stored(self.room_id())
    }
}

macro_rules! signals {
    ($($signal:ident),+) => {$(
        impl<R: Room> RoomSource for $signal<R> {
            type Room = R;

            fn into_room_id(self) -> Signal<RoomId> {
                // A memo, so that a signal set to the room it holds already starts nothing anew.
                Memo::new(move |_| self.get().room_id()).into()
            }
        }
    )+};
}

signals!(Signal, Memo, RwSignal, ReadSignal, ArcMemo);

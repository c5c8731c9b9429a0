//! Messages and snapshots such as no broker should send: any numbers, in any order.

use std::sync::Arc;

use leptos_realtime::{
    Position,
    core::message::{RoomMessage, RoomSnapshot},
    protocol::{Epoch, WireEvent},
};

use crate::{letters::number, people, said};

#[must_use]
pub fn event([epoch, seq]: [u64; 2]) -> RoomMessage {
    RoomMessage::Event {
        epoch: Epoch(epoch),
        event: wire_event(number(seq)),
        previous: None,
    }
}

#[must_use]
pub fn presence([epoch, version, who, how]: [u64; 4]) -> RoomMessage {
    RoomMessage::Presence {
        epoch: Epoch(epoch),
        version: number(version),
        at: number(how),
        change: people::change(who, who / people::PEOPLE, how),
    }
}

/// A room whose events end about where it says.
#[must_use]
pub fn snapshot([epoch, seq, version, events, people]: [u64; 5]) -> RoomSnapshot {
    let seq = number(seq);
    let first = seq.saturating_sub(events / 2);
    let entry = |who| people::entry(who, who / people::PEOPLE, events);
    RoomSnapshot {
        position: Position {
            epoch: Epoch(epoch),
            seq,
        },
        version: number(version),
        entries: (0..people).map(entry).collect(),
        events: (0..events)
            .map(|i| wire_event(first.saturating_add(i)))
            .collect(),
    }
}

fn wire_event(seq: u64) -> Arc<WireEvent> {
    Arc::new(WireEvent {
        seq,
        id: format!("any{seq}").try_into().expect("an event's name"),
        at: 0,
        subject: None,
        origin: None,
        data: said::data(seq),
    })
}

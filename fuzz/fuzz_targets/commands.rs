//! Any text is a command or an error; a command reads back as it is written; and any text may be part of one.
#![no_main]

use leptos_realtime::{
    Position, RoomId, UserId,
    protocol::{ClientCommand, Digest, Epoch, JoinRoom, Seen},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(command) = ClientCommand::from_json(text) {
        reads_back(&command);
    }
    for command in with(text) {
        reads_back(&command);
    }
});

/// The same in every field, and not only the same once it is written again.
fn reads_back(command: &ClientCommand) {
    let written = command.to_json();
    let again = ClientCommand::from_json(&written).expect("what was written can be read");
    assert_eq!(again, *command);
    assert_eq!(format!("{again:?}"), format!("{command:?}"));
}

/// Each of the commands, with the text wherever it fits.
fn with(text: &str) -> Vec<ClientCommand> {
    let number = text.bytes().fold(0, |number: u64, byte| {
        number.rotate_left(7) ^ u64::from(byte)
    });
    let on = number % 2 == 1;
    let room: RoomId = text
        .parse()
        .unwrap_or_else(|_| "board:1".parse().expect("a room's name"));
    let join = JoinRoom {
        room: room.clone(),
        since: on.then_some(Position {
            epoch: Epoch(number),
            seq: number,
        }),
        watch: UserId::try_from(text).into_iter().collect(),
    };
    let seen = Seen {
        room: room.clone(),
        frame: number,
        digest: Digest(number),
    };
    vec![
        ClientCommand::Join(vec![join, JoinRoom::new(room.clone())]),
        ClientCommand::Leave(vec![room.clone()]),
        ClientCommand::Typing {
            room: room.clone(),
            on,
        },
        ClientCommand::Signal {
            room,
            data: serde_json::value::to_raw_value(text).expect("a text"),
        },
        ClientCommand::Heartbeat {
            active: on,
            rooms: vec![seen],
        },
        ClientCommand::Status { invisible: on },
        ClientCommand::Refresh {
            token: text.to_owned(),
        },
        ClientCommand::Bye,
    ]
}

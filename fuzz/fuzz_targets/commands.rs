//! Any text is a command or an error, and a command reads back as it is written.
#![no_main]

use leptos_realtime::protocol::ClientCommand;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(command) = ClientCommand::from_json(text) {
        assert_eq!(
            ClientCommand::from_json(&command.to_json()).as_ref(),
            Ok(&command)
        );
    }
});

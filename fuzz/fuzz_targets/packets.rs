//! Any text is a packet or an error, and nothing in a packet comes from elsewhere.
#![no_main]

use leptos_realtime::core::codec::Packet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(Packet::Event(json) | Packet::Ack(_, json)) = Packet::decode(text) {
        assert!(text.ends_with(json));
    }
});

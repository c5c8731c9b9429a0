//! Any text is a frame or an error, and what the crate itself writes of a frame reads back.
#![no_main]

use leptos_realtime::protocol::ServerFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(frame) = ServerFrame::from_json(text) else {
        return;
    };
    let written = match &frame {
        ServerFrame::Welcome(payload) => serde_json::to_string(&("welcome", payload)),
        ServerFrame::Joined(payload) => serde_json::to_string(&("joined", payload)),
        ServerFrame::Refused(payload) => serde_json::to_string(&("refused", payload)),
        ServerFrame::Room(payload) => serde_json::to_string(&("room", payload)),
        ServerFrame::Own(payload) => serde_json::to_string(&("own", payload)),
        ServerFrame::Typing(payload) => serde_json::to_string(&("typing", payload)),
        ServerFrame::Signal(payload) => serde_json::to_string(&("signal", payload)),
        ServerFrame::Status(payload) => serde_json::to_string(&("status", payload)),
        ServerFrame::Refreshed(payload) => serde_json::to_string(&("refreshed", payload)),
        ServerFrame::Error(payload) => serde_json::to_string(&("error", payload)),
        ServerFrame::Goodbye(payload) => serde_json::to_string(&("goodbye", payload)),
        _ => return,
    }
    .expect("what was read can be written");
    let again = ServerFrame::from_json(&written).expect("what was written can be read");
    assert_eq!(format!("{again:?}"), format!("{frame:?}"));
});

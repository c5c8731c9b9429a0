//! A server's replica of a room, told anything, and shown to three people: see [`leptos_realtime_fuzz`].
#![no_main]

use leptos_realtime_fuzz::replica::world::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| World::play(script));

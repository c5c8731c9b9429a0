//! The client's session in four rooms, against a server that does anything: see [`leptos_realtime_fuzz`].
#![no_main]

use leptos_realtime_fuzz::session::world::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| World::play(script));

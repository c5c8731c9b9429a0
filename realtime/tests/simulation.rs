//! Some hundred random lives of a cluster: see [`leptos_realtime::testing::simulation`].
#![cfg(feature = "testing")]

use leptos_realtime::testing::simulation::{Simulated, simulate};

/// How many lives are lived here; `cargo xtask chaos sim --seeds N` lives more.
const LIVES: u64 = 200;

#[test]
fn c3_whatever_happens_everybody_sees_the_truth_in_the_end() {
    let mut all = Simulated::default();
    for seed in 0..LIVES {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let done = runtime
            .block_on(simulate(seed))
            .unwrap_or_else(|untrue| panic!("{untrue}"));
        all.published += done.published;
        all.delivered += done.delivered;
        all.resets += done.resets;
        all.reconnects += done.reconnects;
    }
    // Otherwise nothing was tested.
    assert!(all.delivered > 10 * LIVES, "{all:?}");
    assert!(all.resets > 0 && all.reconnects > LIVES, "{all:?}");
}

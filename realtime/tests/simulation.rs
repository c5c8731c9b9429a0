//! Random lives of a cluster: see [`leptos_realtime::testing::simulation`].
#![cfg(feature = "testing")]

#[cfg(feature = "simulated-redis")]
use leptos_realtime::testing::simulation::simulate_redis;
use leptos_realtime::testing::simulation::{Simulated, Untrue, runtime, simulate};

/// How many lives are lived here; `cargo xtask chaos sim --seeds N` lives more.
const LIVES: u64 = 200;

fn live<F: Future<Output = Result<Simulated, Untrue>>>(lives: u64, life: impl Fn(u64) -> F) {
    let mut all = Simulated::default();
    for seed in 0..lives {
        let runtime = runtime(seed).expect("a runtime");
        let done = runtime
            .block_on(life(seed))
            .unwrap_or_else(|untrue| panic!("{untrue}"));
        all.published += done.published;
        all.delivered += done.delivered;
        all.resets += done.resets;
        all.reconnects += done.reconnects;
    }
    // Otherwise nothing was tested.
    assert!(all.delivered > 10 * lives, "{all:?}");
    assert!(all.resets > 0 && all.reconnects > lives, "{all:?}");
}

#[test]
fn c3_whatever_happens_everybody_sees_the_truth_in_the_end() {
    live(LIVES, simulate);
}

/// Over the stand-in for Redis, in parts, so that none takes long. `cargo xtask chaos sim --redis` lives more.
#[cfg(feature = "simulated-redis")]
mod over_redis {
    use super::{live, simulate_redis};

    const PART: u64 = 5;

    fn part(number: u64) {
        live(PART, |seed| simulate_redis(number * PART + seed));
    }

    #[test]
    fn c3_whatever_happens_to_redis_everybody_sees_the_truth_in_the_end() {
        part(0);
    }

    #[test]
    fn c5_whatever_happens_to_redis_nobody_who_stays_is_seen_to_leave() {
        part(1);
    }

    #[test]
    fn c6_whatever_happens_to_redis_what_is_kept_is_heard_once() {
        part(2);
    }

    #[test]
    fn c7_whatever_happens_to_redis_it_is_told_again_who_is_here() {
        part(3);
    }
}

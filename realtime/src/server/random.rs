//! Where the server draws lots.

use rand::distr::{Distribution, StandardUniform};

/// A random value.
pub(crate) fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    #[cfg(feature = "testing")]
    if let Some(drawn) = seeded::draw() {
        return drawn;
    }
    rand::random()
}

#[cfg(feature = "testing")]
pub(crate) use seeded::seed;

/// In a simulation everything is drawn from its seed.
#[cfg(feature = "testing")]
mod seeded {
    use std::cell::RefCell;

    use rand::{
        Rng, SeedableRng,
        distr::{Distribution, StandardUniform},
        rngs::StdRng,
    };

    thread_local! {
        static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    }

    /// From now on this thread draws from a seed.
    pub(crate) fn seed(seed: u64) {
        SEEDED.set(Some(StdRng::seed_from_u64(seed)));
    }

    pub(super) fn draw<T>() -> Option<T>
    where
        StandardUniform: Distribution<T>,
    {
        SEEDED.with_borrow_mut(|rng| rng.as_mut().map(Rng::random))
    }
}

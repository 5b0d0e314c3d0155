//! The engine's one source of randomness: how long waits are, and the names of new runs and of the engine itself. Nothing
//! that is sent depends on it. A test gives it a seed, and the same things happen again.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use uuid::Uuid;

/// A source of random numbers. All clones are the same one.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}

impl Default for Chance {
    /// From the machine: different each time.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }
}

impl Chance {
    /// Gives the same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A number from 0 up to 1.
    pub fn draw(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// A new identifier that sorts by the instant, in microseconds since 1970.
    pub fn id(&self, now: i64) -> Uuid {
        let mut random = [0; 10];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random);
        let millis = u64::try_from(now / 1000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_waits_and_names_again() {
        let (one, other, another) = (Chance::seeded(7), Chance::seeded(7), Chance::seeded(8));
        let draws = |chance: &Chance| (0..5).map(|_| chance.draw()).collect::<Vec<_>>();
        let drawn = draws(&one);
        assert_eq!(drawn, draws(&other));
        assert_ne!(drawn, draws(&another));
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
        assert_eq!(one.id(1_000), other.id(1_000));
    }

    #[test]
    fn names_sort_by_their_instant() {
        let chance = Chance::default();
        assert!(chance.id(1_000) < chance.id(2_000_000));
        assert_ne!(chance.id(1_000), chance.id(1_000));
    }
}

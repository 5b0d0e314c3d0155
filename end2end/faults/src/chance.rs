//! Seeded chance: the same seed gives the same numbers on every machine (SplitMix64).

use std::ops::Range;

/// How far off a clock is set, but for an hour or a day: so many microseconds on average, seldom much more.
const WRONG_BY: f64 = 288e6;
const HOUR: i64 = 3_600_000_000;

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The source of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of the range; its beginning where it is empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        match range.end.checked_sub(range.start) {
            None | Some(0) => range.start,
            Some(span) => range.start + self.bits() % span,
        }
    }

    /// True so often.
    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// By how many microseconds somebody sets a clock wrong, ahead or back.
    pub fn wrong_by(&mut self) -> i64 {
        let far = match self.within(0..4) {
            0 => HOUR,
            1 => 24 * HOUR,
            _ => (-(1.0 - self.share()).ln() * WRONG_BY) as i64,
        };
        if self.happens(0.5) { far } else { -far }
    }

    /// A source of its own, that what is drawn here later does not change.
    pub fn branch(&mut self) -> Self {
        Self(self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_says_everything() {
        let draw = |seed| {
            let mut chance = Chance::of(seed);
            (0..5).map(|_| chance.within(0..1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mut chance = Chance::of(1);
        assert!((0..10_000).all(|_| (3..9).contains(&chance.within(3..9))));
        let hits = (0..10_000).filter(|_| chance.happens(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}

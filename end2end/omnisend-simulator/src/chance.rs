//! Seeded chance: the same seed and the same question give the same answer, in whatever order
//! requests arrive.

/// A number in [0, 1) that depends only on the seed and the question.
pub fn draw(seed: u64, question: [u64; 3]) -> f64 {
    let mut state = seed;
    for part in question {
        state = mix(state ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    // The upper 53 bits fill a double exactly.
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_for_a_seed_and_spread_evenly() {
        let draws: Vec<f64> = (0..10_000).map(|n| draw(7, [1, n, 0])).collect();
        let again: Vec<f64> = (0..10_000).map(|n| draw(7, [1, n, 0])).collect();
        assert_eq!(draws, again);
        let low = draws.iter().filter(|d| **d < 0.3).count();
        assert!((2_800..3_200).contains(&low), "{low}");
    }
}

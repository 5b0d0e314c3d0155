//! Seeds that once broke a promise, each by the name of what was wrong.

use super::simulate;

/// A run was given up after three recoveries within a second. Its batches were still being worked through, and brought old
/// values back after the next run had sent newer ones.
#[test]
fn seed_429_a_run_that_was_given_up_in_a_hurry_left_batches_open() {
    simulate(429..430);
}

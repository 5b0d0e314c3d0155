//! What becomes of slots that have come: a pure function.
//!
//! The latest one runs if it is not too long ago. Earlier ones were missed, or came while the run before was active.
//! While that one is active still, the latest is skipped too, or waits for its end: then it is recorded later.

use domain::system::WhenActive;

/// What holds for all slots of one look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The instant of the look: microseconds since 1970, UTC.
    pub(super) now: i64,
    /// A slot that passed longer ago than so many microseconds is missed.
    pub(super) catch_up: i64,
    /// What becomes of a slot while the run before is active.
    pub(super) when_active: WhenActive,
}

/// What becomes of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is queued.
    Runs,
    /// It is recorded as skipped: the run before is, or was, active.
    StillActive,
    /// It is recorded as missed.
    Missed,
    /// It waits for the end of the run before, and is recorded then.
    Waits,
}

/// The outcome of each slot, in their order. `active_since` is when the active run was queued, where there is one.
pub(super) fn account(come: &[i64], active_since: Option<i64>, rules: &Rules) -> Vec<(i64, Outcome)> {
    let came_while_active = |slot: i64| active_since.is_some_and(|since| since <= slot);
    let latest = come.len().saturating_sub(1);
    let outcome = |(place, slot): (usize, &i64)| {
        let outcome = if place < latest {
            if came_while_active(*slot) { Outcome::StillActive } else { Outcome::Missed }
        } else if rules.now - slot > rules.catch_up {
            Outcome::Missed
        } else {
            match (active_since, rules.when_active) {
                (None, _) => Outcome::Runs,
                (Some(_), WhenActive::Skip) => Outcome::StillActive,
                (Some(_), WhenActive::Queue) => Outcome::Waits,
            }
        };
        (*slot, outcome)
    };
    come.iter().enumerate().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Missed, Runs, StillActive, Waits};
    use super::*;

    const NOW: i64 = 1_000;

    #[track_caller]
    fn check(come: &[i64], active_since: Option<i64>, when_active: WhenActive, expected: &[Outcome]) {
        let rules = Rules { now: NOW, catch_up: 240, when_active };
        let found: Vec<Outcome> = account(come, active_since, &rules).into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn of_many_that_were_missed_the_latest_runs_once() {
        check(&[], None, WhenActive::Skip, &[]);
        check(&[990], None, WhenActive::Skip, &[Runs]);
        check(&[300, 600, 900], None, WhenActive::Skip, &[Missed, Missed, Runs]);
    }

    #[test]
    fn what_is_longer_ago_than_the_window_is_missed() {
        check(&[759], None, WhenActive::Skip, &[Missed]);
        check(&[760], None, WhenActive::Skip, &[Runs]);
        check(&[759], Some(0), WhenActive::Queue, &[Missed]);
    }

    #[test]
    fn while_the_run_before_is_active_a_slot_is_skipped_or_waits() {
        check(&[900, 950], Some(800), WhenActive::Skip, &[StillActive, StillActive]);
        check(&[700, 900, 950], Some(800), WhenActive::Queue, &[Missed, StillActive, Waits]);
        // The run that waited goes on with the latest slot once the other has ended.
        check(&[950], None, WhenActive::Queue, &[Runs]);
    }
}

//! What follows from an answer, and how long to wait: pure functions, the only place where it is decided. The one layer
//! that repeats requests is the [line](super::line), by what stands here.

use std::time::Duration;

use domain::run::RunReason;

use crate::destinations::Meaning;

/// What follows from an answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The whole account waits; the request is sent again and has not failed.
    Slower {
        /// As long as the destination asks for.
        after: Option<Duration>,
    },
    /// Sent again after a while.
    Again {
        /// Is it certain that it was not taken?
        is_untaken: bool,
        /// As long as the destination asks for.
        after: Option<Duration>,
    },
    /// Sent again, but not more than a few times: something is set up wrongly.
    AgainFewTimes(RunReason),
    /// The half of it each: one of its rows is to blame.
    Divide,
    /// Nothing helps until a person has done something.
    Stop(RunReason),
    /// What it asked for is gone.
    Gone,
}

/// What follows from a meaning.
pub(super) fn next(meaning: Meaning) -> Next {
    match meaning {
        Meaning::TooFast { after } => Next::Slower { after },
        Meaning::Unavailable { after } => Next::Again { is_untaken: true, after },
        Meaning::Unknown => Next::Again { is_untaken: false, after: None },
        Meaning::Unreachable => Next::Again { is_untaken: true, after: None },
        Meaning::NotTheDestination => Next::AgainFewTimes(RunReason::DestinationUnavailable),
        Meaning::Refused => Next::Divide,
        Meaning::KeyRefused => Next::Stop(RunReason::KeyRefused),
        Meaning::PermissionMissing => Next::Stop(RunReason::PermissionMissing),
        Meaning::PlanExceeded => Next::Stop(RunReason::PlanExceeded),
        Meaning::Retired => Next::Stop(RunReason::InterfaceRetired),
        Meaning::Gone => Next::Gone,
    }
}

/// The longest that a destination's own wish is followed.
const LONGEST_HINT: Duration = Duration::from_secs(15 * 60);
/// The longest wait of an account that is told again and again to slow down.
const LONGEST_REFUSAL: Duration = Duration::from_secs(120);
/// The longest wait of one batch.
const LONGEST_AGAIN: Duration = Duration::from_secs(120);
/// The longest wait between two attempts while the destination does not answer at all.
const LONGEST_OUTAGE: Duration = Duration::from_secs(5 * 60);
/// Rounds of failures that are taken as bad luck.
const PATIENCE: u32 = 3;
/// After so many rounds, what looks set up wrongly is.
pub(super) const FEW_TIMES: u32 = 3;
/// How long a run waits for a person before it asks again.
pub(super) const WAIT_FOR_PERSON: Duration = Duration::from_secs(3600);
/// A wait longer than this is shown as one, and the run is let go of meanwhile.
pub(super) const LONG: Duration = Duration::from_secs(15);
/// Without any progress for so long, what was sent counts as unconfirmed.
pub(super) const SETTLE_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Without any progress for so long, a run whose destination does not answer is over.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(48 * 3600);
/// Rows that come back untaken so often are rejected.
pub(super) const MOST_RETURNS: u64 = 3;
/// Single rows refused in a row, with nothing taken between: then not the rows are to blame.
pub(super) const ALL_REFUSED: u32 = 20;
/// Takings-up after a break-off without progress. Several break-offs in a row may still be bad luck, such as a machine
/// that is restarted until it works.
pub(super) const MOST_RECOVERIES: i64 = 10;

/// Doubles from `first` to `longest`, between half and the whole of it by chance (0 to 1).
fn growing(first: Duration, times: u32, longest: Duration, chance: f64) -> Duration {
    let whole = first.saturating_mul(1 << times.min(20)).min(longest);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// How long an account waits that was told to slow down `refusals` times in a row, the last included.
pub(super) fn wait_after_refusal(refusals: u32, hint: Option<Duration>, chance: f64) -> Duration {
    let own = growing(Duration::from_secs(1), refusals.saturating_sub(1), LONGEST_REFUSAL, chance);
    hint.map_or(own, |hint| own.max(hint.min(LONGEST_HINT)))
}

/// How long a batch waits that has failed `failures` times, the last included.
pub(super) fn wait_before_again(failures: u32, hint: Option<Duration>, chance: f64) -> Duration {
    let own = growing(Duration::from_millis(500), failures.saturating_sub(1), LONGEST_AGAIN, chance);
    hint.map_or(own, |hint| own.max(hint.min(LONGEST_HINT)))
}

/// How long everything waits after `rounds` of requests of which none succeeded; nothing after a few.
pub(super) fn wait_in_outage(rounds: u32, hint: Option<Duration>, chance: f64) -> Duration {
    if rounds < PATIENCE {
        return Duration::ZERO;
    }
    // Not shorter than the whole: one probe in five minutes is what a destination that is down has to bear.
    let whole = growing(Duration::from_secs(1), rounds - PATIENCE, LONGEST_OUTAGE, 1.0);
    let own = whole + whole.mul_f64(chance.clamp(0.0, 1.0) / 10.0);
    hint.map_or(own, |hint| own.max(hint.min(LONGEST_HINT)))
}

/// Failures of the destination as a whole, counted in rounds: requests that were under way together count once.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    rounds: u32,
    counted_at: i64,
    paused_until: i64,
    /// Single rows refused since something was last taken.
    pub(super) refused_in_a_row: u32,
    is_dividing: bool,
}

impl Trouble {
    /// As it was when the run was let go of.
    pub(super) fn resumed(rounds: i64) -> Self {
        Self { rounds: u32::try_from(rounds).unwrap_or_default(), ..Self::default() }
    }

    /// A request was taken.
    pub(super) fn success(&mut self) {
        *self = Self::default();
    }

    /// A request that was sent at `launched_at` failed. All in microseconds.
    pub(super) fn failure(&mut self, launched_at: i64, now: i64, hint: Option<Duration>, chance: f64) {
        if launched_at < self.counted_at {
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.counted_at = now;
        self.paused_until = now + micros(wait_in_outage(self.rounds, hint, chance));
    }

    /// A request was refused for a row in it; `is_single` when it had only that one.
    pub(super) fn refused(&mut self, is_single: bool) {
        self.is_dividing = true;
        self.refused_in_a_row += u32::from(is_single);
    }

    /// Rounds of failures without a success.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Nothing is sent before this instant.
    pub(super) fn paused_until(&self) -> i64 {
        self.paused_until
    }

    /// One request at a time, until one is taken.
    pub(super) fn must_probe(&self) -> bool {
        self.rounds > 0 || self.is_dividing
    }
}

/// A duration in the database's unit.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn too_fast_is_not_a_failed_attempt() {
        let after = Some(seconds(7));
        assert_eq!(next(Meaning::TooFast { after }), Next::Slower { after });
    }

    #[test]
    fn only_an_unknown_outcome_may_have_been_taken() {
        let untaken = |meaning| matches!(next(meaning), Next::Again { is_untaken: true, .. });
        assert!(untaken(Meaning::Unreachable) && untaken(Meaning::Unavailable { after: None }));
        assert!(!untaken(Meaning::Unknown));
    }

    #[test]
    fn the_destinations_wish_is_followed_within_bounds() {
        let table = [
            (1, None, seconds(1)),
            (3, None, seconds(4)),
            (50, None, seconds(120)),
            (1, Some(seconds(30)), seconds(30)),
            (8, Some(seconds(3)), seconds(120)),
            (1, Some(seconds(1_000_000_000)), seconds(900)),
        ];
        for (refusals, hint, expected) in table {
            assert_eq!(wait_after_refusal(refusals, hint, 1.0), expected, "{refusals}, {hint:?}");
            assert!(wait_after_refusal(refusals, None, 0.0) >= wait_after_refusal(refusals, None, 1.0) / 2);
        }
    }

    #[test]
    fn r11_half_an_hour_of_refusals_costs_at_most_forty_requests() {
        let (mut passed, mut requests) = (Duration::ZERO, 0);
        while passed < seconds(1800) {
            requests += 1;
            passed += wait_after_refusal(requests, None, 0.0);
        }
        assert!(requests <= 40, "{requests}");
    }

    #[test]
    fn requests_that_failed_together_are_one_round() {
        let mut trouble = Trouble::default();
        for _ in 0..24 {
            trouble.failure(10, 20, None, 1.0);
        }
        assert_eq!((trouble.rounds(), trouble.paused_until()), (1, 20));
        trouble.failure(21, 30, None, 0.0);
        trouble.failure(31, 40, None, 0.0);
        assert_eq!((trouble.rounds(), trouble.paused_until()), (3, 1_000_040));
        trouble.success();
        assert!(!trouble.must_probe() && trouble.paused_until() == 0);
    }

    #[test]
    fn r13_a_day_without_answers_costs_at_most_three_hundred_requests() {
        let (mut passed, mut rounds) = (Duration::ZERO, 0);
        while passed < seconds(86_400) {
            rounds += 1;
            passed += wait_in_outage(rounds, None, 0.5) + Duration::from_millis(20);
        }
        assert!(rounds <= 300, "{rounds}");
    }
}

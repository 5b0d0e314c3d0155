//! What follows from an answer, and how long to wait: pure functions, the only place where it is decided. The one layer
//! that repeats requests is the [line](super::line), by what stands here.

use std::time::Duration;

use domain::run::RunReason;

use crate::db::circuits::Circuit;
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
        Meaning::NotTheDestination => Next::AgainFewTimes(RunReason::NotTheDestination),
        Meaning::NameUnknown => Next::AgainFewTimes(RunReason::NameUnknown),
        Meaning::Untrusted => Next::AgainFewTimes(RunReason::Untrusted),
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
/// No run rests for longer before it looks again, but one that is held for a person.
pub(super) const LONGEST_WAIT: Duration = WAIT_FOR_PERSON;
/// A wait longer than this is shown as one, and the run is let go of meanwhile.
pub(super) const LONG: Duration = Duration::from_secs(15);
/// Without any progress for so long, what was sent counts as unconfirmed.
pub(super) const SETTLE_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Without any progress for so long, a run whose destination does not answer is over.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(48 * 3600);
/// Rows that come back untaken so often are rejected.
pub(super) const MOST_RETURNS: u64 = 3;
/// Single rows refused in a row, with nothing taken between. Then others are tried, because rows to blame often stand
/// together; after a few more of them, in this many other places, not the rows are to blame.
const REFUSED_IN_A_ROW: u32 = 20;
const REFUSED_ELSEWHERE: u32 = 5;
const PLACES: u32 = 2;
/// A batch that is answered with errors so often while others are taken is divided; more often, where only questions
/// are answered: what takes contacts may be out of order for a while.
pub(super) const MOST_FAILURES: u64 = 8;
pub(super) const MOST_FAILURES_WITHOUT_OTHERS: u64 = 12;
/// Items that cannot be read so often, while other requests succeed, are given up on.
pub(super) const MOST_READS: u32 = 6;
/// What is known of a destination says nothing any more so long after somebody should have asked it again.
const STALE: Duration = Duration::from_secs(60 * 60);
/// What succeeded within this time shows that the destination is there.
pub(super) const LATELY: Duration = Duration::from_secs(5 * 60);
/// Takings-up after a break-off without progress.
const MOST_RECOVERIES: i64 = 3;
/// The same while they follow each other this closely: a machine that is restarted until it works is bad luck.
const MOST_AT_ONCE: i64 = 10;
const AT_ONCE: Duration = Duration::from_secs(60);
/// What a run may spend on requests that are sent again: a round of failures costs one, a success gives half a one back.
/// So a third of all requests may fail for ever. Who has spent it waits a while before going on. So does a run that was
/// let go of, or that its process broke off: nobody knows what it has spent, and a new beginning is no new patience.
const BUDGET: f64 = 50.0;
const RETURNED: f64 = 0.5;
const AFTER_REST: f64 = 10.0;
const REST: Duration = Duration::from_secs(60);

/// Does the run break its process off each time? `progress_at` is when it last got on.
pub(super) fn is_crash_loop(recoveries: i64, progress_at: i64, now: i64) -> bool {
    recoveries > MOST_AT_ONCE || recoveries > MOST_RECOVERIES && now - progress_at > micros(AT_ONCE)
}

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

/// How long a batch waits that has failed `failures` times, the last included: anything up to a growing bound, so that
/// those that failed together do not come back together.
pub(super) fn wait_before_again(failures: u32, hint: Option<Duration>, chance: f64) -> Duration {
    let bound = growing(Duration::from_secs(1), failures.saturating_sub(1), LONGEST_AGAIN, 1.0);
    let own = bound.mul_f64(chance.clamp(0.0, 1.0));
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
#[derive(Debug)]
pub(super) struct Trouble {
    rounds: u32,
    /// When the first of the rounds was.
    since: i64,
    counted_at: i64,
    paused_until: i64,
    budget: f64,
    /// Single rows refused since something was last taken.
    refused_in_a_row: u32,
    is_dividing: bool,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            rounds: 0,
            since: 0,
            counted_at: 0,
            paused_until: 0,
            budget: BUDGET,
            refused_in_a_row: 0,
            is_dividing: false,
        }
    }
}

impl Trouble {
    /// As it is known of the connection. Where nobody has asked for a while, it may have been well in between.
    pub(super) fn known(circuit: Option<Circuit>, now: i64) -> Self {
        let Some(circuit) = circuit.filter(|known| now - known.probe_at <= micros(STALE)) else {
            return Self::default();
        };
        let (rounds, since, paused_until) = (circuit.rounds, circuit.opened_at, circuit.probe_at);
        Self { rounds, since, paused_until, ..Self::default() }
    }

    /// As it is of a run that has been taken up before.
    pub(super) fn again(self, is_again: bool) -> Self {
        Self { budget: if is_again { AFTER_REST } else { self.budget }, ..self }
    }

    /// What others are to know: none while a few failures may still be bad luck.
    pub(super) fn circuit(&self) -> Option<Circuit> {
        let circuit = Circuit { rounds: self.rounds, opened_at: self.since, probe_at: self.paused_until };
        (self.rounds >= PATIENCE).then_some(circuit)
    }

    /// A request was taken: patience begins anew, and what was spent comes back by and by.
    pub(super) fn success(&mut self) {
        *self = Self { budget: (self.budget + RETURNED).min(BUDGET), ..Self::default() };
    }

    /// A request that was sent at `launched_at` failed. All in microseconds.
    pub(super) fn failure(&mut self, launched_at: i64, now: i64, hint: Option<Duration>, chance: f64) {
        if launched_at < self.counted_at {
            return;
        }
        if self.rounds == 0 {
            self.since = now;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.counted_at = now;
        let mut wait = wait_in_outage(self.rounds, hint, chance);
        self.budget -= 1.0;
        if self.budget < 0.0 {
            self.budget = AFTER_REST;
            wait = wait.max(REST);
        }
        self.paused_until = now + micros(wait);
    }

    /// Since when nothing has succeeded; none while something does.
    pub(super) fn since(&self) -> Option<i64> {
        (self.rounds > 0).then_some(self.since)
    }

    /// A request was refused for a row in it; `is_single` when it had only that one.
    pub(super) fn refused(&mut self, is_single: bool) {
        self.is_dividing = true;
        self.refused_in_a_row += u32::from(is_single);
    }

    /// Is it time to try rows elsewhere?
    pub(super) fn wants_other_rows(&self) -> bool {
        let more = self.refused_in_a_row.checked_sub(REFUSED_IN_A_ROW);
        more.is_some_and(|more| more.is_multiple_of(REFUSED_ELSEWHERE))
    }

    /// Is everything refused, wherever it stands?
    pub(super) fn refuses_everything(&self) -> bool {
        self.refused_in_a_row >= REFUSED_IN_A_ROW + PLACES * REFUSED_ELSEWHERE
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
        let circuit = trouble.circuit().expect("three rounds are no bad luck");
        assert_eq!(circuit, Circuit { rounds: 3, opened_at: 20, probe_at: 1_000_040 });
        let resumed = Trouble::known(Some(circuit), circuit.probe_at);
        assert_eq!((resumed.rounds(), resumed.paused_until(), resumed.since()), (3, 1_000_040, Some(20)));
        trouble.success();
        assert!(!trouble.must_probe() && trouble.paused_until() == 0);
    }

    #[test]
    fn a_third_of_all_requests_may_fail_for_ever_and_more_makes_the_run_rest() {
        let rests = |successes: u32| {
            let mut trouble = Trouble::default();
            let mut rests = 0;
            for round in 0..1000 {
                trouble.failure(round, round, None, 1.0);
                rests += u32::from(trouble.paused_until() > round);
                (0..successes).for_each(|_| trouble.success());
            }
            rests
        };
        assert_eq!(rests(2), 0);
        assert!(rests(1) > 20, "{}", rests(1));
    }

    #[test]
    fn a_run_that_is_taken_up_again_has_not_the_whole_budget_again_and_wins_it_back() {
        let rounds_until_rest = |mut trouble: Trouble| {
            let mut rounds = 0;
            while trouble.paused_until() <= rounds {
                // Never three in a row, so that nothing looks like an outage.
                rounds += 1;
                trouble.failure(rounds, rounds, None, 1.0);
                if trouble.paused_until() <= rounds {
                    trouble.rounds = 0;
                }
            }
            rounds
        };
        assert_eq!(rounds_until_rest(Trouble::default()), 51);
        assert_eq!(rounds_until_rest(Trouble::default().again(true)), 11);
        let mut repaired = Trouble::default().again(true);
        (0..80).for_each(|_| repaired.success());
        assert_eq!(rounds_until_rest(repaired), 51);
    }

    #[test]
    fn a_run_that_breaks_its_process_off_is_given_up_on_and_a_hasty_machine_is_not() {
        let minute = 60_000_000;
        assert!(!is_crash_loop(3, 0, 10 * minute) && is_crash_loop(4, 0, 10 * minute));
        assert!(!is_crash_loop(10, 0, minute) && is_crash_loop(11, 0, minute));
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

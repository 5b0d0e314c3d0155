//! The surprise brake: is a run so unlike the runs before it that a person should look first? A pure decision over the
//! figures of the plan and of the export's own history. It does not know what holds a run, or who may let it go.
//!
//! Three rules, each against what is usual for this very export: nobody is left; far fewer members than ever lately, or
//! far more leavers; far more people who join. A swing that the export has made before surprises nobody, and a few
//! people never do.

use serde::{Deserialize, Serialize};

/// Runs before that are looked at.
pub const RUNS: usize = 5;
/// Changes of fewer people than this never hold a run, whatever their share.
pub const MATTERS: u64 = 20;
/// The highest threshold that can be set, in percent.
pub const MOST_PERCENT: u32 = 1_000;

/// How easily a run of an export is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Brake {
    /// Does it hold runs at all?
    pub is_on: bool,
    /// Holds a run when more than this share of the usual members is missing or leaves, in percent.
    pub leave_percent: u32,
    /// Holds a run when more than this share of the usual members joins at once, in percent.
    pub join_percent: u32,
}

impl Default for Brake {
    fn default() -> Self {
        Self { is_on: true, leave_percent: 30, join_percent: 100 }
    }
}

impl Brake {
    /// The percentages that cannot be set, by the names of their fields.
    pub fn wrong_fields(&self) -> Vec<&'static str> {
        let fields = [("leave_percent", self.leave_percent), ("join_percent", self.join_percent)];
        fields.into_iter().filter(|(_, percent)| !(1..=MOST_PERCENT).contains(percent)).map(|(name, _)| name).collect()
    }
}

/// What a plan is about to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Members of the segments.
    pub members: u64,
    /// People who are sent for the first time.
    pub joiners: u64,
    /// People who lose a tag: all who left, or those of the segment that loses most.
    pub leavers: u64,
}

/// An earlier run of the export that delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// Members of the segments.
    pub members: u64,
    /// People who were sent for the first time; none for a first run, where everybody was new.
    pub joiners: Option<u64>,
    /// People who lost a tag.
    pub leavers: Option<u64>,
}

/// Why a run is held until a person has looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Surprise {
    /// Nobody is left: the source is empty, or no rule fits any more.
    NoMembers {
        /// The usual number of members.
        usual: u64,
    },
    /// Far fewer members than usual.
    FewerMembers {
        /// The share of the usual members that is missing.
        percent: u64,
        /// Members now.
        members: u64,
        /// The usual number of members.
        usual: u64,
    },
    /// As many as ever, but far more leave than usual.
    ManyLeave {
        /// People who lose a tag.
        leavers: u64,
        /// Their share of the usual members.
        percent: u64,
    },
    /// Subscription statuses would leave for the first time.
    FirstStatus {
        /// People whom it touches.
        people: u64,
    },
    /// Far more join than usual.
    ManyJoin {
        /// People who are sent for the first time.
        joiners: u64,
        /// Their share of the usual members.
        percent: u64,
    },
}

/// Why a run is held, with what a person needs to judge it; kept with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What is unusual; never empty.
    pub surprises: Vec<Surprise>,
    /// Runs that it was compared with.
    pub runs: u64,
    /// Whole days since the profiles were refreshed, when the plan was made.
    pub age_days: u64,
}

/// What is unusual about a plan. Nothing for the first run that delivers, or with the brake off.
pub fn surprises(brake: &Brake, now: &Outlook, history: &[Past]) -> Vec<Surprise> {
    let history = history.get(..history.len().min(RUNS)).unwrap_or(history);
    let usual = usual(history);
    if !brake.is_on || usual == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let share = |people: u64| people.saturating_mul(100) / usual;
    let is_over = |people: u64, percent: u32| people >= MATTERS && people * 100 > usual * u64::from(percent);
    let missing = usual.saturating_sub(now.members);
    let fewest = history.iter().map(|past| past.members).min().unwrap_or_default();
    let most = |of: fn(&Past) -> Option<u64>| history.iter().filter_map(of).max().unwrap_or_default();
    if now.members == 0 && fewest > 0 {
        found.push(Surprise::NoMembers { usual });
    } else if is_over(missing, brake.leave_percent) && now.members < fewest {
        found.push(Surprise::FewerMembers { percent: share(missing), members: now.members, usual });
    } else if is_over(now.leavers, brake.leave_percent) && now.leavers > most(|past| past.leavers) * 2 {
        found.push(Surprise::ManyLeave { leavers: now.leavers, percent: share(now.leavers) });
    }
    if is_over(now.joiners, brake.join_percent) && now.joiners > most(|past| past.joiners) * 2 {
        found.push(Surprise::ManyJoin { joiners: now.joiners, percent: share(now.joiners) });
    }
    found
}

/// The usual number of members: the middle one, so that a single odd run does not count. 0 without a history.
fn usual(history: &[Past]) -> u64 {
    let mut members: Vec<u64> = history.iter().map(|past| past.members).collect();
    members.sort_unstable();
    members.get(members.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Surprise::{FewerMembers, ManyJoin, ManyLeave, NoMembers};
    use super::*;

    fn past(members: u64, joiners: u64, leavers: u64) -> Past {
        Past { members, joiners: Some(joiners), leavers: Some(leavers) }
    }

    fn first(members: u64) -> Past {
        Past { members, joiners: None, leavers: Some(0) }
    }

    #[track_caller]
    fn check(now: (u64, u64, u64), history: &[Past], expected: &[Surprise]) {
        let now = Outlook { members: now.0, joiners: now.1, leavers: now.2 };
        assert_eq!(surprises(&Brake::default(), &now, history), expected);
    }

    #[test]
    fn the_first_run_is_never_held() {
        check((1_000_000, 1_000_000, 0), &[], &[]);
        check((0, 0, 0), &[], &[]);
        // Nor the first one after runs that found nobody.
        check((5_000, 5_000, 0), &[first(0), past(0, 0, 0)], &[]);
    }

    #[test]
    fn an_empty_source_holds_the_run_however_few_there_were() {
        check((0, 0, 1_000), &[first(1_000)], &[NoMembers { usual: 1_000 }]);
        check((0, 0, 3), &[first(3)], &[NoMembers { usual: 3 }]);
        // A segment that has been empty lately may be empty again.
        check((0, 0, 40), &[past(0, 0, 40), past(40, 40, 0), first(40)], &[]);
    }

    #[test]
    fn far_fewer_members_hold_the_run() {
        let history = [past(1_000, 5, 5), past(1_010, 5, 5), past(990, 5, 5), past(1_000, 0, 0), first(1_000)];
        let held = [FewerMembers { percent: 41, members: 590, usual: 1_000 }];
        check((590, 0, 410), &history, &held);
        check((699, 0, 301), &history, &[FewerMembers { percent: 30, members: 699, usual: 1_000 }]);
        check((700, 0, 300), &history, &[]);
    }

    #[test]
    fn a_swing_that_the_export_has_made_before_is_no_surprise() {
        let history = [past(1_000, 800, 0), past(200, 0, 800), past(1_000, 800, 0), past(200, 0, 800), first(1_000)];
        check((210, 10, 800), &history, &[]);
        check((1_000, 800, 0), &history, &[]);
        check((90, 0, 910), &history, &[FewerMembers { percent: 91, members: 90, usual: 1_000 }]);
    }

    #[test]
    fn a_few_people_never_hold_a_run() {
        check((10, 0, 15), &[first(25)], &[]);
        check((25, 19, 0), &[first(6)], &[]);
    }

    #[test]
    fn an_exchange_of_people_is_noticed_though_the_number_stays() {
        let expected = [ManyLeave { leavers: 500, percent: 50 }];
        check((1_000, 500, 500), &[past(1_000, 10, 10), first(1_000)], &expected);
    }

    #[test]
    fn far_more_joiners_hold_the_run() {
        let expected = [ManyJoin { joiners: 1_500, percent: 150 }];
        check((2_500, 1_500, 0), &[first(1_000)], &expected);
        check((2_000, 1_000, 0), &[first(1_000)], &[]);
        // A growth that it has had before.
        check((2_500, 1_500, 0), &[past(1_000, 900, 0), first(100)], &[]);
    }

    #[test]
    fn older_runs_do_not_count() {
        let mut history = vec![past(1_000, 0, 0); RUNS];
        history.push(past(10, 0, 0));
        check((500, 0, 500), &history, &[FewerMembers { percent: 50, members: 500, usual: 1_000 }]);
    }

    #[test]
    fn thresholds_decide_and_off_is_off() {
        let now = Outlook { members: 500, joiners: 0, leavers: 500 };
        let history = [first(1_000)];
        let brake = Brake { leave_percent: 60, ..Brake::default() };
        assert!(surprises(&brake, &now, &history).is_empty());
        let brake = Brake { leave_percent: 10, ..brake };
        assert_eq!(surprises(&brake, &now, &history).len(), 1);
        assert!(surprises(&Brake { is_on: false, ..brake }, &now, &history).is_empty());
    }
}

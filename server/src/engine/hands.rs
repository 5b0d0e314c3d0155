//! Notices that somebody has set the clock: the time of day has run ahead of, or fallen behind, the time that has passed.

use std::time::Duration;

use super::Deps;
use super::retry::micros;

/// A difference of so much is no drift.
const JUMP: Duration = Duration::from_secs(5);
const HELD_UP: Duration = Duration::from_secs(1);

/// The hands of the clock on the wall, beside the time that passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hands {
    wall: i64,
    passed: Duration,
    /// When this process began, or last noticed that the clock was set.
    since: Duration,
    were_set: bool,
}

/// What a process knows of its clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    /// So long nobody has set it. Nobody knows what it said before the process began.
    pub(super) right_for: Duration,
    /// Has it been set since the process began?
    pub(super) were_set: bool,
}

impl Hands {
    pub(super) fn of(deps: &Deps) -> Self {
        loop {
            let passed = deps.clock.monotonic();
            let wall = deps.clock.now_micros();
            // Else the process was held up between the two, and they are no picture of one moment.
            if deps.clock.monotonic().saturating_sub(passed) < HELD_UP {
                return Self { wall, passed, since: passed, were_set: false };
            }
        }
    }

    /// Has the clock been set, forward or back, since somebody last asked?
    pub(super) fn have_jumped(&mut self, deps: &Deps) -> bool {
        let now = Self::of(deps);
        let have_jumped = !self.agree_with(now);
        *self = Self {
            since: if have_jumped { now.passed } else { self.since },
            were_set: self.were_set || have_jumped,
            ..now
        };
        have_jumped
    }

    /// Has nobody set the clock since then?
    pub(super) fn are_right(self, deps: &Deps) -> bool {
        self.agree_with(Self::of(deps))
    }

    /// How far what the clock said earlier can be relied on.
    pub(super) fn trust(mut self, deps: &Deps) -> Trust {
        self.have_jumped(deps);
        Trust { right_for: self.passed.saturating_sub(self.since), were_set: self.were_set }
    }

    fn agree_with(self, later: Self) -> bool {
        let ahead = later.wall - self.wall - micros(later.passed.saturating_sub(self.passed));
        ahead.abs() <= micros(JUMP)
    }
}

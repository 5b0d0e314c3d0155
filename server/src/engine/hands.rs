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
}

impl Hands {
    pub(super) fn of(deps: &Deps) -> Self {
        loop {
            let passed = deps.clock.monotonic();
            let wall = deps.clock.now_micros();
            // Else the process was held up between the two, and they are no picture of one moment.
            if deps.clock.monotonic().saturating_sub(passed) < HELD_UP {
                return Self { wall, passed };
            }
        }
    }

    /// Has the clock been set, forward or back, since somebody last asked?
    pub(super) fn have_jumped(&mut self, deps: &Deps) -> bool {
        let now = Self::of(deps);
        let before = std::mem::replace(self, now);
        !before.agree_with(now)
    }

    /// Has nobody set the clock since then?
    pub(super) fn are_right(self, deps: &Deps) -> bool {
        self.agree_with(Self::of(deps))
    }

    fn agree_with(self, later: Self) -> bool {
        let ahead = later.wall - self.wall - micros(later.passed.saturating_sub(self.passed));
        ahead.abs() <= micros(JUMP)
    }
}

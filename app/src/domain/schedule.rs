//! Schedules: when an export, or the system refresh, runs by itself. Slots are instants; none of them comes twice.
//!
//! Except for [`Schedule::Every`], a schedule is a list of wall-clock times in a time zone. Where the clocks jump over
//! one, its slot is the first instant after the jump; where the clocks are set back and it comes twice, its slot is the
//! first of the two. So a day has exactly the slots that people set, whatever the clocks do. A line of cron that names no
//! hour (`0 * * * *`) comes in every hour that passes, in both of those that the clocks show twice. [`Schedule::Every`]
//! counts elapsed time instead: its slots are always equally far apart.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

mod day;
mod slots;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod zones_tests;

pub use day::{MonthDay, Weekday};

/// The shortest interval, in minutes.
pub const SHORTEST: u32 = 5;
/// The longest interval, in minutes: a week.
pub const LONGEST: u32 = 7 * 24 * 60;
/// Times of day that one schedule may have.
pub const MOST_TIMES: usize = 24;
/// Times of day that the system refresh may have.
pub const MOST_SYSTEM_TIMES: usize = 4;
/// Weeks from one turn to the next.
pub const MOST_WEEKS: u32 = 52;

/// When something runs by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", from = "Stored")]
pub enum Schedule {
    /// Only when somebody runs it.
    Off,
    /// After each system refresh; that one has a schedule of its own.
    #[default]
    System,
    /// Again and again, always equally far apart.
    Every {
        /// Minutes from one slot to the next.
        minutes: u32,
        /// The first slot, by the clocks of the time zone.
        start: DateTime,
        /// The IANA time zone.
        time_zone: String,
    },
    /// On days of the week.
    Weekly {
        /// The days.
        days: Vec<Weekday>,
        /// Every so many weeks.
        weeks: u32,
        /// A day of the first week; weeks begin on Monday, and there are no slots before this day.
        start: Date,
        /// The times of day.
        times: Vec<Time>,
        /// The IANA time zone.
        time_zone: String,
    },
    /// On days of the month. A month without such a day is passed over.
    Monthly {
        /// The days.
        days: Vec<MonthDay>,
        /// The times of day.
        times: Vec<Time>,
        /// The IANA time zone.
        time_zone: String,
    },
    /// As a line of cron with five fields says.
    Cron {
        /// Minute, hour, day of the month, month, day of the week.
        line: String,
        /// The IANA time zone.
        time_zone: String,
    },
}

/// A schedule as it may stand in the database: the first version of Ferry knew only one time, every day.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Stored {
    Off,
    System,
    Daily { at: Time, time_zone: String },
    Every { minutes: u32, start: DateTime, time_zone: String },
    Weekly { days: Vec<Weekday>, weeks: u32, start: Date, times: Vec<Time>, time_zone: String },
    Monthly { days: Vec<MonthDay>, times: Vec<Time>, time_zone: String },
    Cron { line: String, time_zone: String },
}

impl From<Stored> for Schedule {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Off => Self::Off,
            Stored::System => Self::System,
            Stored::Daily { at, time_zone } => Self::daily(at, time_zone),
            Stored::Every { minutes, start, time_zone } => Self::Every { minutes, start, time_zone },
            Stored::Weekly { days, weeks, start, times, time_zone } => {
                Self::Weekly { days, weeks, start, times, time_zone }
            }
            Stored::Monthly { days, times, time_zone } => Self::Monthly { days, times, time_zone },
            Stored::Cron { line, time_zone } => Self::Cron { line, time_zone },
        }
    }
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// No IANA time zone.
    #[error("this is no IANA time zone; write for example \"Europe/Madrid\"")]
    TimeZone,
    /// No time of day, or too many.
    #[error("at least one and at most 24 times of day are needed")]
    Times,
    /// No day.
    #[error("at least one day is needed; days of the month go from 1 to 31, or are \"last\"")]
    Days,
    /// Too many or too few weeks.
    #[error("the weeks from one turn to the next go from 1 to 52")]
    Weeks,
    /// Too short or too long.
    #[error("the interval must be at least 5 minutes and at most a week")]
    Interval,
    /// No line of cron, or one whose time never comes.
    #[error("this is no line of cron with five fields that ever comes, for example \"30 6 * * 1-5\"")]
    Cron,
    /// More than the system refresh offers.
    #[error("the system refresh comes on days of the week, at up to four times a day")]
    System,
}

impl Schedule {
    /// The first day of the first week, and the start, where nobody says another: a Monday.
    pub const EPOCH: Date = jiff::civil::date(2024, 1, 1);

    /// Every day at one time.
    pub fn daily(at: Time, time_zone: String) -> Self {
        Self::Weekly { days: Weekday::ALL.to_vec(), weeks: 1, start: Self::EPOCH, times: vec![at], time_zone }
    }

    /// The time zone of its slots; none where it has none of its own.
    pub fn time_zone(&self) -> Option<&str> {
        match self {
            Self::Off | Self::System => None,
            Self::Every { time_zone, .. }
            | Self::Weekly { time_zone, .. }
            | Self::Monthly { time_zone, .. }
            | Self::Cron { time_zone, .. } => Some(time_zone),
        }
    }

    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<ScheduleFault> {
        let mut found = Vec::new();
        let mut unless = |is_right: bool, fault| {
            if !is_right {
                found.push(fault);
            }
        };
        if let Some(zone) = self.time_zone() {
            unless(TimeZone::get(zone).is_ok(), ScheduleFault::TimeZone);
        }
        match self {
            Self::Off | Self::System => {}
            Self::Every { minutes, .. } => unless((SHORTEST..=LONGEST).contains(minutes), ScheduleFault::Interval),
            Self::Weekly { days, weeks, times, .. } => {
                unless(!days.is_empty(), ScheduleFault::Days);
                unless((1..=MOST_WEEKS).contains(weeks), ScheduleFault::Weeks);
                unless((1..=MOST_TIMES).contains(&times.len()), ScheduleFault::Times);
            }
            Self::Monthly { days, times, .. } => {
                unless(!days.is_empty() && days.iter().all(|day| day.is_possible()), ScheduleFault::Days);
                unless((1..=MOST_TIMES).contains(&times.len()), ScheduleFault::Times);
            }
            Self::Cron { line, .. } => unless(slots::is_cron(line), ScheduleFault::Cron),
        }
        found
    }

    /// Everything that is wrong with it as the schedule of the system refresh.
    pub fn system_faults(&self) -> Vec<ScheduleFault> {
        let mut found = self.faults();
        let fits = match self {
            Self::Off => true,
            Self::Weekly { weeks, times, .. } => *weeks == 1 && times.len() <= MOST_SYSTEM_TIMES,
            Self::System | Self::Every { .. } | Self::Monthly { .. } | Self::Cron { .. } => false,
        };
        if !fits {
            found.push(ScheduleFault::System);
        }
        found
    }

    /// The same in one form: days and times in their order, each once. What means the same is then written the same.
    pub fn in_order(mut self) -> Self {
        match &mut self {
            Self::Weekly { days, times, .. } => {
                days.sort_unstable();
                days.dedup();
                times.sort_unstable();
                times.dedup();
            }
            Self::Monthly { days, times, .. } => {
                days.sort_unstable();
                days.dedup();
                times.sort_unstable();
                times.dedup();
            }
            Self::Cron { line, .. } => *line = line.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Off | Self::System | Self::Every { .. } => {}
        }
        self
    }
}

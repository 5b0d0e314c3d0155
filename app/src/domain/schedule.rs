//! Schedules: when an export runs by itself. Slots are instants, and an export never runs the same slot twice.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// When an export runs by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Schedule {
    /// Only when somebody runs it.
    #[default]
    Off,
    /// Every day at a time of day in a time zone.
    Daily {
        /// The time of day.
        at: Time,
        /// The IANA time zone.
        time_zone: String,
    },
}

/// The time zone is not in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no IANA time zone")]
pub struct UnknownTimeZone(pub String);

impl Schedule {
    /// The first slot after an instant; `None` for a schedule that is off.
    ///
    /// Where the clocks jump forward over the time of day, the slot is as much later as the jump is long; where they
    /// are set back and the time of day comes twice, the slot is the first of the two.
    pub fn next_after(&self, now: Timestamp) -> Result<Option<Timestamp>, UnknownTimeZone> {
        let Self::Daily { at, time_zone } = self else {
            return Ok(None);
        };
        let zone = TimeZone::get(time_zone).map_err(|_| UnknownTimeZone(time_zone.clone()))?;
        let mut day = now.to_zoned(zone.clone()).date();
        // The slot of a day may fall behind `now`; at most the day after tomorrow has one ahead.
        for _ in 0..3 {
            if let Ok(slot) = zone.to_ambiguous_timestamp(day.to_datetime(*at)).compatible()
                && slot > now
            {
                return Ok(Some(slot));
            }
            day = day.saturating_add(1.day());
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(at: &str, zone: &str, now: &str, expected: &str) {
        let schedule = Schedule::Daily { at: at.parse().expect("a time"), time_zone: zone.to_owned() };
        let now: Timestamp = now.parse().expect("an instant");
        let expected: Timestamp = expected.parse().expect("an instant");
        assert_eq!(schedule.next_after(now), Ok(Some(expected)));
    }

    #[test]
    fn a_daily_slot_keeps_its_local_time() {
        check("06:30", "Europe/Bucharest", "2026-11-22T04:29:59Z", "2026-11-22T04:30:00Z");
        check("06:30", "Europe/Bucharest", "2026-11-22T04:30:00Z", "2026-11-23T04:30:00Z");
        check("06:30", "Europe/Bucharest", "2026-07-01T00:00:00Z", "2026-07-01T03:30:00Z");
    }

    #[test]
    fn a_slot_in_the_gap_runs_once_after_it() {
        check("02:30", "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check("02:30", "Europe/Madrid", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z");
    }

    #[test]
    fn a_slot_in_the_overlap_runs_once_at_the_first() {
        check("02:30", "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check("02:30", "Europe/Madrid", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn off_has_no_slot_and_an_unknown_zone_says_so() {
        assert_eq!(Schedule::Off.next_after(Timestamp::UNIX_EPOCH), Ok(None));
        let odd = Schedule::Daily { at: Time::midnight(), time_zone: "Mars/Olympus".to_owned() };
        assert_eq!(odd.next_after(Timestamp::UNIX_EPOCH), Err(UnknownTimeZone("Mars/Olympus".to_owned())));
    }
}

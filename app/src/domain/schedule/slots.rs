//! From a schedule to instants.
//!
//! A wall-clock time stands for the first instant at which the clocks of the zone show it or a later time: after the
//! jump where it is jumped over, the first of two where it comes twice. This never runs backwards, so looking for the
//! next slot after an instant begins at what the clocks show then. A line of cron that names no hour stands for every
//! instant at which the clocks show one of its minutes.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Schedule, ScheduleFault, Weekday};

/// Days that are looked at for the next slot: more than the 52 weeks of the rarest schedule.
const HORIZON: u32 = 400;
/// Changes of the clocks that are looked beyond for the next time of a line of cron: more than any zone has in 50 years.
const MOST_CHANGES: usize = 400;
/// Times of cron that are looked at for the next slot: an hour that comes twice has 60 that are past.
const MOST_CRON_TIMES: usize = 2000;

impl Schedule {
    /// The first slot after an instant; `None` for a schedule without slots of its own.
    ///
    /// # Errors
    /// The time zone or the line of cron is none.
    pub fn next_after(&self, now: Timestamp) -> Result<Option<Timestamp>, ScheduleFault> {
        let Some(zone) = self.time_zone() else { return Ok(None) };
        let zone = TimeZone::get(zone).map_err(|_| ScheduleFault::TimeZone)?;
        let shown = now.to_zoned(zone.clone()).datetime();
        Ok(match self {
            Self::Off | Self::System => None,
            Self::Every { minutes, start, .. } => next_step(*minutes, first_instant(*start, &zone), now),
            Self::Weekly { days, weeks, start, times, .. } => {
                let week = monday_of(*start);
                let weeks = i64::from((*weeks).max(1));
                let is_turn = |date: Date| {
                    let since = (date.duration_since(week).as_hours() / 24).div_euclid(7);
                    date >= *start && since % weeks == 0 && days.contains(&Weekday::of(date))
                };
                // A start that lies ahead is where the looking begins.
                let from = shown.date().max(*start);
                next_on_days(from, is_turn, times, &zone, now)
            }
            Self::Monthly { days, times, .. } => {
                let is_turn = |date: Date| days.iter().any(|day| day.is(date));
                next_on_days(shown.date(), is_turn, times, &zone, now)
            }
            Self::Cron { line, .. } => {
                let cron = parse_cron(line).ok_or(ScheduleFault::Cron)?;
                if names_no_hour(line) {
                    return Ok(next_shown(&cron, &zone, now));
                }
                let times = cron_times(&cron, shown).take(MOST_CRON_TIMES);
                times.filter_map(|time| slot_of(time, &zone)).find(|slot| *slot > now)
            }
        })
    }

    /// The next slots after an instant, at most `count`. None of a schedule that cannot be read.
    pub fn next_slots(&self, now: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = |from: &Timestamp| self.next_after(*from).ok().flatten();
        std::iter::successors(next(&now), next).take(count).collect()
    }
}

fn next_step(minutes: u32, start: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let start = start?;
    if now < start {
        return Some(start);
    }
    let step = i64::from(minutes.max(1)) * 60;
    let steps = now.duration_since(start).as_secs() / step + 1;
    start.checked_add(SignedDuration::from_secs(steps.checked_mul(step)?)).ok()
}

fn monday_of(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}

fn next_on_days(
    from: Date,
    is_turn: impl Fn(Date) -> bool,
    times: &[Time],
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut date = from;
    for _ in 0..HORIZON {
        if is_turn(date) {
            // The times need not be in order.
            let slots = times.iter().filter_map(|time| slot_of(date.to_datetime(*time), zone));
            if let Some(slot) = slots.filter(|slot| *slot > now).min() {
                return Some(slot);
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// The instant of a wall-clock time; none on a day that the zone has left out.
fn slot_of(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let slot = first_instant(time, zone)?;
    let is_in_gap = zone.to_ambiguous_timestamp(time).is_ambiguous() && slot.to_zoned(zone.clone()).datetime() > time;
    if is_in_gap {
        let day = time.date();
        let begins = first_instant(day.to_datetime(Time::midnight()), zone)?;
        let ends = first_instant(day.tomorrow().ok()?.to_datetime(Time::midnight()), zone)?;
        if begins == ends {
            return None;
        }
    }
    Some(slot)
}

/// The first instant at which the clocks show this time or a later one.
fn first_instant(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time).ok(),
        // The first of the two is the one by the clocks as they were before.
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time).ok(),
        // By the clocks as they are after the jump, the time was before the jump.
        AmbiguousOffset::Gap { after, .. } => {
            let before_jump = after.to_timestamp(time).ok()?;
            zone.following(before_jump).next().map(|jump| jump.timestamp())
        }
    }
}

/// Is it a line of cron with five fields whose time comes?
pub(super) fn is_cron(line: &str) -> bool {
    parse_cron(line)
        .is_some_and(|cron| cron_times(&cron, Schedule::EPOCH.to_datetime(Time::midnight())).next().is_some())
}

fn parse_cron(line: &str) -> Option<Cron> {
    if line.split_whitespace().count() != 5 {
        return None;
    }
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(line).ok()
}

/// Does the line mean every hour? Then it has no time of day that could come twice or be jumped over.
fn names_no_hour(line: &str) -> bool {
    line.split_whitespace().nth(1) == Some("*")
}

/// The next instant at which the clocks show a time of the line, however often they show it.
fn next_shown(cron: &Cron, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    // Between two changes of the clocks they run evenly: there the next time is one of a clock that is never set.
    let mut from = now.to_zoned(zone.clone());
    let mut is_included = false;
    let mut changes = zone.following(now);
    for _ in 0..MOST_CHANGES {
        let change = changes.next().map(|change| change.timestamp());
        let shown = from.datetime().to_zoned(TimeZone::UTC).ok()?;
        let time = cron.find_next_occurrence(&shown, is_included).ok()?.datetime();
        let found = from.offset().to_timestamp(time).ok()?;
        match change {
            Some(change) if found >= change => from = change.to_zoned(zone.clone()),
            _ => return Some(found),
        }
        is_included = true;
    }
    None
}

/// The times of a line of cron after a wall-clock time, on a clock that is never set: which instants they stand for is
/// decided like that of all other schedules.
fn cron_times(cron: &Cron, after: DateTime) -> impl Iterator<Item = DateTime> {
    let next = |from: &DateTime| {
        let from = from.to_zoned(TimeZone::UTC).ok()?;
        Some(cron.find_next_occurrence(&from, false).ok()?.datetime())
    };
    std::iter::successors(next(&after), next)
}

//! The schedule of an export, and of the system refresh, as a configuration file writes it.

use std::str::FromStr;

use domain::schedule::{MonthDay, Schedule, Weekday};
use jiff::civil::{DateTime, Time};

use super::fields::time_zone;
use super::reader::{At, Faults, Table};

/// The keys of which a schedule has exactly one: they say its kind.
const KINDS: [&str; 5] = ["daily_at", "every", "weekdays", "month_days", "cron"];

/// Reads the key `schedule` of a table: `"off"`, `"system"`, or a table with slots of its own.
pub(super) fn read(table: &Table<'_>, faults: &Faults) -> Option<Schedule> {
    if table.is_text("schedule") {
        let word = table.text("schedule")?;
        return match word.value.as_str() {
            "off" => Some(Schedule::Off),
            "system" => Some(Schedule::System),
            _ => {
                faults.add(word.line, "`schedule` must be \"off\", \"system\", or a table with times of its own");
                None
            }
        };
    }
    own(&table.table("schedule")?, faults)
}

fn own(table: &Table<'_>, faults: &Faults) -> Option<Schedule> {
    let zone = time_zone(table, faults);
    if !table.has("time_zone") {
        faults.add(table.line(), "`schedule` needs `time_zone`, for example \"Europe/Madrid\"");
    }
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| table.has(kind)).collect();
    let zone = zone.map(|at| at.value).unwrap_or_default();
    let found = match given[..] {
        ["daily_at"] => {
            let times = times(table, "daily_at", faults);
            let days = Weekday::ALL.to_vec();
            Schedule::Weekly { days, weeks: 1, start: Schedule::EPOCH, times, time_zone: zone }
        }
        ["every"] => {
            let every = table.required_text("every")?;
            let Some(minutes) = minutes(&every.value) else {
                let text = format!("`{}` is no interval; write for example \"90 minutes\" or \"2 hours\"", every.value);
                faults.add(every.line, text);
                return None;
            };
            let start = one(table, "start", "day and time; write it as \"2026-01-05T08:00\"", faults);
            let start = start.unwrap_or_else(|| DateTime::from_parts(Schedule::EPOCH, Time::midnight()));
            Schedule::Every { minutes, start, time_zone: zone }
        }
        ["weekdays"] => {
            let days = words(table, "weekdays").into_iter().filter_map(|word| {
                let day = Weekday::parse(&word.value);
                if day.is_none() {
                    let known = Weekday::ALL.map(Weekday::as_str).join(", ");
                    faults.add(word.line, format!("`{}` is no day of the week; known are: {known}", word.value));
                }
                day
            });
            let days = days.collect();
            let weeks = one(table, "weeks", "number of weeks", faults).unwrap_or(1);
            let start = one(table, "start", "day; write it as \"2026-01-05\"", faults).unwrap_or(Schedule::EPOCH);
            Schedule::Weekly { days, weeks, start, times: times(table, "at", faults), time_zone: zone }
        }
        ["month_days"] => {
            let days = list::<MonthDay>(table, "month_days", "day of the month, 1 to 31 or \"last\"", faults);
            Schedule::Monthly { days, times: times(table, "at", faults), time_zone: zone }
        }
        ["cron"] => Schedule::Cron { line: table.required_text("cron")?.value, time_zone: zone },
        _ => {
            faults.add(table.line(), format!("`schedule` needs exactly one of: {}", KINDS.join(", ")));
            return None;
        }
    };
    table.complain_about_unknown();
    // The zone has been complained about with its own line.
    let wrong = found.faults().into_iter().filter(|fault| *fault != domain::schedule::ScheduleFault::TimeZone);
    wrong.for_each(|fault| faults.add(table.line(), format!("`schedule`: {fault}")));
    Some(found.in_order())
}

/// `90 minutes`, `2 hours`.
fn minutes(text: &str) -> Option<u32> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: u32 = count.parse().ok()?;
    match unit.trim() {
        "minute" | "minutes" => Some(count),
        "hour" | "hours" => count.checked_mul(60),
        _ => None,
    }
}

fn times(table: &Table<'_>, key: &'static str, faults: &Faults) -> Vec<Time> {
    list(table, key, "time of day; write it as \"06:30\"", faults)
}

/// A list of plain values, or a single one.
fn words(table: &Table<'_>, key: &'static str) -> Vec<At<String>> {
    if table.is_list(key) { table.values(key) } else { table.plain(key).into_iter().collect() }
}

fn list<T: FromStr>(table: &Table<'_>, key: &'static str, what: &str, faults: &Faults) -> Vec<T> {
    words(table, key).iter().filter_map(|word| parsed(word, what, faults)).collect()
}

fn one<T: FromStr>(table: &Table<'_>, key: &'static str, what: &str, faults: &Faults) -> Option<T> {
    parsed(&table.plain(key)?, what, faults)
}

fn parsed<T: FromStr>(word: &At<String>, what: &str, faults: &Faults) -> Option<T> {
    let found = word.value.parse().ok();
    if found.is_none() {
        faults.add(word.line, format!("`{}` is no {what}", word.value));
    }
    found
}

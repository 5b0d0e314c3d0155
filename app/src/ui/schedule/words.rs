//! A schedule as a sentence.

use domain::schedule::{MonthDay, Schedule, Weekday};
use jiff::civil::Time;

use crate::texts::{Locale, td_string, text};

/// When something runs by itself.
pub fn schedule_text(language: Locale, schedule: &Schedule) -> String {
    let sentence = match schedule {
        Schedule::Off => td_string!(language, schedule.off).to_owned(),
        Schedule::System => td_string!(language, schedule.system).to_owned(),
        Schedule::Every { minutes, .. } if minutes % 60 == 0 => {
            text!(language, schedule.text_every_hours, count = minutes / 60)
        }
        Schedule::Every { minutes, .. } => text!(language, schedule.text_every_minutes, count = *minutes),
        Schedule::Weekly { days, weeks: 1, times, .. } if days.len() == Weekday::ALL.len() => {
            text!(language, schedule.text_daily, times = times_text(times))
        }
        Schedule::Weekly { days, weeks: 1, times, .. } => {
            text!(language, schedule.text_weekly, days = days_text(language, days), times = times_text(times))
        }
        Schedule::Weekly { days, weeks, times, .. } => {
            let (days, times, weeks) = (days_text(language, days), times_text(times), *weeks);
            text!(language, schedule.text_weeks, weeks = weeks, days = days, times = times)
        }
        Schedule::Monthly { days, times, .. } => {
            let days: Vec<String> = days.iter().map(|day| month_day(language, *day)).collect();
            text!(language, schedule.text_monthly, days = days.join(", "), times = times_text(times))
        }
        Schedule::Cron { line, .. } => text!(language, schedule.text_cron, line = line.clone()),
    };
    match schedule.time_zone() {
        Some(zone) => format!("{sentence} ({zone})"),
        None => sentence,
    }
}

fn times_text(times: &[Time]) -> String {
    times.iter().map(|time| time.strftime("%H:%M").to_string()).collect::<Vec<_>>().join(", ")
}

fn days_text(language: Locale, days: &[Weekday]) -> String {
    days.iter().map(|day| weekday(language, *day)).collect::<Vec<_>>().join(", ")
}

/// The short name of a day.
pub(super) fn weekday(language: Locale, day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => td_string!(language, schedule.monday),
        Weekday::Tuesday => td_string!(language, schedule.tuesday),
        Weekday::Wednesday => td_string!(language, schedule.wednesday),
        Weekday::Thursday => td_string!(language, schedule.thursday),
        Weekday::Friday => td_string!(language, schedule.friday),
        Weekday::Saturday => td_string!(language, schedule.saturday),
        Weekday::Sunday => td_string!(language, schedule.sunday),
    }
}

/// A day of the month.
pub(super) fn month_day(language: Locale, day: MonthDay) -> String {
    match day {
        MonthDay::Number(number) => number.to_string(),
        MonthDay::Last => td_string!(language, schedule.last_day).to_owned(),
    }
}

/// What people call the fields.
pub fn labels(language: Locale) -> Vec<(&'static str, String)> {
    vec![
        ("every", td_string!(language, schedule.every).to_owned()),
        ("start_day", td_string!(language, schedule.start_day).to_owned()),
        ("start_time", td_string!(language, schedule.start_time).to_owned()),
        ("weeks", td_string!(language, schedule.weeks).to_owned()),
        ("days", td_string!(language, schedule.days).to_owned()),
        ("times", td_string!(language, schedule.times).to_owned()),
        ("cron", td_string!(language, schedule.cron_line).to_owned()),
        ("time_zone", td_string!(language, schedule.time_zone).to_owned()),
    ]
}

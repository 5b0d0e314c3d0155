//! Times as people read them: how long ago, and the exact time in the browser's zone behind it. Always inside
//! `<time datetime>`, always written by the server.

use domain::schedule::Schedule;
use jiff::{Timestamp, Zoned};
use leptos::prelude::*;

use crate::request::{lang, time_zone};
use crate::texts::{Locale, td_string, text};

#[expect(clippy::disallowed_methods, reason = "how long ago something was is only said here; nothing is decided by it")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Day, month, year and time of day, as the language writes them.
pub fn moment_text(language: Locale, moment: &Zoned) -> String {
    let months = td_string!(language, common.months);
    let month = months.split('|').nth(usize::try_from(moment.month() - 1).unwrap_or(0)).unwrap_or_default();
    let day = moment.day().to_string();
    let year = moment.year().to_string();
    let time = format!("{:02}:{:02}", moment.hour(), moment.minute());
    text!(language, common.date_time, day = day, month = month, year = year, time = time)
}

/// A time with its zone, in the browser's zone.
pub fn date_time_text(language: Locale, micros: i64) -> String {
    let zone = time_zone();
    let name = zone.iana_name().unwrap_or("UTC").to_owned();
    format!("{} ({name})", moment_text(language, &at(micros).to_zoned(zone)))
}

/// The next slots of a schedule.
pub fn coming(schedule: &Schedule, count: usize) -> Vec<Timestamp> {
    schedule.next_slots(now(), count)
}

/// How long ago, in whole units of the largest that fits.
fn ago(language: Locale, micros: i64) -> String {
    let seconds = (now().as_microsecond() - micros) / 1_000_000;
    match seconds {
        ..60 => td_string!(language, common.just_now).to_owned(),
        60..3_600 => text!(language, common.minutes_ago, count = move || seconds / 60),
        3_600..86_400 => text!(language, common.hours_ago, count = move || seconds / 3_600),
        86_400..2_592_000 => text!(language, common.days_ago, count = move || seconds / 86_400),
        _ => moment_text(language, &at(micros).to_zoned(time_zone())),
    }
}

/// How long ago something was; the exact time shows on hovering. Microseconds since 1970, UTC.
#[component]
pub fn TimeAgo(at: i64) -> AnyView {
    let language = lang();
    view! {
        <time datetime=self::at(at).to_string() title=date_time_text(language, at)>{ago(language, at)}</time>
    }
    .into_any()
}

/// An exact time with its zone. Microseconds since 1970, UTC.
#[component]
pub fn DateTime(at: i64) -> AnyView {
    view! { <time datetime=self::at(at).to_string()>{date_time_text(lang(), at)}</time> }.into_any()
}

/// Seconds until a time; none when it is past.
pub fn seconds_until(micros: i64) -> Option<u64> {
    u64::try_from((micros - now().as_microsecond()) / 1_000_000).ok().filter(|seconds| *seconds > 0)
}

/// A length of time in seconds, as its two largest units.
pub fn duration_text(language: Locale, seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    if hours > 0 {
        text!(language, common.hours_minutes, hours = hours, minutes = minutes)
    } else if minutes > 0 {
        text!(language, common.minutes_seconds, minutes = minutes, seconds = seconds % 60)
    } else {
        text!(language, common.seconds_short, seconds = seconds)
    }
}

//! Every zone of the IANA database over ten years: each day has exactly the slots that were set, at the time that was
//! set unless the clocks jumped over it, and every second between two slots gives the same next slot.
//!
//! `cargo test` takes, of all zones and the ten years, the days around every change of the clocks: where many zones have
//! the same changes, one stands for all of them. Besides, it takes whole years of every thirteenth zone. The whole, every
//! second of it, runs with `cargo test -p domain --release -- --ignored every_zone`.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::*;

const YEARS: std::ops::Range<i16> = 2024..2034;

fn zones() -> Vec<String> {
    let mut names: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 400, "the database of time zones is there");
    names
}

fn noon(day: Date) -> Timestamp {
    day.to_datetime(time(12, 0, 0, 0)).to_zoned(TimeZone::UTC).expect("a day").timestamp()
}

/// The slots of one year, by the day that they were set for: the slot of a wall-clock time is that time, or the first
/// instant after the gap that it fell into.
fn slots_of_year(schedule: &Schedule, year: i16) -> Vec<Timestamp> {
    let (from, to) = (noon(date(year - 1, 12, 29)), noon(date(year + 1, 1, 2)));
    let next = |from: &Timestamp| schedule.next_after(*from).expect("a good schedule").filter(|slot| *slot < to);
    std::iter::successors(next(&from), next).collect()
}

/// What the slots of a list of wall-clock times must be, said in another way than the code says it: the earliest of
/// the instants, minute by minute, at which the clocks show the time or more, and less the minute before.
fn expected(days: impl Iterator<Item = Date>, at: Time, zone: &TimeZone) -> Vec<Timestamp> {
    let mut found: Vec<Timestamp> = days
        .map(|day| {
            let wanted = day.to_datetime(at);
            let shows = |instant: Timestamp| instant.to_zoned(zone.clone()).datetime();
            // No zone is further than 26 hours off; the clocks never move by more within such a time.
            let mut instant = wanted.to_zoned(TimeZone::UTC).expect("a day").timestamp() - 26.hours();
            // Coarse steps end before anything that could come twice; no clock stays on a time for less than the fine ones.
            for (step, margin) in [(3600, 3), (900, 0), (60, 0)] {
                let limit = wanted - margin.hours();
                while shows(instant + SignedDuration::from_secs(step)) < limit {
                    instant += SignedDuration::from_secs(step);
                }
            }
            instant + SignedDuration::from_mins(1)
        })
        .collect();
    found.dedup();
    found
}

#[track_caller]
fn check_days(name: &str, year: i16, schedule: &Schedule, at: Time, is_turn: impl Fn(Date) -> bool) {
    let zone = TimeZone::get(name).expect("a zone");
    let days = date(year, 1, 1).series(1.day()).take_while(|day| day.year() == year).filter(|day| is_turn(*day));
    let expected = expected(days, at, &zone);
    let (first, last) = (expected[0], expected[expected.len() - 1]);
    let mut found = slots_of_year(schedule, year);
    found.retain(|slot| (first..=last).contains(slot));
    let first_odd = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    assert!(found == expected, "{name} {year} {schedule:?}: {} of {}, {first_odd:?}", found.len(), expected.len());
}

fn check_zone(name: &str, year: i16) {
    let zone = name.to_owned();
    for at in [time(2, 30, 0, 0), time(0, 15, 0, 0)] {
        check_days(name, year, &Schedule::daily(at, zone.clone()), at, |_| true);
    }
    let at = time(2, 30, 0, 0);
    let times = vec![at];
    let (days, start) = (vec![Weekday::Sunday], Schedule::EPOCH);
    let weekly = Schedule::Weekly { days, weeks: 1, start, times: times.clone(), time_zone: zone.clone() };
    check_days(name, year, &weekly, at, |day| Weekday::of(day) == Weekday::Sunday);
    let monthly = Schedule::Monthly { days: vec![MonthDay::Number(31)], times, time_zone: zone.clone() };
    check_days(name, year, &monthly, at, |day| day.day() == 31);
    let hourly = Schedule::Every { minutes: 60, start: date(2024, 1, 1).at(0, 0, 0, 0), time_zone: zone };
    let slots = slots_of_year(&hourly, year);
    assert!(
        slots.len() >= 365 * 24
            && slots.windows(2).all(|two| two[1].duration_since(two[0]) == SignedDuration::from_hours(1)),
        "{name}"
    );
}

/// Around each change of the clocks, every second between two slots gives the same next slot.
fn check_seconds(name: &str, year: i16, step: i64) {
    let zone = TimeZone::get(name).expect("a zone");
    let from = noon(date(year, 1, 1));
    let to = noon(date(year + 1, 1, 1));
    let schedules = [
        Schedule::daily(time(2, 30, 0, 0), name.to_owned()),
        Schedule::Cron { line: "*/30 * * * *".to_owned(), time_zone: name.to_owned() },
        Schedule::Cron { line: "*/30 0-23 * * *".to_owned(), time_zone: name.to_owned() },
        Schedule::Every { minutes: 90, start: date(2024, 1, 1).at(0, 0, 0, 0), time_zone: name.to_owned() },
    ];
    for change in zone.following(from).map(|change| change.timestamp()).take_while(|change| *change < to) {
        for schedule in &schedules {
            let (begin, end) = (change - 3.hours(), change + 3.hours());
            let mut slots = schedule.next_slots(begin, 400).into_iter().peekable();
            let mut now = begin;
            while now < end {
                while slots.peek().is_some_and(|slot| *slot <= now) {
                    slots.next();
                }
                let found = schedule.next_after(now).expect("a good schedule");
                assert_eq!(found.as_ref(), slots.peek(), "{name} {now} {schedule:?}");
                now += SignedDuration::from_secs(step);
            }
        }
    }
}

/// What the clocks of a zone do in the ten years: the offset before each change, its instant, the offset after it.
fn changes_of(name: &str) -> Vec<(i32, Timestamp, i32)> {
    let zone = TimeZone::get(name).expect("a zone");
    let (from, to) = (noon(date(YEARS.start, 1, 1)), noon(date(YEARS.end, 1, 1)));
    let mut offset = zone.to_offset(from).seconds();
    let mut found = vec![(offset, from, offset)];
    for change in zone.following(from).take_while(|change| change.timestamp() < to) {
        let after = change.offset().seconds();
        found.push((offset, change.timestamp(), after));
        offset = after;
    }
    found
}

/// Every day around a change has its slot, whatever time of day was set: usual ones, and one that the change touches.
fn check_change(name: &str, (before, change, after): (i32, Timestamp, i32)) {
    let zone = TimeZone::get(name).expect("a zone");
    // By the smaller offset, the quarter of an hour after the change is jumped over, or comes a second time.
    let shown = change + SignedDuration::from_secs(i64::from(before.min(after)) + 900);
    let touched = shown.to_zoned(TimeZone::UTC).time();
    let day = change.to_zoned(zone.clone()).date();
    for at in [time(2, 30, 0, 0), time(0, 15, 0, 0), touched.with().second(0).build().expect("a time")] {
        let days: Vec<Date> = (-2..=2).map(|n| day + n.days()).collect();
        let expected = expected(days.into_iter(), at, &zone);
        let (first, last) = (expected[0], expected[expected.len() - 1]);
        let schedule = Schedule::daily(at, name.to_owned());
        let found = schedule.next_slots(first - SignedDuration::from_secs(1), expected.len());
        assert_eq!(found, expected, "{name} {change} {at}");
        assert!(schedule.next_after(last).expect("a good schedule").is_some_and(|next| next > last));
    }
    let start = date(2024, 1, 1).at(0, 0, 0, 0);
    let hourly = Schedule::Every { minutes: 60, start, time_zone: name.to_owned() };
    let slots = hourly.next_slots(change - 5.hours(), 10);
    assert!(slots.windows(2).all(|two| two[1].duration_since(two[0]) == SignedDuration::from_hours(1)), "{name}");
}

///
#[test]
fn r31_every_zone_keeps_its_slots_around_every_change_of_ten_years() {
    let mut alike: BTreeMap<Vec<(i32, Timestamp, i32)>, Vec<String>> = BTreeMap::new();
    for name in zones() {
        alike.entry(changes_of(&name)).or_default().push(name);
    }
    let mut changes = 0;
    for (number, (all, names)) in alike.iter().enumerate() {
        for change in &all[1..] {
            check_change(&names[0], *change);
            changes += 1;
        }
        let year = YEARS.start + i16::try_from(number % YEARS.len()).expect("small");
        check_seconds(&names[0], year, 601);
    }
    println!("{} zones, {} that differ, {changes} changes of clocks", zones().len(), alike.len());
    assert!(alike.len() > 50 && changes > 500);
}

#[test]
fn zones_have_exactly_one_slot_a_day() {
    for (index, name) in zones().iter().enumerate().filter(|(index, _)| index % 13 == 0) {
        check_zone(name, [2024, 2026, 2031][index / 13 % 3]);
    }
}

#[test]
fn every_second_between_two_slots_gives_the_same_next_slot() {
    check_seconds("Europe/Madrid", 2026, 1);
    for name in ["Australia/Lord_Howe", "America/Nuuk", "Africa/Casablanca", "Europe/Bucharest", "Africa/Cairo"] {
        check_seconds(name, 2027, 61);
    }
}

#[test]
#[ignore = "minutes of work: every zone, ten years"]
fn every_zone_has_exactly_one_slot_a_day() {
    for name in zones() {
        for year in YEARS {
            check_zone(&name, year);
            check_seconds(&name, year, 1);
        }
    }
}

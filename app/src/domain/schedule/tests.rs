//! What schedules mean, by example.

use jiff::civil::{Time, date};
use jiff::{SignedDuration, Timestamp};

use super::*;

const MADRID: &str = "Europe/Madrid";

fn time(text: &str) -> Time {
    text.parse().expect("a time")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn daily(at: &str, zone: &str) -> Schedule {
    Schedule::daily(time(at), zone.to_owned())
}

fn weekly(days: &[Weekday], weeks: u32, start: &str, times: &[&str]) -> Schedule {
    Schedule::Weekly {
        days: days.to_vec(),
        weeks,
        start: start.parse().expect("a day"),
        times: times.iter().map(|at| time(at)).collect(),
        time_zone: MADRID.to_owned(),
    }
}

fn monthly(days: &[MonthDay], at: &str) -> Schedule {
    Schedule::Monthly { days: days.to_vec(), times: vec![time(at)], time_zone: MADRID.to_owned() }
}

fn cron(line: &str) -> Schedule {
    Schedule::Cron { line: line.to_owned(), time_zone: MADRID.to_owned() }
}

fn every(minutes: u32, start: &str) -> Schedule {
    Schedule::Every { minutes, start: start.parse().expect("a moment"), time_zone: MADRID.to_owned() }
}

#[track_caller]
fn check(schedule: &Schedule, now: &str, expected: &[&str]) {
    let found = schedule.next_slots(instant(now), expected.len());
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn a_daily_slot_keeps_its_local_time() {
    let schedule = daily("06:30", "Europe/Bucharest");
    check(&schedule, "2026-11-22T04:29:59Z", &["2026-11-22T04:30:00Z", "2026-11-23T04:30:00Z"]);
    check(&schedule, "2026-11-22T04:30:00Z", &["2026-11-23T04:30:00Z"]);
    check(&schedule, "2026-07-01T00:00:00Z", &["2026-07-01T03:30:00Z"]);
}

#[test]
fn trap_13_r31_a_slot_in_the_gap_runs_once_at_the_first_instant_after_it() {
    for schedule in [daily("02:30", MADRID), cron("30 2 * * *")] {
        check(&schedule, "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }
}

#[test]
fn a_slot_in_the_overlap_runs_once_at_the_first() {
    for schedule in [daily("02:30", MADRID), cron("30 2 * * *")] {
        check(&schedule, "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        check(&schedule, "2026-10-25T01:00:00Z", &["2026-10-26T01:30:00Z"]);
    }
}

#[test]
fn times_that_fall_into_the_same_gap_make_one_slot() {
    let schedule = weekly(&Weekday::ALL, 1, "2024-01-01", &["02:45", "02:15", "03:00"]);
    check(&schedule, "2026-03-29T00:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"]);
}

#[test]
fn a_day_that_a_zone_left_out_has_no_slot() {
    // Samoa went from the 29th straight to the 31st of December 2011.
    let start = date(2011, 1, 3);
    let (days, times) = (Weekday::ALL.to_vec(), vec![time("10:00")]);
    let schedule = Schedule::Weekly { days, weeks: 1, start, times, time_zone: "Pacific/Apia".to_owned() };
    check(&schedule, "2011-12-29T20:00:00Z", &["2011-12-30T20:00:00Z", "2011-12-31T20:00:00Z"]);
}

#[test]
fn every_90_minutes_stays_90_minutes_when_the_clocks_change() {
    let schedule = every(90, "2026-10-24T23:00:00");
    let expected = [
        "2026-10-24T21:00:00Z",
        "2026-10-24T22:30:00Z",
        "2026-10-25T00:00:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T03:00:00Z",
    ];
    check(&schedule, "2026-10-01T00:00:00Z", &expected);
    check(&schedule, "2026-10-25T00:00:00Z", &expected[3..]);
}

#[test]
fn every_second_week_counts_from_the_week_of_its_start() {
    // 2026-11-18 is a Wednesday; its week began on Monday the 16th.
    let schedule = weekly(&[Weekday::Monday, Weekday::Thursday], 2, "2026-11-18", &["08:00", "20:00"]);
    let expected = [
        "2026-11-19T07:00:00Z",
        "2026-11-19T19:00:00Z",
        "2026-11-30T07:00:00Z",
        "2026-11-30T19:00:00Z",
        "2026-12-03T07:00:00Z",
    ];
    check(&schedule, "2026-01-01T00:00:00Z", &expected);
    let rare = weekly(&[Weekday::Sunday], 52, "2026-01-05", &["08:00"]);
    check(&rare, "2026-01-11T08:00:00Z", &["2027-01-10T07:00:00Z"]);
    let ahead = weekly(&[Weekday::Sunday], 52, "2031-01-06", &["08:00"]);
    check(&ahead, "2026-01-11T08:00:00Z", &["2031-01-12T07:00:00Z"]);
}

#[test]
fn the_31st_passes_over_short_months_and_the_last_day_does_not() {
    check(
        &monthly(&[MonthDay::Number(31)], "09:00"),
        "2027-01-31T08:00:00Z",
        &["2027-03-31T07:00:00Z", "2027-05-31T07:00:00Z"],
    );
    check(
        &monthly(&[MonthDay::Last, MonthDay::Number(1)], "09:00"),
        "2028-02-02T00:00:00Z",
        &["2028-02-29T08:00:00Z", "2028-03-01T08:00:00Z", "2028-03-31T07:00:00Z"],
    );
}

#[test]
fn a_line_of_cron_means_what_it_always_means() {
    check(&cron("*/15 8-9 * * 1-5"), "2026-11-20T08:45:00Z", &["2026-11-23T07:00:00Z", "2026-11-23T07:15:00Z"]);
    check(&cron("0 6 L * *"), "2026-11-20T08:45:00Z", &["2026-11-30T05:00:00Z", "2026-12-31T05:00:00Z"]);
}

#[test]
fn a_line_of_cron_that_names_no_hour_comes_in_every_hour_that_passes() {
    // Both hours that are shown twice, and none twice where an hour is left out.
    check(
        &cron("0 * * * *"),
        "2026-10-24T23:30:00Z",
        &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"],
    );
    check(&cron("30 * * * *"), "2026-03-29T00:00:00Z", &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
    for (line, minutes) in [("0 * * * *", 60), ("*/15 * * * *", 15)] {
        for day in ["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"] {
            let slots = cron(line).next_slots(instant(day), 200);
            let step = SignedDuration::from_mins(minutes);
            assert!(slots.windows(2).all(|two| two[1].duration_since(two[0]) == step), "{line} from {day}");
        }
    }
    // Hours that are named come once each, as times of day do.
    for line in ["0 0-23 * * *", "0 */1 * * *"] {
        check(
            &cron(line),
            "2026-10-24T23:30:00Z",
            &["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"],
        );
    }
    // Rare days, over many changes of the clocks.
    check(&cron("0 * 29 2 *"), "2028-03-01T12:00:00Z", &["2032-02-28T23:00:00Z", "2032-02-29T00:00:00Z"]);
}

#[test]
fn what_has_no_slots_of_its_own_says_so() {
    assert_eq!(Schedule::Off.next_after(Timestamp::UNIX_EPOCH), Ok(None));
    assert_eq!(Schedule::System.next_after(Timestamp::UNIX_EPOCH), Ok(None));
    assert_eq!(daily("10:00", "Mars/Olympus").next_after(Timestamp::UNIX_EPOCH), Err(ScheduleFault::TimeZone));
    assert_eq!(cron("30 2 * *").next_after(Timestamp::UNIX_EPOCH), Err(ScheduleFault::Cron));
}

#[test]
fn faults_are_named() {
    use ScheduleFault::{Cron, Days, Interval, System, TimeZone, Times, Weeks};
    let at = ["08:00"];
    let table = [
        (Schedule::Off, vec![]),
        (daily("10:00", "Mars/Olympus"), vec![TimeZone]),
        (every(4, "2026-01-01T00:00:00"), vec![Interval]),
        (every(7 * 24 * 60 + 1, "2026-01-01T00:00:00"), vec![Interval]),
        (every(90, "2026-01-01T00:00:00"), vec![]),
        (weekly(&[], 0, "2026-01-01", &[]), vec![Days, Weeks, Times]),
        (weekly(&[Weekday::Monday], 53, "2026-01-01", &at), vec![Weeks]),
        (weekly(&[Weekday::Monday], 52, "2026-01-01", &at), vec![]),
        (monthly(&[], "08:00"), vec![Days]),
        (monthly(&[MonthDay::Number(32)], "08:00"), vec![Days]),
        (cron("0 6 * * MON"), vec![]),
        (cron("0 6 30 2 *"), vec![Cron]),
        (cron("0 0 6 * * *"), vec![Cron]),
        (cron("@daily"), vec![Cron]),
        (cron("61 6 * * *"), vec![Cron]),
    ];
    for (schedule, expected) in table {
        assert_eq!(schedule.faults(), expected, "{schedule:?}");
    }
    let five = weekly(&[Weekday::Monday], 1, "2026-01-01", &["01:00", "02:00", "03:00", "04:00", "05:00"]);
    assert_eq!((five.faults(), five.system_faults()), (vec![], vec![System]));
    assert_eq!(daily("06:30", MADRID).system_faults(), []);
    assert_eq!(every(90, "2026-01-01T00:00:00").system_faults(), [System]);
}

#[test]
fn stored_schedules_come_back_the_old_ones_too() {
    let all = [
        Schedule::Off,
        Schedule::System,
        every(90, "2026-01-01T08:00:00"),
        weekly(&[Weekday::Monday, Weekday::Sunday], 2, "2026-01-05", &["08:00", "20:15"]),
        monthly(&[MonthDay::Number(1), MonthDay::Last], "08:00"),
        cron("0 6 * * 1-5"),
    ];
    for schedule in all {
        let text = serde_json::to_string(&schedule).expect("written");
        assert_eq!(serde_json::from_str::<Schedule>(&text).expect("read"), schedule, "{text}");
    }
    let old = r#"{"kind":"daily","at":"06:30:00","time_zone":"Europe/Madrid"}"#;
    assert_eq!(serde_json::from_str::<Schedule>(old).expect("read"), daily("06:30", MADRID));
    assert_eq!(serde_json::from_str::<Schedule>(r#"{"kind":"off"}"#).expect("read"), Schedule::Off);
}

#[test]
fn what_means_the_same_is_written_the_same() {
    let mixed = weekly(&[Weekday::Sunday, Weekday::Monday, Weekday::Sunday], 1, "2026-01-05", &["20:00", "08:00"]);
    let plain = weekly(&[Weekday::Monday, Weekday::Sunday], 1, "2026-01-05", &["08:00", "20:00"]);
    assert_eq!(mixed.in_order(), plain);
    assert_eq!(cron(" 0  6 * * 1-5 ").in_order(), cron("0 6 * * 1-5"));
    assert_eq!(Weekday::of(date(2026, 11, 22)), Weekday::Sunday);
}

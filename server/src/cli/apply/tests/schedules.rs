//! The schedules of a configuration file.

use domain::schedule::Schedule;

use super::super::file;
use super::super::reader::Fault;
use super::WHOLE;

fn schedule_of(value: &str) -> Result<Schedule, Vec<String>> {
    let text = WHOLE.replace("schedule = { daily_at = \"06:30\", time_zone = \"Europe/Madrid\" }", value);
    let read = file::read(&text).map_err(|faults| faults.iter().map(Fault::to_string).collect::<Vec<_>>())?;
    Ok(read.exports[0].value.schedule.clone())
}

#[test]
fn every_kind_of_schedule_is_read() {
    let zone = "time_zone = \"Europe/Madrid\"";
    let is = |value: &str, expected: &str| {
        let found = schedule_of(value).unwrap_or_else(|faults| panic!("{value}: {faults:?}"));
        assert_eq!(serde_json::to_string(&found).expect("JSON"), expected, "{value}");
    };
    is("", r#"{"kind":"system"}"#);
    is("schedule = \"system\"", r#"{"kind":"system"}"#);
    is("schedule = \"off\"", r#"{"kind":"off"}"#);
    is(
        &format!("schedule = {{ every = \"90 minutes\", start = 2026-01-05T08:00:00, {zone} }}"),
        r#"{"kind":"every","minutes":90,"start":"2026-01-05T08:00:00","time_zone":"Europe/Madrid"}"#,
    );
    is(
        &format!(
            "schedule = {{ weekdays = [\"friday\", \"monday\"], at = [\"18:00\", \"06:30\"], weeks = 2, {zone} }}"
        ),
        r#"{"kind":"weekly","days":["monday","friday"],"weeks":2,"start":"2024-01-01","times":["06:30:00","18:00:00"],"time_zone":"Europe/Madrid"}"#,
    );
    is(
        &format!("schedule = {{ month_days = [1, \"last\"], at = \"07:00\", {zone} }}"),
        r#"{"kind":"monthly","days":["1","last"],"times":["07:00:00"],"time_zone":"Europe/Madrid"}"#,
    );
    is(
        &format!("schedule = {{ cron = \"0 6 * * 1-5\", {zone} }}"),
        r#"{"kind":"cron","line":"0 6 * * 1-5","time_zone":"Europe/Madrid"}"#,
    );
}

#[test]
fn faults_of_schedules_are_told_with_their_line() {
    let zone = "time_zone = \"UTC\"";
    let line = WHOLE.lines().count();
    let wrong = [
        "schedule = \"sometimes\"".to_owned(),
        "schedule = { daily_at = \"06:30\", time_zone = \"Mars\" }".to_owned(),
        "schedule = { daily_at = \"06:30\" }".to_owned(),
        format!("schedule = {{ {zone} }}"),
        format!("schedule = {{ daily_at = \"06:30\", cron = \"0 6 * * *\", {zone} }}"),
        format!("schedule = {{ every = \"often\", {zone} }}"),
        format!("schedule = {{ every = \"1 minutes\", {zone} }}"),
        format!("schedule = {{ weekdays = [\"someday\"], at = \"07:00\", {zone} }}"),
        format!("schedule = {{ weekdays = [\"monday\"], {zone} }}"),
        format!("schedule = {{ weekdays = [\"monday\"], at = \"07:00\", weeks = 60, {zone} }}"),
        format!("schedule = {{ month_days = [32], at = \"07:00\", {zone} }}"),
        format!("schedule = {{ cron = \"0 6 30 2 *\", {zone} }}"),
        format!("schedule = {{ cron = \"0 6 * * *\", often = true, {zone} }}"),
    ];
    for value in wrong {
        let faults = schedule_of(&value).expect_err(&value);
        assert!(faults.iter().all(|fault| fault.starts_with(&format!("line {line}: "))), "{value}: {faults:?}");
    }
}

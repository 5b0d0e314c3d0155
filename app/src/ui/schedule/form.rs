//! A schedule as people enter it. Fields of the kinds that are not chosen are kept and mean nothing.

use domain::schedule::{MonthDay, Schedule, ScheduleFault, Weekday};
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use crate::error::{FieldFault, FieldFaultKind};

/// What people enter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleForm {
    /// `off`, `system`, `every`, `weekly`, `monthly` or `cron`.
    pub kind: String,
    /// How many minutes or hours.
    pub every: String,
    /// `minutes` or `hours`.
    pub unit: String,
    /// The day from which intervals and weeks count; empty is one long ago.
    pub start_day: String,
    /// The time of the first interval; empty is midnight.
    pub start_time: String,
    /// Every how many weeks.
    pub weeks: String,
    /// The days of the week.
    pub weekdays: Vec<String>,
    /// The days of the month.
    pub month_days: Vec<String>,
    /// The times of day; empty ones do not count.
    pub times: Vec<String>,
    /// The line of cron.
    pub cron: String,
    /// The time zone.
    pub time_zone: String,
}

impl ScheduleForm {
    /// The form of a schedule; what it does not say is filled with what people often want.
    pub fn of(schedule: &Schedule) -> Self {
        let mut form = Self {
            kind: "off".to_owned(),
            every: "2".to_owned(),
            unit: "hours".to_owned(),
            weeks: "1".to_owned(),
            weekdays: Weekday::ALL.iter().map(|day| day.as_str().to_owned()).collect(),
            month_days: vec!["1".to_owned()],
            times: vec!["06:00".to_owned()],
            time_zone: schedule.time_zone().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let written = |times: &[Time]| times.iter().map(|time| time.strftime("%H:%M").to_string()).collect();
        match schedule {
            Schedule::Off => {}
            Schedule::System => form.kind = "system".to_owned(),
            Schedule::Every { minutes, start, .. } => {
                form.kind = "every".to_owned();
                let (count, unit) = if minutes % 60 == 0 { (minutes / 60, "hours") } else { (*minutes, "minutes") };
                (form.every, form.unit) = (count.to_string(), unit.to_owned());
                form.start_day = start_day(start.date());
                form.start_time = start.time().strftime("%H:%M").to_string();
            }
            Schedule::Weekly { days, weeks, start, times, .. } => {
                form.kind = "weekly".to_owned();
                form.weekdays = days.iter().map(|day| day.as_str().to_owned()).collect();
                form.weeks = weeks.to_string();
                form.start_day = start_day(*start);
                form.times = written(times);
            }
            Schedule::Monthly { days, times, .. } => {
                form.kind = "monthly".to_owned();
                form.month_days = days.iter().map(ToString::to_string).collect();
                form.times = written(times);
            }
            Schedule::Cron { line, .. } => (form.kind, form.cron) = ("cron".to_owned(), line.clone()),
        }
        form
    }

    /// The schedule that the form means.
    ///
    /// # Errors
    /// What cannot be expressed, and what is wrong with the schedule, by field.
    pub fn schedule(&self) -> Result<Schedule, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let schedule = match self.kind.as_str() {
            "system" => Schedule::System,
            "every" => Schedule::Every {
                minutes: self.minutes(),
                start: self.start(&mut faults).to_datetime(self.first_time(&mut faults)),
                time_zone: self.time_zone.clone(),
            },
            "weekly" => Schedule::Weekly {
                days: self.weekdays.iter().filter_map(|name| Weekday::parse(name)).collect(),
                weeks: self.weeks.trim().parse().unwrap_or(0),
                start: self.start(&mut faults),
                times: self.times(&mut faults),
                time_zone: self.time_zone.clone(),
            },
            "monthly" => Schedule::Monthly {
                days: self.month_days.iter().filter_map(|day| day.parse::<MonthDay>().ok()).collect(),
                times: self.times(&mut faults),
                time_zone: self.time_zone.clone(),
            },
            "cron" => Schedule::Cron { line: self.cron.clone(), time_zone: self.time_zone.clone() },
            _ => Schedule::Off,
        };
        if faults.is_empty() {
            faults = schedule_faults(&schedule.faults());
        }
        if faults.is_empty() { Ok(schedule.in_order()) } else { Err(faults) }
    }

    /// 0, which is refused, where it is no number.
    fn minutes(&self) -> u32 {
        let count: u32 = self.every.trim().parse().unwrap_or(0);
        if self.unit == "hours" { count.saturating_mul(60) } else { count }
    }

    fn start(&self, faults: &mut Vec<FieldFault>) -> Date {
        read(&self.start_day, "start_day", Schedule::EPOCH, faults)
    }

    fn first_time(&self, faults: &mut Vec<FieldFault>) -> Time {
        read(&self.start_time, "start_time", Time::midnight(), faults)
    }

    fn times(&self, faults: &mut Vec<FieldFault>) -> Vec<Time> {
        let entered = self.times.iter().filter(|text| !text.trim().is_empty());
        entered.map(|text| read(text, "times", Time::midnight(), faults)).collect()
    }
}

fn start_day(day: Date) -> String {
    if day == Schedule::EPOCH { String::new() } else { day.to_string() }
}

fn read<T: std::str::FromStr>(text: &str, field: &str, empty: T, faults: &mut Vec<FieldFault>) -> T {
    match text.trim() {
        "" => empty,
        text => text.parse().unwrap_or_else(|_| {
            faults.push(FieldFault { field: field.to_owned(), fault: FieldFaultKind::Invalid });
            empty
        }),
    }
}

/// The field that each fault belongs to.
pub fn schedule_faults(faults: &[ScheduleFault]) -> Vec<FieldFault> {
    let field = |fault: &ScheduleFault| match fault {
        ScheduleFault::TimeZone => ("time_zone", FieldFaultKind::Invalid),
        ScheduleFault::Times => ("times", FieldFaultKind::Required),
        ScheduleFault::Days => ("days", FieldFaultKind::Required),
        ScheduleFault::Weeks => ("weeks", FieldFaultKind::Invalid),
        ScheduleFault::Interval => ("every", FieldFaultKind::Invalid),
        ScheduleFault::Cron => ("cron", FieldFaultKind::Invalid),
        ScheduleFault::System => ("times", FieldFaultKind::TooLong),
    };
    let made = faults.iter().map(field);
    made.map(|(field, fault)| FieldFault { field: field.to_owned(), fault }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Schedule> {
        let zone = || "Europe/Bucharest".to_owned();
        let times: Vec<Time> = vec![jiff::civil::time(6, 30, 0, 0), jiff::civil::time(18, 0, 0, 0)];
        let start = jiff::civil::date(2026, 11, 23);
        vec![
            Schedule::Off,
            Schedule::System,
            Schedule::Every { minutes: 90, start: start.at(8, 15, 0, 0), time_zone: zone() },
            Schedule::Every { minutes: 120, start: Schedule::EPOCH.at(0, 0, 0, 0), time_zone: zone() },
            Schedule::Weekly {
                days: vec![Weekday::Monday, Weekday::Friday],
                weeks: 2,
                start,
                times: times.clone(),
                time_zone: zone(),
            },
            Schedule::Monthly { days: vec![MonthDay::Number(31), MonthDay::Last], times, time_zone: zone() },
            Schedule::Cron { line: "30 6 * * 1-5".to_owned(), time_zone: zone() },
        ]
    }

    #[test]
    fn every_schedule_comes_back_from_its_form_and_the_form_from_an_address() {
        for schedule in all() {
            let form = ScheduleForm::of(&schedule);
            assert_eq!(form.schedule(), Ok(schedule));
            let text = serde_qs::to_string(&form).expect("a query");
            let back: ScheduleForm = serde_qs::Config::new(6, false).deserialize_str(&text).expect("the form");
            assert_eq!(back, form);
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let good = ScheduleForm { time_zone: "UTC".to_owned(), ..ScheduleForm::of(&Schedule::Off) };
        let with = |change: fn(&mut ScheduleForm)| {
            let mut form = good.clone();
            change(&mut form);
            let faults = form.schedule().err().unwrap_or_default();
            faults.into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert_eq!(with(|form| form.kind = "weekly".to_owned()), [""; 0]);
        type Change = fn(&mut ScheduleForm);
        let table: [(Change, &str); 8] = [
            (|f| (f.kind, f.every) = ("every".to_owned(), "4x".to_owned()), "every"),
            (|f| (f.kind, f.start_time) = ("every".to_owned(), "25:00".to_owned()), "start_time"),
            (|f| (f.kind, f.start_day) = ("weekly".to_owned(), "tomorrow".to_owned()), "start_day"),
            (|f| (f.kind, f.weekdays) = ("weekly".to_owned(), Vec::new()), "days"),
            (|f| (f.kind, f.times) = ("weekly".to_owned(), vec![String::new()]), "times"),
            (|f| (f.kind, f.month_days) = ("monthly".to_owned(), Vec::new()), "days"),
            (|f| (f.kind, f.cron) = ("cron".to_owned(), "whenever".to_owned()), "cron"),
            (|f| (f.kind, f.time_zone) = ("weekly".to_owned(), "Mars".to_owned()), "time_zone"),
        ];
        for (change, field) in table {
            assert_eq!(with(change), [field]);
        }
    }
}

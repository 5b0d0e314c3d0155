//! The fields of a schedule, and a look at its next runs. The style sheet hides what the chosen kind does not need;
//! where it cannot, everything is there.

use domain::schedule::{MOST_TIMES, MonthDay, Schedule, Weekday};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::ScheduleForm;
use super::words::{month_day, weekday};
use crate::request::time_zone;
use crate::texts::{Locale, td_string, text};
use crate::ui::time::{coming, moment_text};
use crate::ui::{Choice, Faults, Icon, SelectField, TextField, icon};

/// Runs that are shown ahead.
const SHOWN: usize = 5;
/// Times of day that the form offers at least.
const FEWEST_TIMES: usize = 4;

/// The choice of a kind: values and texts.
pub fn kind_choices(kinds: impl IntoIterator<Item = (&'static str, &'static str)>, chosen: &str) -> AnyView {
    let choices = kinds.into_iter().map(|(kind, text)| {
        let is_chosen = kind == chosen;
        view! {
            <label class="choice">
                <input type="radio" name="form[schedule][kind]" value=kind checked=is_chosen />
                {text}
            </label>
        }
    });
    view! { <div class="kinds">{choices.collect_view()}</div> }.into_any()
}

/// The fields of all kinds of schedules with slots of their own. `form[schedule]…` is where they are sent.
pub fn own_fields(language: Locale, form: &ScheduleForm, faults: &Faults) -> AnyView {
    let units = vec![
        Choice::new("minutes", td_string!(language, schedule.minutes)),
        Choice::new("hours", td_string!(language, schedule.hours)),
    ];
    let month_days = (1..=31).map(MonthDay::Number).chain([MonthDay::Last]).map(|day| {
        let value = day.to_string();
        check_box("form[schedule][month_days][]", &form.month_days, value, month_day(language, day))
    });
    view! {
        <div class="row-fields for-every">
            <TextField
                name="every"
                send_as="form[schedule][every]"
                kind="number"
                label=td_string!(language, schedule.every)
                value=form.every.clone()
                required=false
                mark_optional=false
                faults=faults.clone()
            />
            <SelectField
                name="unit"
                send_as="form[schedule][unit]"
                label=td_string!(language, schedule.unit)
                groups=vec![(String::new(), units)]
                value=form.unit.clone()
                faults=faults.clone()
            />
            <TextField
                name="start_time"
                send_as="form[schedule][start_time]"
                kind="time"
                label=td_string!(language, schedule.start_time)
                value=form.start_time.clone()
                required=false
                faults=faults.clone()
            />
        </div>
        <div class="for-weekly">{weekday_fields(language, form, faults)}</div>
        <div class="row-fields for-weekly">
            <TextField
                name="weeks"
                send_as="form[schedule][weeks]"
                kind="number"
                label=td_string!(language, schedule.weeks)
                value=form.weeks.clone()
                required=false
                mark_optional=false
                faults=faults.clone()
            />
        </div>
        <div class="row-fields for-start">
            <TextField
                name="start_day"
                send_as="form[schedule][start_day]"
                kind="date"
                label=td_string!(language, schedule.start_day)
                help=td_string!(language, schedule.start_help)
                value=form.start_day.clone()
                required=false
                faults=faults.clone()
            />
        </div>
        <fieldset class="field for-monthly">
            <legend>{td_string!(language, schedule.month_days)}</legend>
            <p class="help">{td_string!(language, schedule.month_help)}</p>
            <div class="days of-month">{month_days.collect_view()}</div>
            {faults.at("days").map(|text| view! { <p class="fault">{text}</p> })}
        </fieldset>
        <div class="for-times">{times_fields(language, form, faults, MOST_TIMES)}</div>
        <div class="for-cron">
            <TextField
                name="cron"
                send_as="form[schedule][cron]"
                label=td_string!(language, schedule.cron_line)
                help=td_string!(language, schedule.cron_help)
                value=form.cron.clone()
                required=false
                mark_optional=false
                faults=faults.clone()
            />
        </div>
        <div class="for-zone">{zone_field(language, form, faults)}</div>
    }
    .into_any()
}

fn check_box(name: &'static str, chosen: &[String], value: String, text: impl Into<String>) -> AnyView {
    let is_chosen = chosen.contains(&value);
    let text: String = text.into();
    view! {
        <label class="choice"><input type="checkbox" name=name value=value checked=is_chosen /> {text}</label>
    }
    .into_any()
}

/// The days of the week.
pub fn weekday_fields(language: Locale, form: &ScheduleForm, faults: &Faults) -> AnyView {
    let days = Weekday::ALL.map(|day| {
        let value = day.as_str().to_owned();
        check_box("form[schedule][weekdays][]", &form.weekdays, value, weekday(language, day))
    });
    view! {
        <fieldset class="field">
            <legend>{td_string!(language, schedule.days)}</legend>
            <div class="days">{days.into_iter().collect_view()}</div>
            {faults.at("days").map(|text| view! { <p class="fault">{text}</p> })}
        </fieldset>
    }
    .into_any()
}

/// The times of day: those that are set, and room for more.
pub fn times_fields(language: Locale, form: &ScheduleForm, faults: &Faults, most: usize) -> AnyView {
    let set: Vec<String> = form.times.iter().filter(|text| !text.is_empty()).cloned().collect();
    let places = (set.len() + 1).max(FEWEST_TIMES).min(most.max(set.len()));
    let fields = (0..places).map(|place| {
        let label = text!(language, schedule.time_number, number = place + 1);
        let value = set.get(place).cloned().unwrap_or_default();
        view! { <input type="time" name="form[schedule][times][]" aria-label=label value=value /> }
    });
    view! {
        <fieldset class="field">
            <legend>{td_string!(language, schedule.times)}</legend>
            <p class="help">{td_string!(language, schedule.times_help)}</p>
            <div class="row-fields times">{fields.collect_view()}</div>
            {faults.at("times").map(|text| view! { <p class="fault">{text}</p> })}
        </fieldset>
    }
    .into_any()
}

/// The time zone; the browser's own where none is chosen.
pub fn zone_field(language: Locale, form: &ScheduleForm, faults: &Faults) -> AnyView {
    let zone = if form.time_zone.is_empty() {
        time_zone().iana_name().unwrap_or("UTC").to_owned()
    } else {
        form.time_zone.clone()
    };
    view! {
        <SelectField
            name="time_zone"
            send_as="form[schedule][time_zone]"
            label=td_string!(language, schedule.time_zone)
            groups=vec![(String::new(), zones(&zone))]
            value=zone
            faults=faults.clone()
        />
    }
    .into_any()
}

/// The zones that people live in, by name, and UTC.
fn zones(chosen: &str) -> Vec<Choice> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("SystemV/"))
        .collect();
    names.push("UTC".to_owned());
    if !chosen.is_empty() && !names.iter().any(|name| name == chosen) {
        names.push(chosen.to_owned());
    }
    names.sort();
    names.dedup();
    names.into_iter().map(|name| Choice::new(name.clone(), name)).collect()
}

/// The next runs of what the form means, and the button that shows them anew on the page `here`.
pub fn look_ahead(language: Locale, form: &ScheduleForm, here: &str, is_locked: bool) -> AnyView {
    let next = form.schedule().ok().and_then(|schedule| next_runs(language, &schedule));
    let look = (!is_locked).then(|| {
        view! {
            <button class="for-zone" formmethod="get" formaction=here.to_owned() formnovalidate name="look" value="1">
                {icon(Icon::Clock)} {td_string!(language, schedule.show_next)}
            </button>
        }
    });
    view! {
        <div class="own">
            <p class="help for-zone">{td_string!(language, schedule.clock_help)}</p>
            {look}
            {next}
        </div>
    }
    .into_any()
}

/// The next five runs of a schedule, in its zone and in UTC; nothing for one without slots of its own.
fn next_runs(language: Locale, schedule: &Schedule) -> Option<AnyView> {
    let name = schedule.time_zone()?.to_owned();
    let zone = TimeZone::get(&name).ok()?;
    let slots = coming(schedule, SHOWN);
    if slots.is_empty() {
        return Some(view! { <p class="help">{td_string!(language, schedule.next_none)}</p> }.into_any());
    }
    let row = |slot: Timestamp| {
        let local = moment_text(language, &slot.to_zoned(zone.clone()));
        let utc = moment_text(language, &slot.to_zoned(TimeZone::UTC));
        view! {
            <tr>
                <td><time datetime=slot.to_string()>{local}</time></td>
                <td>{utc}</td>
            </tr>
        }
    };
    let title = td_string!(language, schedule.next_title);
    let rows = slots.into_iter().map(row).collect_view();
    Some(
        view! {
            <div class="table next-runs" role="region" tabindex="0" aria-label=title>
                <table>
                    <caption>{title}</caption>
                    <thead><tr><th scope="col">{name}</th><th scope="col">"UTC"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any(),
    )
}

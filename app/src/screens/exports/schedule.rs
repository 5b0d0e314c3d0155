//! The schedule of an export: as a sentence in lists, as fields in the editor.

use domain::schedule::Schedule;
use leptos::prelude::*;

use super::ExportForm;
use crate::request::time_zone;
use crate::texts::{Locale, td_string, text};
use crate::ui::{Choice, Faults, SelectField, TextField};

/// When an export runs by itself.
pub(super) fn schedule_text(language: Locale, schedule: &Schedule) -> String {
    match schedule {
        Schedule::Off => td_string!(language, exports.schedule_off).to_owned(),
        Schedule::Daily { at, time_zone } => {
            let time = at.strftime("%H:%M").to_string();
            text!(language, exports.schedule_daily, time = time, zone = time_zone.clone())
        }
    }
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

/// Off, or every day at a time in a zone.
pub(super) fn schedule_fields(language: Locale, form: &ExportForm, faults: &Faults, is_locked: bool) -> AnyView {
    let is_daily = form.schedule == "daily";
    let zone = if form.time_zone.is_empty() {
        time_zone().iana_name().unwrap_or("UTC").to_owned()
    } else {
        form.time_zone.clone()
    };
    view! {
        <fieldset class="card" id="schedule" disabled=is_locked>
            <legend class="section">{td_string!(language, exports.schedule)}</legend>
            <label class="choice">
                <input type="radio" name="form[schedule]" value="off" checked=!is_daily />
                {td_string!(language, exports.schedule_off_long)}
            </label>
            <label class="choice">
                <input type="radio" name="form[schedule]" value="daily" checked=is_daily />
                {td_string!(language, exports.schedule_daily_long)}
            </label>
            <div class="row-fields when-daily">
                <TextField
                    name="at"
                    send_as="form[at]"
                    kind="time"
                    label=td_string!(language, exports.time)
                    value=form.at.clone()
                    required=false
                    mark_optional=false
                    faults=faults.clone()
                />
                <SelectField
                    name="time_zone"
                    send_as="form[time_zone]"
                    label=td_string!(language, exports.time_zone)
                    groups=vec![(String::new(), zones(&zone))]
                    value=zone
                    faults=faults.clone()
                />
            </div>
        </fieldset>
    }
    .into_any()
}

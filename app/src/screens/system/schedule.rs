//! System > Schedule: when the system refresh comes. For administrators alone.

use domain::access::Actor;
use domain::schedule::MOST_SYSTEM_TIMES;
use domain::system::{MOST_CATCH_UP_HOURS, SystemSettings, WhenActive};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::{Deserialize, Serialize};

use super::{SaveSystemSettings, tabs};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{MenuItem, SYSTEM_SCHEDULE};
use crate::services::Answer;
use crate::texts::{Locale, td_string, text};
use crate::ui::schedule::{self, ScheduleForm, kind_choices, look_ahead, times_fields, weekday_fields, zone_field};
use crate::ui::{Choice, FaultSummary, Faults, Screen, SelectField, TextField, signed_in};

/// What people enter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemForm {
    /// When it comes.
    pub schedule: ScheduleForm,
    /// The catch-up window, in hours.
    pub catch_up_hours: String,
    /// What becomes of a slot while the run before is active.
    pub when_active: String,
    /// The version that the form was opened with.
    pub version: i64,
}

impl SystemForm {
    fn of(settings: &SystemSettings) -> Self {
        Self {
            schedule: ScheduleForm::of(&settings.schedule),
            catch_up_hours: settings.catch_up_hours.to_string(),
            when_active: settings.when_active.as_str().to_owned(),
            version: settings.version,
        }
    }

    /// The settings that the form means. Only what cannot be expressed is refused here.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn settings(&self) -> Answer<SystemSettings> {
        // Weeks are counted one by one here; the form has no field for others.
        let schedule = ScheduleForm { weeks: "1".to_owned(), start_day: String::new(), ..self.schedule.clone() };
        Ok(SystemSettings {
            schedule: schedule.schedule().map_err(AppError::Fields)?,
            catch_up_hours: self.catch_up_hours.trim().parse().unwrap_or(0),
            when_active: WhenActive::parse(&self.when_active).unwrap_or_default(),
            version: self.version,
        })
    }
}

/// What the address carries.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SystemQuery {
    /// The form as it was; none when the page is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<SystemForm>,
    /// *Show the next runs* was pressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) look: Option<u8>,
}

/// When the system refresh comes.
#[component]
pub fn SystemSchedulePage() -> impl IntoView {
    signed_in(MenuItem::System, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let settings = services()?.system.settings(&actor).await?;
    let asked: SystemQuery = query();
    let mut form = asked.form.unwrap_or_else(|| SystemForm::of(&settings));
    let error = fault();
    if error == Some(AppError::Stale) {
        // The page says so: whoever saves now knows that it replaces what somebody else saved.
        form.version = settings.version;
    }
    let is_changed = asked.look.is_some() || error.is_some();
    let mut labels = schedule::labels(language);
    labels.push(("catch_up_hours", td_string!(language, system.catch_up).to_owned()));
    let faults = Faults::of(error.as_ref());
    let body = view! {
        {tabs(SYSTEM_SCHEDULE, actor.role)}
        <FaultSummary error labels />
        <form class="form" method="post" action=SaveSystemSettings::PATH data-guard=if is_changed { "changed" } else { "" }>
            <input type="hidden" name="form[version]" value=form.version.to_string() />
            // The first button is what Enter presses: it must be Save, not the look at the next runs.
            <button class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            {schedule_card(language, &form, &faults)}
            {rules_card(language, &form, &faults)}
            <div class="buttons"><button class="primary">{td_string!(language, common.save)}</button></div>
        </form>
    };
    Ok(Screen::new(td_string!(language, system.title), body))
}

fn schedule_card(language: Locale, form: &SystemForm, faults: &Faults) -> AnyView {
    let kinds = [("off", td_string!(language, system.off)), ("weekly", td_string!(language, schedule.weekly_long))];
    // What is no schedule of this page is shown as off.
    let chosen = if form.schedule.kind == "weekly" { "weekly" } else { "off" };
    view! {
        <fieldset class="card" id="schedule">
            <legend class="section">{td_string!(language, system.refresh)}</legend>
            <p class="help">{td_string!(language, system.refresh_help)}</p>
            <fieldset class="bare">
                {kind_choices(kinds, chosen)}
                <div class="own">
                    <div class="for-weekly">{weekday_fields(language, &form.schedule, faults)}</div>
                    <div class="for-times">{times_fields(language, &form.schedule, faults, MOST_SYSTEM_TIMES)}</div>
                    <div class="for-zone">{zone_field(language, &form.schedule, faults)}</div>
                </div>
            </fieldset>
            {look_ahead(language, &form.schedule, SYSTEM_SCHEDULE, false)}
        </fieldset>
    }
    .into_any()
}

fn rules_card(language: Locale, form: &SystemForm, faults: &Faults) -> AnyView {
    let rules = vec![
        Choice::new("skip", td_string!(language, system.when_skip)),
        Choice::new("queue", td_string!(language, system.when_queue)),
    ];
    view! {
        <fieldset class="card">
            <legend class="section">{td_string!(language, system.rules)}</legend>
            <p class="help">{td_string!(language, system.rules_help)}</p>
            <fieldset class="bare">
                <TextField
                    name="catch_up_hours"
                    send_as="form[catch_up_hours]"
                    kind="number"
                    label=td_string!(language, system.catch_up)
                    help=text!(language, system.catch_up_help, most = MOST_CATCH_UP_HOURS)
                    value=form.catch_up_hours.clone()
                    faults=faults.clone()
                />
                <SelectField
                    name="when_active"
                    send_as="form[when_active]"
                    label=td_string!(language, system.when_active)
                    groups=vec![(String::new(), rules)]
                    value=form.when_active.clone()
                    faults=faults.clone()
                />
            </fieldset>
        </fieldset>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::schedule::Schedule;

    #[test]
    fn a_form_comes_back_from_the_settings_that_it_means() {
        let daily = Schedule::daily(jiff::civil::time(6, 30, 0, 0), "Europe/Madrid".to_owned());
        for schedule in [Schedule::Off, daily] {
            let settings = SystemSettings { schedule, catch_up_hours: 12, when_active: WhenActive::Queue, version: 4 };
            let form = SystemForm::of(&settings);
            let text = serde_qs::to_string(&form).expect("a query");
            let back: SystemForm = serde_qs::Config::new(6, false).deserialize_str(&text).expect("the form");
            assert_eq!(back.settings(), Ok(settings));
        }
    }
}

//! The safety settings of an export: as fields in the editor, and what people entered there.

use domain::attribute::Attribute;
use domain::brake::Brake;
use domain::safety::{Safety, StatusRule, may_hold_opt_in};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::ExportForm;
use crate::error::{FieldFault, FieldFaultKind};
use crate::texts::{Locale, td_string};
use crate::ui::{Choice, Faults, Notice, SelectField, TextField};

const SUBSCRIBED: &str = "subscribed";

/// What people enter about safety. Empty means: as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SafetyForm {
    /// `on` or `off`.
    pub brake: String,
    /// Per cent that may be missing or leave.
    pub leave_percent: String,
    /// Per cent that may join.
    pub join_percent: String,
    /// `subscribed` where a status leaves.
    pub status: String,
    /// The attribute that holds the time of the opt-in.
    pub opt_in: String,
}

impl SafetyForm {
    /// The form of saved settings.
    pub(super) fn of(safety: &Safety) -> Self {
        let brake = safety.brake;
        Self {
            brake: if brake.is_on { "on" } else { "off" }.to_owned(),
            leave_percent: brake.leave_percent.to_string(),
            join_percent: brake.join_percent.to_string(),
            status: safety.status.as_ref().map(|_| SUBSCRIBED.to_owned()).unwrap_or_default(),
            opt_in: safety.status.as_ref().map(|rule| rule.opt_in.clone()).unwrap_or_default(),
        }
    }

    /// The settings that the form means; what cannot be read goes to `faults`.
    pub(super) fn settings(&self, faults: &mut Vec<FieldFault>) -> Safety {
        let usual = Brake::default();
        let mut percent = |field: &str, text: &str, usual: u32| match text.trim() {
            "" => usual,
            text => text.parse().unwrap_or_else(|_| {
                faults.push(FieldFault { field: field.to_owned(), fault: FieldFaultKind::Invalid });
                usual
            }),
        };
        let brake = Brake {
            is_on: self.brake != "off",
            leave_percent: percent("leave_percent", &self.leave_percent, usual.leave_percent),
            join_percent: percent("join_percent", &self.join_percent, usual.join_percent),
        };
        let status = (self.status == SUBSCRIBED).then(|| StatusRule { opt_in: self.opt_in.clone() });
        if status.is_some() && self.opt_in.is_empty() {
            faults.push(FieldFault { field: "opt_in".to_owned(), fault: FieldFaultKind::Required });
        }
        Safety { brake, status }
    }
}

/// When a run is held for approval.
pub(super) fn safety_fields(language: Locale, form: &ExportForm, faults: &Faults, is_locked: bool) -> AnyView {
    let form = &form.safety;
    let usual = Brake::default();
    let is_off = form.brake == "off";
    let percent = |text: &str, usual: u32| if text.is_empty() { usual.to_string() } else { text.to_owned() };
    view! {
        <fieldset class="card" id="brake" disabled=is_locked>
            <legend class="section">{td_string!(language, safety.section)}</legend>
            <label class="choice">
                <input type="radio" name="form[safety][brake]" value="on" checked=!is_off />
                {td_string!(language, safety.brake_on)}
            </label>
            <label class="choice">
                <input type="radio" name="form[safety][brake]" value="off" checked=is_off />
                {td_string!(language, safety.brake_off)}
            </label>
            <div class="when-held">
                <div class="row-fields">
                    <TextField
                        name="leave_percent"
                        send_as="form[safety][leave_percent]"
                        kind="number"
                        label=td_string!(language, safety.leave_percent)
                        value=percent(&form.leave_percent, usual.leave_percent)
                        required=false
                        mark_optional=false
                        faults=faults.clone()
                    />
                    <TextField
                        name="join_percent"
                        send_as="form[safety][join_percent]"
                        kind="number"
                        label=td_string!(language, safety.join_percent)
                        value=percent(&form.join_percent, usual.join_percent)
                        required=false
                        mark_optional=false
                        faults=faults.clone()
                    />
                </div>
                <p class="help">{td_string!(language, safety.brake_help)}</p>
            </div>
        </fieldset>
    }
    .into_any()
}

/// Whether a subscription status leaves. For administrators; others see it only where one does.
pub(super) fn status_fields(
    language: Locale,
    form: &ExportForm,
    attributes: &[Attribute],
    faults: &Faults,
    may_choose: bool,
) -> AnyView {
    let form = &form.safety;
    let is_on = form.status == SUBSCRIBED;
    if !may_choose && !is_on {
        return ().into_any();
    }
    let dates = attributes.iter().filter(|one| may_hold_opt_in(one.kind));
    let mut choices = vec![Choice::new("", td_string!(language, exports.choose_attribute))];
    choices.extend(dates.map(|one| Choice::new(one.name.clone(), one.name.clone())));
    view! {
        <fieldset class="card" id="status" disabled=!may_choose>
            <legend class="section">{td_string!(language, safety.status_section)}</legend>
            <label class="choice">
                <input type="radio" name="form[safety][status]" value="" checked=!is_on />
                {td_string!(language, safety.status_none)}
            </label>
            <label class="choice">
                <input type="radio" name="form[safety][status]" value=SUBSCRIBED checked=is_on />
                {td_string!(language, safety.status_subscribed)}
            </label>
            <div class="when-subscribed">
                <SelectField
                    name="opt_in"
                    send_as="form[safety][opt_in]"
                    label=td_string!(language, safety.opt_in)
                    help=td_string!(language, safety.opt_in_help)
                    groups=vec![(String::new(), choices)]
                    value=form.opt_in.clone()
                    required=false
                    mark_optional=false
                    faults=faults.clone()
                />
                <Notice warning=true><p>{td_string!(language, safety.status_warning)}</p></Notice>
            </div>
        </fieldset>
    }
    .into_any()
}

//! The safety settings of an export: as fields in the editor, and what people entered there.

use domain::brake::Brake;
use domain::safety::Safety;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::ExportForm;
use crate::error::{FieldFault, FieldFaultKind};
use crate::texts::{Locale, td_string};
use crate::ui::{Faults, TextField};

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
}

impl SafetyForm {
    /// The form of saved settings.
    pub(super) fn of(safety: &Safety) -> Self {
        let brake = safety.brake;
        Self {
            brake: if brake.is_on { "on" } else { "off" }.to_owned(),
            leave_percent: brake.leave_percent.to_string(),
            join_percent: brake.join_percent.to_string(),
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
        Safety { brake }
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

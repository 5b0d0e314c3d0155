//! The schedule of an export in its editor: with the system refresh, by a schedule of its own, or not by itself.

use leptos::prelude::*;

use super::ExportForm;
use crate::texts::{Locale, td_string};
use crate::ui::Faults;
use crate::ui::schedule::{kind_choices, look_ahead, own_fields};

/// The kinds of schedules, and the fields of the chosen one. `here` is the page itself, for a look at the next runs.
pub(super) fn schedule_fields(
    language: Locale,
    form: &ExportForm,
    faults: &Faults,
    here: &str,
    is_locked: bool,
) -> AnyView {
    let kinds = [
        ("system", td_string!(language, schedule.system_long)),
        ("weekly", td_string!(language, schedule.weekly_long)),
        ("every", td_string!(language, schedule.every_long)),
        ("monthly", td_string!(language, schedule.monthly_long)),
        ("cron", td_string!(language, schedule.cron_long)),
        ("off", td_string!(language, schedule.off_long)),
    ];
    view! {
        <fieldset class="card" id="schedule">
            <legend class="section">{td_string!(language, exports.schedule)}</legend>
            <fieldset class="bare schedule" disabled=is_locked>
                {kind_choices(kinds, &form.schedule.kind)}
                <div class="own">{own_fields(language, &form.schedule, faults)}</div>
            </fieldset>
            {look_ahead(language, &form.schedule, here, is_locked)}
        </fieldset>
    }
    .into_any()
}

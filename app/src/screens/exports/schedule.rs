//! The schedule of an export in its editor: with the system refresh, by a schedule of its own, or not by itself.

use leptos::prelude::*;

use super::ExportForm;
use crate::texts::{Locale, td_string};
use crate::ui::schedule::{next_runs, own_fields};
use crate::ui::{Faults, Icon, icon};

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
    let chosen = form.schedule.kind.clone();
    let kinds = kinds.map(|(kind, text)| {
        let is_chosen = kind == chosen;
        view! {
            <label class="choice">
                <input type="radio" name="form[schedule][kind]" value=kind checked=is_chosen />
                {text}
            </label>
        }
    });
    let next = form.schedule.schedule().ok().and_then(|schedule| next_runs(language, &schedule));
    let look = (!is_locked).then(|| {
        view! {
            <button class="for-zone" formmethod="get" formaction=here.to_owned() formnovalidate name="look" value="1">
                {icon(Icon::Clock)} {td_string!(language, schedule.show_next)}
            </button>
        }
    });
    view! {
        <fieldset class="card" id="schedule">
            <legend class="section">{td_string!(language, exports.schedule)}</legend>
            <fieldset class="bare schedule" disabled=is_locked>
                <div class="kinds">{kinds.into_iter().collect_view()}</div>
                <div class="own">{own_fields(language, &form.schedule, faults)}</div>
            </fieldset>
            <div class="own">
                <p class="help for-zone">{td_string!(language, schedule.clock_help)}</p>
                {look}
                {next}
            </div>
        </fieldset>
    }
    .into_any()
}

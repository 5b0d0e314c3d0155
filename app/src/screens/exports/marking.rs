//! How the members of segments are marked at the destination: by tags, or by custom properties, with their names.

use domain::marking::{Marking, property_for};
use leptos::prelude::*;

use super::ExportForm;
use crate::services::SegmentLine;
use crate::texts::{Locale, td_string};
use crate::ui::Faults;

/// The choice, and the names that people filter by.
pub(super) fn marking_fields(
    language: Locale,
    form: &ExportForm,
    segments: &[SegmentLine],
    faults: &Faults,
    is_locked: bool,
) -> AnyView {
    let is_property = form.marking == Marking::Properties.as_str();
    let fault =
        faults.at("marking").map(|_| view! { <p class="fault">{td_string!(language, exports.marking_taken)}</p> });
    let chosen = segments.iter().filter(|line| form.segments.contains(&line.segment.id.to_string()));
    let names = chosen.map(|line| {
        let (name, tag) = (line.segment.name.clone(), line.segment.tag.clone());
        let property = property_for(&tag);
        view! { <li><bdi>{name}</bdi> ": " <code>{tag}</code> " / " <code>{property}</code></li> }
    });
    view! {
        <fieldset class="card" id="marking" disabled=is_locked>
            <legend class="section">{td_string!(language, exports.marking)}</legend>
            {fault}
            <label class="choice">
                <input type="radio" name="form[marking]" value=Marking::Tags.as_str() checked=!is_property />
                {td_string!(language, exports.marking_tags)}
            </label>
            <p class="help">{td_string!(language, exports.marking_tags_help)}</p>
            <label class="choice">
                <input type="radio" name="form[marking]" value=Marking::Properties.as_str() checked=is_property />
                {td_string!(language, exports.marking_properties)}
            </label>
            <p class="help">{td_string!(language, exports.marking_properties_help)}</p>
            <ul class="changes">{names.collect_view()}</ul>
            <p class="help">{td_string!(language, exports.marking_change)}</p>
        </fieldset>
    }
    .into_any()
}

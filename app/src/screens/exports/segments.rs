//! The segments of an export: a table of check boxes with how many people each one has.

use leptos::prelude::*;

use super::ExportForm;
use crate::routes;
use crate::services::SegmentLine;
use crate::texts::{Locale, td_string};
use crate::ui::{Badge, Faults, Tone, number};

/// Which segments go.
pub(super) fn segment_fields(
    language: Locale,
    form: &ExportForm,
    segments: Vec<SegmentLine>,
    faults: &Faults,
    is_locked: bool,
) -> AnyView {
    let title = td_string!(language, exports.select_segments);
    let fault = faults.at("segments").map(|text| view! { <p class="fault">{text}</p> });
    let inside = if segments.is_empty() {
        let add = (!is_locked)
            .then(|| view! { " " <a href=routes::NEW_SEGMENT>{td_string!(language, exports.add_segment)}</a> });
        view! { <p>{td_string!(language, exports.no_segments)} {add}</p> }.into_any()
    } else {
        let rows = segments.into_iter().map(|line| row(language, form, line, is_locked));
        view! {
            <div class="table" role="region" tabindex="0" aria-label=title>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{td_string!(language, exports.segment)}</th>
                            <th scope="col">{td_string!(language, common.status)}</th>
                            <th scope="col" class="number">{td_string!(language, runs.members)}</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <fieldset class="card" id="segments">
            <legend class="section">{title}</legend>
            <p class="help">{td_string!(language, exports.segments_help)}</p>
            {fault}
            {inside}
        </fieldset>
    }
    .into_any()
}

fn row(language: Locale, form: &ExportForm, line: SegmentLine, is_locked: bool) -> AnyView {
    let id = line.segment.id.to_string();
    let is_chosen = form.segments.contains(&id);
    let (tone, state) = if line.segment.is_active {
        (Tone::Good, td_string!(language, exports.segment_active))
    } else {
        (Tone::Warning, td_string!(language, exports.segment_inactive))
    };
    let members = match line.members {
        Some(count) => number(language, count),
        None => td_string!(language, exports.not_counted).to_owned(),
    };
    view! {
        <tr>
            <th scope="row">
                <label class="choice">
                    <input type="checkbox" name="form[segments][]" value=id checked=is_chosen disabled=is_locked />
                    <bdi>{line.segment.name}</bdi>
                </label>
            </th>
            <td><Badge tone text=state /></td>
            <td class="number">{members}</td>
        </tr>
    }
    .into_any()
}

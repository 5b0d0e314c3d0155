//! Data matching: a row for each field of the destination with the attribute that feeds it. Rows are added and removed
//! by buttons that load the page again with the form in the address.

use domain::attribute::Attribute;
use domain::destination::DestinationCard;
use leptos::prelude::*;

use super::{ExportForm, MatchRow};
use crate::texts::{Locale, td_string, text};
use crate::ui::{Icon, icon, sentences};

/// The whole block. `path` is the page itself, to which *Add attribute* and *Remove* lead.
pub(super) fn matching_fields(
    language: Locale,
    form: &ExportForm,
    card: &DestinationCard,
    attributes: &[Attribute],
    path: &str,
    is_locked: bool,
) -> AnyView {
    let here = format!("{path}#matching");
    let rows = form
        .rows
        .iter()
        .enumerate()
        .map(|(index, one)| row(language, index, one, card, attributes, &here, is_locked))
        .collect_view();
    let none = attributes.is_empty().then(|| view! { <p>{td_string!(language, exports.no_attributes)}</p> });
    view! {
        <fieldset class="card" id="matching" disabled=is_locked>
            <legend class="section">{td_string!(language, exports.data_matching)}</legend>
            <p class="help">{td_string!(language, exports.matching_help)}</p>
            {none}
            {rows}
            {(!is_locked).then(|| adder(language, form, card, &here))}
        </fieldset>
    }
    .into_any()
}

fn is_required(card: &DestinationCard, row: &MatchRow) -> bool {
    card.targets.iter().any(|target| target.required && target.name == row.target)
}

fn row(
    language: Locale,
    index: usize,
    one: &MatchRow,
    card: &DestinationCard,
    attributes: &[Attribute],
    here: &str,
    is_locked: bool,
) -> AnyView {
    let id = format!("row-{index}");
    let is_required = is_required(card, one);
    let is_property = one.target.is_empty();
    let label = if is_property {
        td_string!(language, exports.property_from).to_owned()
    } else {
        sentences::target(language, &one.target).to_owned()
    };
    let property = is_property.then(|| {
        view! {
            <div class="field">
                <label for=format!("property-{index}")>{td_string!(language, exports.property_name)}</label>
                <input
                    id=format!("property-{index}")
                    name=format!("form[rows][{index}][property]")
                    value=one.property.clone()
                    required
                    maxlength="128"
                    pattern="[A-Za-z0-9_]+"
                    title=td_string!(language, exports.property_help)
                    autocomplete="off"
                />
            </div>
        }
    });
    let removed = match (is_property, one.property.is_empty()) {
        (true, true) => td_string!(language, exports.custom_property).to_owned(),
        (true, false) => one.property.clone(),
        (false, _) => label.clone(),
    };
    let remove_label = text!(language, exports.remove_row, name = removed);
    let remove = (!is_required && !is_locked).then(|| {
        view! {
            <button
                class="quiet"
                formmethod="get"
                formaction=here.to_owned()
                formnovalidate
                name="remove"
                value=index.to_string()
                aria-label=remove_label.clone()
                title=remove_label
            >
                {icon(Icon::Trash)}
            </button>
        }
    });
    view! {
        <div class="row-fields match">
            <input type="hidden" name=format!("form[rows][{index}][target]") value=one.target.clone() />
            {property}
            <div class="field">
                <label for=id.clone()>
                    {label} " "
                    {is_required.then(|| view! { <span class="optional">{td_string!(language, exports.required)}</span> })}
                </label>
                <select id=id name=format!("form[rows][{index}][attribute]") required>
                    {attribute_options(language, attributes, &one.attribute)}
                </select>
            </div>
            {remove}
        </div>
    }
    .into_any()
}

/// The attributes, and the chosen one even where the profiles no longer have it.
fn attribute_options(language: Locale, attributes: &[Attribute], chosen: &str) -> AnyView {
    let gone = !chosen.is_empty() && !attributes.iter().any(|attribute| attribute.name == chosen);
    let gone = gone.then(|| {
        let text = text!(language, exports.attribute_gone, name = chosen.to_owned());
        view! { <option value=chosen.to_owned() selected>{text}</option> }
    });
    let all = attributes.iter().map(|attribute| {
        view! { <option value=attribute.name.clone() selected=attribute.name == chosen>{attribute.name.clone()}</option> }
    });
    view! {
        <option value="" selected=chosen.is_empty()>{td_string!(language, exports.choose_attribute)}</option>
        {gone}
        {all.collect_view()}
    }
    .into_any()
}

/// *Add attribute*: the fields that have no row yet, and a custom property. Disabled when nothing is left.
fn adder(language: Locale, form: &ExportForm, card: &DestinationCard, here: &str) -> AnyView {
    let left: Vec<&str> = card
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .filter(|name| !form.rows.iter().any(|row| row.target == *name))
        .collect();
    let is_done = left.is_empty() && !card.takes_custom_properties;
    let options = left.into_iter().map(|name| {
        view! { <option value=name.to_owned()>{sentences::target(language, name).to_owned()}</option> }
    });
    let property = card
        .takes_custom_properties
        .then(|| view! { <option value="">{td_string!(language, exports.custom_property)}</option> });
    view! {
        <div class="row-fields match">
            <div class="field">
                <label for="add-field">{td_string!(language, exports.field_to_add)}</label>
                <select id="add-field" name="field" disabled=is_done>{options.collect_view()} {property}</select>
            </div>
            <button formmethod="get" formaction=here.to_owned() formnovalidate name="add" value="1" disabled=is_done>
                {icon(Icon::Add)} {td_string!(language, exports.add_attribute)}
            </button>
        </div>
    }
    .into_any()
}

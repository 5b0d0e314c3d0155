//! One condition of the editor: attribute, operator, and the operands that both ask for.

use domain::attribute::{Attribute, AttributeType};
use domain::rule::{Arity, Operator, SPAN_UNITS, operators_for};
use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::form::{ConditionForm, is_ticked, operator_name};
use super::{moment, words};
use crate::request::lang;
use crate::texts::{td_string, text};
use crate::ui::{Icon, icon};

/// What the browser offers for a value of this type, when it is no day and no time.
fn keyboard(kind: AttributeType) -> Option<&'static str> {
    match kind {
        AttributeType::Integer => Some("numeric"),
        AttributeType::Decimal => Some("decimal"),
        AttributeType::Text
        | AttributeType::Boolean
        | AttributeType::Date
        | AttributeType::Time
        | AttributeType::DateTime => None,
    }
}

/// The field of one operand.
struct Operand<'a> {
    /// Its name in the form.
    name: String,
    /// As the rule has it, or as it was typed.
    value: &'a str,
    kind: AttributeType,
    /// Does a bare day mean the same as its first moment?
    from_start: bool,
    label: String,
}

fn value_input(operand: Operand<'_>, zone: Option<&TimeZone>) -> AnyView {
    let Operand { name, value, kind, from_start, label } = operand;
    let shown = moment::shown(value, kind, zone, from_start);
    view! { <input type=shown.input step=shown.step inputmode=keyboard(kind) name=name value=shown.value aria-label=label maxlength="1000" autocomplete="off" /> }
        .into_any()
}

fn ticks(prefix: &str, form: &ConditionForm, operator: Operator, label: String) -> AnyView {
    let boxes = words::ticks(lang(), operator).enumerate().map(|(index, (value, name))| {
        let checked = form.ticked.contains(&value);
        let field = format!("{prefix}[ticked][{index}]");
        view! { <label class="choice"><input type="checkbox" name=field value=value checked=checked /> {name}</label> }
    });
    view! { <fieldset class="ticks"><legend class="visually-hidden">{label}</legend>{boxes.collect_view()}</fieldset> }
        .into_any()
}

fn operands(
    prefix: &str,
    form: &ConditionForm,
    (operator, kind): (Operator, AttributeType),
    zone: Option<&TimeZone>,
) -> AnyView {
    let language = lang();
    let value = td_string!(language, segments.value);
    let (first, second) = (format!("{prefix}[first]"), format!("{prefix}[second]"));
    match operator.arity() {
        Arity::None => ().into_any(),
        Arity::Many if is_ticked(operator) => ticks(prefix, form, operator, value.to_owned()),
        Arity::Many => view! {
            <textarea name=format!("{prefix}[lines]") rows="3" aria-label=td_string!(language, segments.values) placeholder=td_string!(language, segments.values)>
                {form.lines.clone()}
            </textarea>
        }
        .into_any(),
        Arity::Two if operator == Operator::WithinLast => {
            let units = SPAN_UNITS.into_iter().map(|unit| {
                let chosen = form.second == unit || (form.second.is_empty() && unit == "days");
                view! { <option value=unit selected=chosen>{words::unit(language, unit)}</option> }
            });
            let kind = AttributeType::Integer;
            let count = Operand { name: first, value: &form.first, kind, from_start: false, label: value.to_owned() };
            view! {
                {value_input(count, zone)}
                <select name=second aria-label=td_string!(language, segments.unit)>{units.collect_view()}</select>
            }
            .into_any()
        }
        Arity::Two => {
            let kind = if operator == Operator::TimeAt { AttributeType::Time } else { kind };
            let label = td_string!(language, segments.from).to_owned();
            let from = Operand { name: first, value: &form.first, kind, from_start: true, label };
            let label = td_string!(language, segments.to).to_owned();
            let to = Operand { name: second, value: &form.second, kind, from_start: false, label };
            view! { {value_input(from, zone)} {value_input(to, zone)} }.into_any()
        }
        Arity::One => {
            let from_start = matches!(operator, Operator::GreaterOrEqual | Operator::LessThan);
            let label = value.to_owned();
            value_input(Operand { name: first, value: &form.first, kind, from_start, label }, zone)
        }
    }
}

/// What the conditions of one editor share.
pub struct Place<'a> {
    /// The attributes to choose from.
    pub attributes: &'a [Attribute],
    /// The rule's zone; none while it is not known.
    pub zone: Option<TimeZone>,
}

/// A condition. `fault` is what is wrong with it.
pub fn condition(index: usize, form: &ConditionForm, place: &Place<'_>, fault: Option<&'static str>) -> AnyView {
    let language = lang();
    let attributes = place.attributes;
    let prefix = format!("form[conditions][{index}]");
    let unknown = Attribute { name: form.attribute.clone(), kind: AttributeType::Text };
    let is_known = attributes.iter().any(|a| a.name == form.attribute);
    let attribute = attributes.iter().find(|a| a.name == form.attribute).unwrap_or(&unknown);
    let operator = form.operator_for(attribute);
    let names = attributes.iter().chain((!is_known).then_some(&unknown)).map(|a| {
        view! { <option value=a.name.clone() selected=a.name == form.attribute>{a.name.clone()}</option> }
    });
    let verbs = operators_for(attribute.kind).map(|one| {
        let text = words::operator(language, one, attribute.kind);
        view! { <option value=operator_name(one) selected=one == operator>{text}</option> }
    });
    let case = (attribute.kind == AttributeType::Text && operator.arity() != Arity::None).then(|| {
        view! {
            <label class="choice">
                <input type="checkbox" name=format!("{prefix}[ignore_case]") value="1" checked=!form.ignore_case.is_empty() />
                {td_string!(language, segments.ignore_case)}
            </label>
        }
    });
    let number = index + 1;
    let title = text!(language, segments.condition, number = number);
    let remove = text!(language, segments.remove_condition, number = number);
    view! {
        <fieldset class="condition" class:faulty=fault.is_some()>
            <legend class="visually-hidden">{title}</legend>
            <select name=format!("{prefix}[attribute]") aria-label=td_string!(language, segments.attribute) data-redraw="">
                {names.collect_view()}
            </select>
            <select name=format!("{prefix}[operator]") aria-label=td_string!(language, segments.operator) data-redraw="">
                {verbs.collect_view()}
            </select>
            {operands(&prefix, form, (operator, attribute.kind), place.zone.as_ref())}
            {case}
            <button class="quiet" formmethod="get" formaction="" formnovalidate name="form[change]" value=format!("remove-{index}") aria-label=remove>
                {icon(Icon::Trash)}
            </button>
            {fault.map(|text| view! { <p class="fault">{text}</p> })}
        </fieldset>
    }
    .into_any()
}

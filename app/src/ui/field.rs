//! Form fields: label, help, error tied together. The name of a field is also its id.

use leptos::prelude::*;

use super::sentences;
use crate::error::AppError;
use crate::request::lang;
use crate::texts::td_string;

/// The errors of a form by field, from the error that its last try left.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<(String, &'static str)>);

impl Faults {
    /// The errors of the fields; nothing where the error is about something else.
    pub fn of(error: Option<&AppError>) -> Self {
        match error {
            Some(AppError::Fields(faults)) => {
                Self(faults.iter().map(|one| (one.field.clone(), sentences::field(lang(), one.fault))).collect())
            }
            _ => Self::default(),
        }
    }

    /// The same errors, with a field that the form calls otherwise than the service does.
    pub fn renamed(self, from: &str, to: &str) -> Self {
        let name = |name: String| if name == from { to.to_owned() } else { name };
        Self(self.0.into_iter().map(|(field, text)| (name(field), text)).collect())
    }

    /// What is wrong with this field.
    pub fn at(&self, field: &str) -> Option<&'static str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, text)| *text)
    }
}

/// The ids of help and error, for `aria-describedby`.
fn described_by(name: &str, has_help: bool, has_fault: bool) -> Option<String> {
    let ids = [has_help.then(|| format!("{name}-help")), has_fault.then(|| format!("{name}-fault"))];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// Label, help and error around an input.
fn framed(
    name: &str,
    label: String,
    marks_optional: bool,
    help: String,
    fault: Option<&'static str>,
    input: AnyView,
) -> AnyView {
    let optional =
        marks_optional.then(|| view! { <span class="optional">{td_string!(lang(), common.optional)}</span> });
    view! {
        <div class="field" class:faulty=fault.is_some()>
            <label for=name.to_owned()>{label} " " {optional}</label>
            {(!help.is_empty()).then(|| view! { <p class="help" id=format!("{name}-help")>{help}</p> })}
            {input}
            {fault.map(|text| view! { <p class="fault" id=format!("{name}-fault")>{text}</p> })}
        </div>
    }
    .into_any()
}

/// A line of text, a password, an e-mail address, a time.
#[component]
pub fn TextField(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(into, optional)] value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(into, optional)] help: String,
    #[prop(default = true)] required: bool,
    #[prop(default = 200)] max: u32,
    #[prop(optional)] min: Option<u32>,
    #[prop(optional)] disabled: bool,
    /// The key in the form, where it is not the field's name.
    #[prop(optional)]
    send_as: Option<&'static str>,
    /// Says that it may stay empty.
    #[prop(default = true)]
    mark_optional: bool,
    faults: Faults,
) -> impl IntoView {
    let fault = faults.at(name);
    let input = view! {
        <input
            id=name
            name=send_as.unwrap_or(name)
            type=kind
            value=value
            required=required
            disabled=disabled
            maxlength=max
            minlength=min
            autocomplete=autocomplete
            spellcheck="false"
            aria-invalid=fault.is_some().then_some("true")
            aria-describedby=described_by(name, !help.is_empty(), fault.is_some())
        />
    };
    framed(name, label, !required && mark_optional, help, fault, input.into_any())
}

/// One choice of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub text: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self { value: value.into(), text: text.into() }
    }
}

/// The choices as `<option>`s; used by grouped lists too.
pub(super) fn options(choices: Vec<Choice>, chosen: &str) -> AnyView {
    let chosen = chosen.to_owned();
    choices
        .into_iter()
        .map(|one| view! { <option value=one.value.clone() selected=one.value == chosen>{one.text}</option> })
        .collect_view()
        .into_any()
}

/// One of a list; groups with an empty title stand first, without a heading.
#[component]
pub fn SelectField(
    name: &'static str,
    #[prop(into)] label: String,
    groups: Vec<(String, Vec<Choice>)>,
    #[prop(into, optional)] value: String,
    #[prop(into, optional)] help: String,
    #[prop(default = true)] required: bool,
    #[prop(optional)] disabled: bool,
    /// The key in the form, where it is not the field's name.
    #[prop(optional)]
    send_as: Option<&'static str>,
    /// Says that it may stay empty.
    #[prop(default = true)]
    mark_optional: bool,
    faults: Faults,
) -> impl IntoView {
    let fault = faults.at(name);
    let groups = groups.into_iter().map(|(title, choices)| {
        let inner = options(choices, &value);
        if title.is_empty() { inner } else { view! { <optgroup label=title>{inner}</optgroup> }.into_any() }
    });
    let input = view! {
        <select
            id=name
            name=send_as.unwrap_or(name)
            required=required
            disabled=disabled
            aria-invalid=fault.is_some().then_some("true")
            aria-describedby=described_by(name, !help.is_empty(), fault.is_some())
        >
            {groups.collect_view()}
        </select>
    };
    framed(name, label, !required && mark_optional, help, fault, input.into_any())
}

/// One of a few, all visible.
#[component]
pub fn RadioGroup(
    name: &'static str,
    #[prop(into)] legend: String,
    choices: Vec<Choice>,
    #[prop(into)] value: String,
    #[prop(optional)] disabled: bool,
) -> AnyView {
    let choices = choices.into_iter().map(|one| {
        let checked = one.value == value;
        view! { <label class="choice"><input type="radio" name=name value=one.value checked=checked /> {one.text}</label> }
    });
    view! {
        <fieldset class="field" id=name disabled=disabled>
            <legend>{legend}</legend>
            {choices.collect_view()}
        </fieldset>
    }
    .into_any()
}

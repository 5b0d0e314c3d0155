//! The editor of a segment, which is also its page: people who may not change it see the same, locked.

use domain::access::{Actor, may_edit_data};
use domain::attribute::Attribute;
use domain::id::SegmentId;
use domain::rule::{RuleFault, RuleFaultKind};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::condition::{Place, condition};
use super::form::{Asked, ConditionForm, SegmentForm, tried};
use super::list::{state, type_of};
use super::words::outline;
use super::{RefreshSegment, RemoveSegment, SaveSegment, SetActive, SetStatic};
use crate::error::AppError;
use crate::live::live_members::LiveMembers;
use crate::request::{fault, lang, query, services, time_zone};
use crate::routes::{self, MenuItem};
use crate::screens::profiles::profile_table;
use crate::services::{Answer, SegmentLine};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Choice, DateTime, FaultSummary, Faults, Icon, Notice, PostButton, RadioGroup, Screen, TextField, icon, number,
    signed_in,
};

fn rule_fault(language: Locale, fault: RuleFaultKind) -> &'static str {
    match fault {
        RuleFaultKind::UnknownAttribute => td_string!(language, segments.fault_unknown_attribute),
        RuleFaultKind::OperatorDoesNotFit => td_string!(language, segments.fault_operator),
        RuleFaultKind::WrongNumberOfValues => td_string!(language, segments.fault_count),
        RuleFaultKind::UnreadableValue => td_string!(language, segments.fault_value),
        RuleFaultKind::TooDeep | RuleFaultKind::TooMany => td_string!(language, segments.fault_too_many),
        RuleFaultKind::UnknownTimeZone => td_string!(language, segments.fault_time_zone),
    }
}

fn fault_at(faults: &[RuleFault], index: usize) -> Option<&'static str> {
    let place = index.to_string();
    faults.iter().find(|one| one.path == place).map(|one| rule_fault(lang(), one.fault))
}

/// The conditions, joined by all or any, each with its remove button.
fn conditions(form: &SegmentForm, place: &Place<'_>, faults: &[RuleFault]) -> AnyView {
    let language = lang();
    let joins = vec![
        Choice::new("all", td_string!(language, segments.all_of)),
        Choice::new("any", td_string!(language, segments.any_of)),
    ];
    let rows = form.conditions.iter().enumerate();
    let rows = rows.map(|(index, one)| condition(index, one, place, fault_at(faults, index)));
    let general: Vec<_> = faults.iter().filter(|one| one.path.is_empty()).collect();
    let general = general.into_iter().map(|one| view! { <p class="fault">{rule_fault(language, one.fault)}</p> });
    view! {
        <RadioGroup name="form[join]" legend=td_string!(language, segments.rule) choices=joins value=form.join.clone() />
        {rows.collect_view()}
        {general.collect_view()}
        <p>
            <button formmethod="get" formaction="" formnovalidate name="form[change]" value="add">
                {icon(Icon::Add)} " " {td_string!(language, segments.add_condition)}
            </button>
            // Where nothing follows the typing, somebody has to ask for the count and for other operands.
            <noscript>
                <button formmethod="get" formaction="" formnovalidate name="form[change]" value="update">
                    {td_string!(language, segments.update)}
                </button>
            </noscript>
        </p>
    }
    .into_any()
}

/// A rule that this screen cannot edit, whole.
fn outlined(line: &SegmentLine, attributes: &[Attribute], may_edit: bool) -> AnyView {
    let language = lang();
    let lines = outline(language, &line.segment.definition.rule().root, attributes);
    let items = lines.into_iter().map(|(depth, text)| {
        view! { <li class=format!("depth-{}", depth.min(8))><bdi>{text}</bdi></li> }
    });
    view! {
        {may_edit.then(|| view! { <Notice>{td_string!(language, segments.nested_text)}</Notice> })}
        <ul class="outline">{items.collect_view()}</ul>
    }
    .into_any()
}

fn editor(form: SegmentForm, line: Option<&SegmentLine>, attributes: &[Attribute], may_edit: bool) -> AnyView {
    let language = lang();
    let error = fault();
    let faults = Faults::of(error.as_ref()).renamed("name", "form[name]");
    let rule_faults = match &error {
        Some(AppError::Rule(faults)) => faults.clone(),
        _ => line.map(|line| line.faults.clone()).unwrap_or_default(),
    };
    let labels = vec![("name", td_string!(language, common.display_name).to_owned())];
    // Inside a closed <details> a required field could block the form without being seen: it is filled instead.
    let zone = if form.time_zone.is_empty() {
        time_zone().iana_name().unwrap_or("UTC").to_owned()
    } else {
        form.time_zone.clone()
    };
    let place = Place { attributes, zone: jiff::tz::TimeZone::get(&zone).ok() };
    let rule = match line {
        Some(line) if form.keeps_rule() => outlined(line, attributes, may_edit),
        _ => view! {
            {conditions(&form, &place, &rule_faults)}
            <details>
                <summary>{td_string!(language, sources.time_zone)}</summary>
                <TextField name="form[time_zone]" label=td_string!(language, sources.time_zone) help=td_string!(language, segments.time_zone_help) value=zone max=64 required=false mark_optional=false faults=Faults::default() />
            </details>
        }
        .into_any(),
    };
    let guard = if form.change == CHANGED { "changed" } else { "" };
    let buttons = may_edit.then(|| {
        view! {
            <div class="buttons">
                <button class="primary">{td_string!(language, common.save)}</button>
                <a class="button quiet" href=routes::SEGMENTS>{td_string!(language, common.cancel)}</a>
            </div>
        }
    });
    view! {
        <FaultSummary error labels />
        <form id="segment" method="post" action=SaveSegment::PATH data-guard=guard>
            <fieldset class="bare" disabled=!may_edit>
                // The first button is what the Enter key presses: it shows the form anew and saves nothing.
                <button class="visually-hidden" tabindex="-1" formmethod="get" formaction="" formnovalidate name="form[change]" value="update" data-update="">
                    {td_string!(language, segments.update)}
                </button>
                {form.segment.map(|id| view! { <input type="hidden" name="form[segment]" value=id.to_string() /> })}
                <div class="form">
                    <TextField name="form[name]" label=td_string!(language, common.display_name) value=form.name.clone() max=100 faults />
                </div>
                {rule}
                {buttons}
            </fieldset>
        </form>
    }
    .into_any()
}

/// What [`SegmentForm::change`] says of a form that came from the address: it holds what was not saved.
const CHANGED: &str = "changed";

/// The form of the address, changed as the pressed button says; none where the address has none.
fn typed(attributes: &[Attribute]) -> Option<SegmentForm> {
    let form = query::<Asked>().form;
    (form != SegmentForm::default()).then(|| SegmentForm { change: CHANGED.to_owned(), ..form.changed(attributes) })
}

async fn members(form: &SegmentForm, line: Option<&SegmentLine>, actor: &Actor) -> Answer<AnyView> {
    let language = lang();
    let label = td_string!(language, segments.first_members).to_owned();
    let heading = view! { <h2>{label.clone()}</h2> };
    // Trying a rule out is for those who may change it; others see the members of what is saved.
    let may_try = may_edit_data(actor.role) && !form.keeps_rule();
    if let Some(line) = line.filter(|line| line.segment.definition.is_static() || !may_try) {
        if !line.faults.is_empty() && !line.segment.definition.is_static() {
            return Ok(().into_any());
        }
        let found = services()?.segments.members(actor, line.segment.id).await?;
        let counted = text!(
            language,
            segments.counted,
            members = number(language, found.members),
            profiles = number(language, found.profiles),
            share = crate::ui::percent(found.members, found.profiles)
        );
        return Ok(
            view! { {heading} <p class="count">{counted}</p> {profile_table(&label, &found.attributes, found.rows)} }
                .into_any(),
        );
    }
    let first = tried(&form.rule()).await?;
    Ok(view! { {heading} <LiveMembers first label /> }.into_any())
}

/// A new segment.
#[component]
pub fn NewSegmentPage() -> impl IntoView {
    signed_in(MenuItem::Segments, |actor| async move {
        let language = lang();
        if !may_edit_data(actor.role) {
            return Err(AppError::Forbidden);
        }
        let attributes = services()?.sources.attributes(&actor).await?;
        let form = typed(&attributes).unwrap_or_else(|| SegmentForm {
            join: "all".to_owned(),
            conditions: attributes
                .first()
                .map(|a| ConditionForm { attribute: a.name.clone(), ..ConditionForm::default() })
                .into_iter()
                .collect(),
            ..SegmentForm::default()
        });
        let shown = members(&form, None, &actor).await?;
        let body = view! {
            <p class="crumbs"><a href=routes::SEGMENTS>{td_string!(language, segments.title)}</a></p>
            {editor(form, None, &attributes, true)}
            {shown}
        };
        Ok(Screen::new(td_string!(language, segments.add), body))
    })
}

fn commands(line: &SegmentLine) -> AnyView {
    let language = lang();
    let id = line.segment.id.to_string();
    let fields = |more: Option<(&'static str, bool)>| {
        let mut fields = vec![("id", id.clone())];
        fields.extend(more.map(|(name, value)| (name, value.to_string())));
        fields
    };
    let (is_active, is_static) = (line.segment.is_active, line.segment.definition.is_static());
    let activity =
        if is_active { td_string!(language, segments.deactivate) } else { td_string!(language, segments.activate) };
    let kind = if is_static {
        td_string!(language, segments.make_dynamic)
    } else {
        td_string!(language, segments.make_static)
    };
    let remove = td_string!(language, common.remove);
    let uses = line.used_by.iter().map(|name| view! { <li><bdi>{name.clone()}</bdi></li> }).collect_view();
    let used = (!line.used_by.is_empty()).then(|| {
        view! { <p>{td_string!(language, segments.used_by)}</p><ul>{uses}</ul><p>{td_string!(language, segments.remove_used)}</p> }
    });
    let refresh = is_active.then(|| {
        view! { <PostButton action=RefreshSegment::PATH fields=fields(None) text=td_string!(language, common.refresh) /> }
    });
    view! {
        {refresh}
        <PostButton action=SetActive::PATH fields=fields(Some(("active", !is_active))) text=activity />
        <PostButton action=SetStatic::PATH fields=fields(Some(("frozen", !is_static))) text=kind />
        <button type="button" class="danger" popovertarget="remove-segment">{remove}</button>
        <div class="popup" id="remove-segment" popover>
            {used}
            <p>{td_string!(language, segments.remove_text)}</p>
            <PostButton action=RemoveSegment::PATH fields=fields(None) class="danger" symbol=Icon::Trash text=remove />
        </div>
    }
    .into_any()
}

/// One segment.
#[component]
pub fn SegmentPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse::<SegmentId>().ok());
    signed_in(MenuItem::Segments, move |actor| async move {
        let language = lang();
        let services = services()?;
        let line = services.segments.find(&actor, id.ok_or(AppError::NotFound)?).await?;
        let attributes = services.sources.attributes(&actor).await?;
        let may_edit = may_edit_data(actor.role);
        let is_static = line.segment.definition.is_static();
        let form = typed(&attributes).filter(|_| !is_static).unwrap_or_else(|| SegmentForm::of(&line.segment));
        let shown = members(&form, Some(&line), &actor).await?;
        let refreshed = line.refreshed_at.map(|at| {
            view! { <div><dt>{td_string!(language, common.refreshed)}</dt><dd><DateTime at /></dd></div> }
        });
        let frozen = is_static.then(|| view! { <Notice>{td_string!(language, segments.static_text)}</Notice> });
        let body = view! {
            <p class="crumbs"><a href=routes::SEGMENTS>{td_string!(language, segments.title)}</a></p>
            <dl class="facts">
                <div><dt>{td_string!(language, common.kind)}</dt><dd>{type_of(&line)}</dd></div>
                <div><dt>{td_string!(language, segments.state)}</dt><dd>{state(&line)}</dd></div>
                {refreshed}
                <div><dt>{td_string!(language, segments.tag)}</dt><dd><code>{line.segment.tag.clone()}</code></dd></div>
            </dl>
            {frozen}
            {editor(form, Some(&line), &attributes, may_edit && !is_static)}
            {shown}
        };
        let commands = may_edit.then(|| commands(&line));
        Ok(Screen::new(line.segment.name.clone(), body).with_commands_if(commands))
    })
}

//! The list of exports with the true status of each one's last run.

use domain::access::{Actor, Role, may_add_export, may_detach_connection};
use domain::schedule::Schedule;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::{DetachExport, RunAll, RunExport};
use crate::request::{fault, lang, query, services};
use crate::routes::{self, EXPORTS, MenuItem, NEW_EXPORT};
use crate::screens::runs::run_badge;
use crate::services::{Answer, ExportLine, Services};
use crate::texts::{Locale, td_string, text};
use crate::ui::schedule::schedule_text;
use crate::ui::{
    ActionsMenu, Badge, Column, EmptyState, FaultSummary, Icon, List, ListQuery, PostButton, Screen, SearchForm,
    TimeAgo, Tone, date_time_text, icon, kind_name, kind_picture, nothing_found, sentences, signed_in,
};

/// The exports.
#[component]
pub fn ExportsPage() -> impl IntoView {
    signed_in(MenuItem::Exports, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let asked: ListQuery = query();
    let all = services.exports.list(&actor).await?;
    let is_empty = all.is_empty();
    let runs_something = all.iter().any(|line| line.may_edit && line.export.settings.schedule != Schedule::Off);
    let lines = arranged(language, &services, all, &asked);
    let list = if is_empty {
        empty(language, actor.role)
    } else {
        view! {
            <div class="toolbar">
                <SearchForm path=EXPORTS label=td_string!(language, exports.search) value=asked.search.clone() keep=asked.order_kept() />
            </div>
            {filled(language, &services, &actor, lines, asked)}
        }
        .into_any()
    };
    let run_all = runs_something.then(|| {
        view! { <PostButton action=RunAll::PATH fields=Vec::new() symbol=Icon::Play text=td_string!(language, exports.run_all) /> }
    });
    let add = (may_add_export(actor.role) && !is_empty).then(|| add_button(language));
    let body = view! { <FaultSummary error=fault() labels=Vec::new() /> {list} };
    Ok(Screen::new(td_string!(language, exports.title), body).with_commands(view! { {run_all} {add} }))
}

fn add_button(language: Locale) -> AnyView {
    view! { <a class="button primary" href=NEW_EXPORT>{icon(Icon::Add)} {td_string!(language, exports.add)}</a> }
        .into_any()
}

fn empty(language: Locale, role: Role) -> AnyView {
    let title = td_string!(language, exports.empty_title);
    let text = td_string!(language, exports.empty_text);
    if may_add_export(role) {
        view! { <EmptyState title text action=add_button(language) /> }.into_any()
    } else {
        view! { <EmptyState title text /> }.into_any()
    }
}

fn type_name(services: &Services, line: &ExportLine) -> String {
    line.kind.as_ref().map(|kind| kind_name(services, kind)).unwrap_or_default()
}

fn status_text(language: Locale, line: &ExportLine) -> &'static str {
    match &line.last_run {
        Some(run) => sentences::run_state(language, run.state),
        None => td_string!(language, states.not_started),
    }
}

/// When the last run ended, or began if it goes on.
fn refreshed(line: &ExportLine) -> Option<i64> {
    line.last_run.as_ref().map(|run| run.finished_at.or(run.started_at).unwrap_or(run.queued_at))
}

/// The lines that fit the search, in the order that was asked for.
fn arranged(language: Locale, services: &Services, lines: Vec<ExportLine>, asked: &ListQuery) -> Vec<ExportLine> {
    let mut lines: Vec<_> = lines
        .into_iter()
        .filter(|line| {
            let connection = line.connection_name.as_deref().unwrap_or_default();
            asked.fits([line.export.settings.name.as_str(), connection, &type_name(services, line)])
        })
        .collect();
    let name = |line: &ExportLine| line.export.settings.name.to_lowercase();
    match asked.sort.as_str() {
        "type" => lines.sort_by_key(|line| (type_name(services, line).to_lowercase(), name(line))),
        "status" => lines.sort_by_key(|line| (status_text(language, line), name(line))),
        "refreshed" => lines.sort_by_key(|line| (refreshed(line), name(line))),
        "schedule" => lines.sort_by_key(|line| (line.next_slot, name(line))),
        "connection" => {
            lines.sort_by_key(|line| (line.connection_name.as_ref().map(|n| n.to_lowercase()), name(line)));
        }
        _ => lines.sort_by_key(name),
    }
    if asked.is_descending() {
        lines.reverse();
    }
    lines
}

fn filled(language: Locale, services: &Services, actor: &Actor, lines: Vec<ExportLine>, asked: ListQuery) -> AnyView {
    if lines.is_empty() {
        return nothing_found();
    }
    let sorted = |key, name| Column::sorted(EXPORTS, &asked, key, name);
    let shows_permissions = actor.role == Role::Contributor;
    let mut columns = vec![
        sorted("name", td_string!(language, common.display_name)),
        sorted("type", td_string!(language, common.kind)),
        sorted("status", td_string!(language, common.status)),
        sorted("refreshed", td_string!(language, common.refreshed)),
        sorted("schedule", td_string!(language, exports.schedule)),
        sorted("connection", td_string!(language, exports.connection_used)),
    ];
    if shows_permissions {
        columns.push(Column::of(td_string!(language, exports.your_permissions)));
    }
    columns.push(Column::actions(td_string!(language, common.actions)));
    let rows = lines.into_iter().map(|line| row(language, services, actor, line, shows_permissions)).collect();
    view! { <List label=td_string!(language, exports.title) columns rows /> }.into_any()
}

fn row(
    language: Locale,
    services: &Services,
    actor: &Actor,
    line: ExportLine,
    shows_permissions: bool,
) -> Vec<AnyView> {
    let id = line.export.id;
    let name = line.export.settings.name.clone();
    let kind = line.kind.as_ref().map(|kind| {
        view! { <span class="kind-name">{kind_picture(kind)} {kind_name(services, kind)}</span> }
    });
    let status = match &line.last_run {
        Some(run) => view! { <a href=routes::run(run.id)>{run_badge(language, run)}</a> }.into_any(),
        None => view! { <Badge tone=Tone::Quiet text=td_string!(language, states.not_started) /> }.into_any(),
    };
    let time = match refreshed(&line) {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    let next = line.next_slot.map(|at| text!(language, schedule.next_run, time = date_time_text(language, at)));
    let late = line.late.as_ref().map(|late| sentences::late(language, late));
    let permission =
        if line.may_edit { td_string!(language, exports.may_edit) } else { td_string!(language, exports.view_only) };
    let schedule = view! {
        <div>
            {schedule_text(language, &line.export.settings.schedule)}
            {next.map(|next| view! { <br /><small>{next}</small> })}
            {late.map(|late| view! { <br /><Badge tone=Tone::Bad text=late /> })}
        </div>
    };
    let mut cells = vec![
        view! { <a href=routes::export(id)><bdi>{name.clone()}</bdi></a> }.into_any(),
        kind.into_any(),
        status,
        time,
        schedule.into_any(),
        connection(language, &line),
    ];
    if shows_permissions {
        cells.push(permission.into_any());
    }
    cells.push(view! { <ActionsMenu id=id.to_string() of=name items=actions(language, actor, &line) /> }.into_any());
    cells
}

fn connection(language: Locale, line: &ExportLine) -> AnyView {
    match &line.connection_name {
        Some(name) => view! { <bdi>{name.clone()}</bdi> }.into_any(),
        // There is one, but this person may not know its name.
        None if line.export.settings.connection.is_some() => td_string!(language, exports.connection_hidden).into_any(),
        None => view! { <Badge tone=Tone::Warning text=td_string!(language, exports.no_connection) /> }.into_any(),
    }
}

/// What this person may do with an export, nothing else.
fn actions(language: Locale, actor: &Actor, line: &ExportLine) -> Vec<AnyView> {
    let id = line.export.id;
    let fields = || vec![("id", id.to_string())];
    let open = if line.may_edit { td_string!(language, common.edit) } else { td_string!(language, common.view) };
    let mut items = vec![view! { <a href=routes::export(id)>{open}</a> }.into_any()];
    if line.may_edit {
        items.push(
            view! { <PostButton action=RunExport::PATH fields=fields() text=td_string!(language, exports.run) /> }
                .into_any(),
        );
    }
    items.push(view! { <a href=routes::runs(id)>{td_string!(language, runs.history)}</a> }.into_any());
    if line.may_edit {
        items.push(
            view! { <a href=routes::duplicate_export(id)>{td_string!(language, exports.duplicate)}</a> }.into_any(),
        );
    }
    if may_detach_connection(actor.role) && line.export.settings.connection.is_some() {
        items.push(
            view! { <PostButton action=DetachExport::PATH fields=fields() text=td_string!(language, exports.detach) /> }
                .into_any(),
        );
    }
    if line.may_edit {
        items.push(view! { <a href=routes::remove_export(id)>{td_string!(language, common.remove)}</a> }.into_any());
    }
    items
}

//! System > Status: the last system refresh task by task, what did not start when it should, and the refreshes before.

use domain::access::{Actor, Role, may_look_at_sources, may_manage_system};
use domain::id::{ExportId, SegmentId, SourceId};
use domain::system::{RefreshJob, RefreshTask, TaskKind, TaskState};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::{CancelSystemRefresh, RefreshAll, tabs};
use crate::request::{fault, lang, services};
use crate::routes::{self, MenuItem, SYSTEM};
use crate::services::{Answer, LateSlot, SystemStatus};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Badge, Column, DateTime, EmptyState, FaultSummary, Icon, List, Notice, PostButton, Screen, TimeAgo, date_time_text,
    duration_text, sentences, signed_in,
};

/// How the system refresh stands.
#[component]
pub fn SystemStatusPage() -> impl IntoView {
    signed_in(MenuItem::System, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let status = services()?.system.status(&actor).await?;
    let may_manage = may_manage_system(actor.role);
    let goes_on = status.shown.as_ref().is_some_and(|job| !job.state.is_final());
    let next = match status.next_slot {
        Some(at) => text!(language, schedule.next_run, time = date_time_text(language, at)),
        None => td_string!(language, system.next_off).to_owned(),
    };
    let body = view! {
        {tabs(SYSTEM, actor.role)}
        <FaultSummary error=fault() labels=Vec::new() />
        {goes_on.then(|| view! { <noscript><meta http-equiv="refresh" content="5" /></noscript> })}
        {alarms(language, &status.late)}
        <p>{next}</p>
        {job_view(language, &status, actor.role)}
        {history(language, &status.jobs)}
    };
    let commands = (may_manage && !goes_on).then(|| {
        let text = td_string!(language, system.refresh_all);
        view! { <PostButton action=RefreshAll::PATH fields=Vec::new() class="primary" symbol=Icon::Play text /> }
    });
    let look = goes_on.then(|| view! { <a class="button" href=SYSTEM>{td_string!(language, system.look_again)}</a> });
    Ok(Screen::new(td_string!(language, system.title), body).with_commands(view! { {look} {commands} }))
}

/// What did not start when it should.
fn alarms(language: Locale, late: &[LateSlot]) -> Option<AnyView> {
    let items = late.iter().map(|one| {
        let what = match &one.export {
            Some((id, name)) => view! { <a href=routes::export(*id)><bdi>{name.clone()}</bdi></a> }.into_any(),
            None => td_string!(language, system.refresh).into_any(),
        };
        view! { <li>{what} ": " {sentences::late(language, one)}</li> }
    });
    let items = items.collect_view();
    (!late.is_empty()).then(|| {
        view! {
            <Notice warning=true>
                <strong>{td_string!(language, system.late_title)}</strong>
                <ul>{items}</ul>
                <p>{td_string!(language, system.late_todo)}</p>
            </Notice>
        }
        .into_any()
    })
}

fn badge(language: Locale, state: TaskState) -> AnyView {
    let (tone, text) = sentences::task_state(language, state);
    view! { <Badge tone text /> }.into_any()
}

/// The job whose tasks are shown.
fn job_view(language: Locale, status: &SystemStatus, role: Role) -> AnyView {
    let Some(job) = &status.shown else {
        let (title, text) = (td_string!(language, system.empty_title), td_string!(language, system.empty_text));
        return view! { <EmptyState title text /> }.into_any();
    };
    let ended = status.tasks.iter().filter(|task| task.state.is_final()).count();
    let progress = text!(language, system.tasks_of, done = ended, total = status.tasks.len());
    let groups = TaskKind::ALL.map(|kind| group(language, kind, &status.tasks, role));
    let cancel = (may_manage_system(role) && !job.state.is_final() && !job.cancel_requested).then(|| {
        let fields = vec![("id", job.id.to_string())];
        let text = td_string!(language, system.cancel);
        view! { <PostButton action=CancelSystemRefresh::PATH fields text /> }
    });
    view! {
        <section aria-label=td_string!(language, system.last)>
            <h2>{td_string!(language, system.last)}</h2>
            <p class="job-line">
                {badge(language, job.state)} " " <span>{progress}</span> " "
                <DateTime at=job.started_at.unwrap_or(job.queued_at) />
            </p>
            {cancel}
            {groups.into_iter().collect_view()}
        </section>
    }
    .into_any()
}

/// The tasks of one kind, behind a heading with their number.
fn group(language: Locale, kind: TaskKind, tasks: &[RefreshTask], role: Role) -> Option<AnyView> {
    let own: Vec<&RefreshTask> = tasks.iter().filter(|task| task.kind == kind).collect();
    if own.is_empty() {
        return None;
    }
    let ended = own.iter().filter(|task| task.state.is_final()).count();
    let name = match kind {
        TaskKind::Source => td_string!(language, common.sources),
        TaskKind::Segment => td_string!(language, common.segments),
        TaskKind::Export => td_string!(language, common.exports),
    };
    let title = format!("{name} ({ended}/{})", own.len());
    let columns = vec![
        Column::of(td_string!(language, system.task)),
        Column::of(td_string!(language, common.status)),
        Column::of(td_string!(language, system.updated)),
        Column::of(td_string!(language, runs.duration)),
    ];
    let rows = own.into_iter().map(|task| row(language, task, role)).collect();
    Some(
        view! {
            <details class="card" open>
                <summary>{title}</summary>
                <List label=name columns rows />
            </details>
        }
        .into_any(),
    )
}

fn row(language: Locale, task: &RefreshTask, role: Role) -> Vec<AnyView> {
    let name = view! { <bdi>{task.name.clone()}</bdi> };
    let page = match task.kind {
        TaskKind::Source => may_look_at_sources(role).then(|| routes::source(SourceId(task.subject))),
        TaskKind::Segment => Some(routes::segment(SegmentId(task.subject))),
        TaskKind::Export => Some(routes::export(ExportId(task.subject))),
    };
    let subject = match page {
        Some(page) => view! { <a href=page>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    let state = match task.run() {
        Some(run) => view! { <a href=routes::run(run)>{badge(language, task.state)}</a> }.into_any(),
        None => badge(language, task.state),
    };
    let reason = task.reason.map(|reason| view! { <br /><small>{sentences::task_reason(language, reason)}</small> });
    let updated = task.finished_at.or(task.started_at).map(|at| view! { <TimeAgo at /> });
    let length = match (task.started_at, task.finished_at) {
        (Some(from), Some(to)) => u64::try_from((to - from) / 1_000_000).ok(),
        _ => None,
    };
    vec![
        subject,
        view! { <div>{state} {reason}</div> }.into_any(),
        updated.into_any(),
        length.map(|seconds| duration_text(language, seconds)).into_any(),
    ]
}

/// The refreshes, newest first.
fn history(language: Locale, jobs: &[RefreshJob]) -> Option<AnyView> {
    if jobs.is_empty() {
        return None;
    }
    let rows = jobs.iter().map(|job| {
        let by = match &job.started_by {
            Some(email) => email.clone(),
            None => sentences::trigger(language, job.trigger).to_owned(),
        };
        let reason = job.reason.map(|reason| view! { <br /><small>{sentences::task_reason(language, reason)}</small> });
        vec![
            view! { <DateTime at=job.slot_at.unwrap_or(job.queued_at) /> }.into_any(),
            view! { <div>{badge(language, job.state)} {reason}</div> }.into_any(),
            view! { <bdi>{by}</bdi> }.into_any(),
            job.finished_at.map(|at| view! { <DateTime at /> }).into_any(),
        ]
    });
    let columns = vec![
        Column::of(td_string!(language, runs.slot)),
        Column::of(td_string!(language, common.status)),
        Column::of(td_string!(language, runs.started_by)),
        Column::of(td_string!(language, runs.finished)),
    ];
    let title = td_string!(language, runs.history);
    let rows = rows.collect();
    Some(
        view! {
            <section>
                <h2>{title}</h2>
                <List label=title columns rows />
            </section>
        }
        .into_any(),
    )
}

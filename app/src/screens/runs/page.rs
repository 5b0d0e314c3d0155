//! One run.

use domain::access::Actor;
use domain::id::RunId;
use domain::paging::PageRequest;
use domain::run::{Resend, Run, RunReason};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::history::started_by;
use super::{CancelRun, approval, counts, progress, rate, run_badge, seconds_taken};
use crate::error::AppError;
use crate::live::live_progress::LiveProgress;
use crate::request::{fault, lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::{Answer, RunView, TroubledRow};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Column, DateTime, FaultSummary, List, ListQuery, Notice, Pagination, PostButton, Screen, decimal, duration_text,
    number, own_text, sentences, signed_in,
};

/// Seconds after which the page without script loads itself again.
const RELOAD: &str = "5";

/// One run.
#[component]
pub fn RunPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Exports, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<RunId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let id = id.ok_or(AppError::NotFound)?;
    let asked: ListQuery = query();
    let view = services.exports.run(&actor, id).await?;
    let run = &view.run;
    let is_final = run.state.is_final();
    let troubled = if is_final && !view.reasons.is_empty() {
        let page = PageRequest::of_50(asked.page.unwrap_or(1));
        let rows = services.exports.troubled_rows(&actor, id, page).await?;
        let pages = rows.pages();
        troubled_rows(language, id, rows.items, u64::from(rows.page.number), pages)
    } else {
        ().into_any()
    };
    let title = text!(language, runs.run_of, name = run.export_name.clone());
    let commands = commands(language, &view);
    let body = view! {
        <FaultSummary error=fault() labels=Vec::new() />
        {approval::question(language, &view)}
        {if is_final { ended(language, run) } else { going(language, &view) }}
        {approval::record(language, run)}
        {counts::lost_ledger(language, run.lost_ledger)}
        {facts(language, &view)}
        <h2>{td_string!(language, runs.outcomes)}</h2>
        {counts::outcomes(language, &run.counts, is_final)}
        {counts::reasons(language, &view)}
        {troubled}
    };
    Ok(Screen::new(title, body).with_commands(commands))
}

fn commands(language: Locale, view: &RunView) -> AnyView {
    let run = &view.run;
    // The question has a button of its own that ends the run.
    let cancel = (view.may_cancel && !run.awaits_approval()).then(|| {
        let fields = vec![("id", run.id.to_string())];
        view! { <PostButton action=CancelRun::PATH fields class="danger" text=td_string!(language, common.cancel) /> }
    });
    view! {
        {cancel}
        <a class="button" href=routes::runs(run.export)>{td_string!(language, runs.history)}</a>
        <a class="button" href=routes::export(run.export)>{td_string!(language, runs.to_export)}</a>
    }
    .into_any()
}

/// A run that goes on: the island, and without script a page that loads itself again.
fn going(language: Locale, view: &RunView) -> AnyView {
    let first = progress::of(language, view);
    let reload = format!("<meta http-equiv=\"refresh\" content=\"{RELOAD}\">");
    view! {
        <noscript inner_html=reload></noscript>
        <LiveProgress
            id=view.run.id.to_string()
            first
            reconnecting=td_string!(language, runs.reconnecting).to_owned()
        />
    }
    .into_any()
}

/// A run that has ended: how, why, and what to do.
fn ended(language: Locale, run: &Run) -> AnyView {
    let why = run.reason.map(|reason| sentences::run_reason(language, reason));
    let detail = run.detail.clone();
    view! {
        <p class="ended">{run_badge(language, run)}</p>
        {why.map(|sentence| view! {
            <Notice warning=run.reason != Some(RunReason::GaveWay)>
                <p><strong>{sentence.what}</strong></p>
                <p>{sentence.todo}</p>
                {detail.map(|detail| view! { <p><small>{td_string!(language, runs.answer)} " " <bdi>{detail}</bdi></small></p> })}
            </Notice>
        })}
    }
    .into_any()
}

fn facts(language: Locale, view: &RunView) -> AnyView {
    let run = &view.run;
    let link = |of: RunId, text: &'static str| view! { <a href=routes::run(of)>{text}</a> }.into_any();
    let fact = |name: &'static str, value: AnyView| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    let time = |name: &'static str, at: Option<i64>| at.map(|at| fact(name, view! { <DateTime at /> }.into_any()));
    // Of a few requests, or of a run that waited for a person, it would say nothing.
    let pace = seconds_taken(run).filter(|seconds| *seconds >= 60 && run.alarm.is_none()).map(|seconds| {
        let rate = run.counts.requests as f64 * 60.0 / seconds as f64;
        text!(language, runs.request_rate, rate = decimal(language, rate))
    });
    let speed = [rate(language, run), pace].into_iter().flatten().collect::<Vec<_>>().join(", ");
    view! {
        <dl class="facts card">
            {fact(td_string!(language, runs.started_by), started_by(language, run))}
            {run.resend_of.map(|resend| fact(td_string!(language, safety.resend_of), resent(language, resend)))}
            {run.recheck_of.map(|of| fact(td_string!(language, safety.recheck_of), link(of, td_string!(language, safety.earlier_run))))}
            {view.rechecked_by.map(|by| fact(td_string!(language, safety.rechecked), link(by, td_string!(language, safety.later_run))))}
            {run.continues.map(|of| fact(td_string!(language, safety.continues), link(of, td_string!(language, safety.earlier_run))))}
            {view.continued_by.map(|by| fact(td_string!(language, safety.continued), link(by, td_string!(language, safety.later_run))))}
            {run.approved_by.clone().map(|by| fact(td_string!(language, safety.approved_by), view! { <bdi>{by}</bdi> }.into_any()))}
            {time(td_string!(language, runs.slot), run.slot_at)}
            {time(td_string!(language, runs.queued), Some(run.queued_at))}
            {time(td_string!(language, runs.started), run.started_at)}
            {time(td_string!(language, runs.finished), run.finished_at)}
            {seconds_taken(run).map(|seconds| fact(td_string!(language, runs.duration), duration_text(language, seconds).into_any()))}
            {(!speed.is_empty()).then(|| fact(td_string!(language, runs.speed), speed.into_any()))}
            {run.snapshot.map(|snapshot| fact(td_string!(language, runs.snapshot), snapshot.to_string().into_any()))}
            {view.sha256.clone().map(|hash| fact(td_string!(language, runs.sha256), view! { <code>{hash}</code> }.into_any()))}
            {fact(td_string!(language, runs.settings_version), run.settings_version.to_string().into_any())}
        </dl>
    }
    .into_any()
}

/// Which rows a run sends again.
fn resent(language: Locale, resend: Resend) -> AnyView {
    let cause = resend.reason.map(|reason| sentences::row_reason(language, reason).what);
    view! {
        <a href=routes::run(resend.of)>{td_string!(language, safety.earlier_run)}</a>
        {cause.map(|cause| view! { " " <small>{cause}</small> })}
    }
    .into_any()
}

/// The first of the rows that did not arrive, page by page; the file has them all.
fn troubled_rows(language: Locale, id: RunId, rows: Vec<TroubledRow>, page: u64, pages: u64) -> AnyView {
    let columns = vec![
        Column::of(td_string!(language, runs.key)),
        Column::of(td_string!(language, common.target_email)),
        Column::of(td_string!(language, runs.reason)),
        Column::of(td_string!(language, runs.answer_column)),
    ];
    let rows = rows.into_iter().map(|row| {
        vec![
            own_text(row.key),
            own_text(row.email),
            sentences::row_reason(language, row.reason).what.into_any(),
            own_text(row.detail),
        ]
    });
    let rows = rows.collect();
    let label = td_string!(language, runs.rows_list);
    view! {
        <List label columns rows />
        <Pagination current=page pages link=move |page| format!("{}?page={page}", routes::run(id)) />
        <p class="help">{text!(language, runs.pages_hint, pages = number(language, pages))}</p>
    }
    .into_any()
}

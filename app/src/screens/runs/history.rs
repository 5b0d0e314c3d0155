//! The history of one export: every run, newest first, with its counts.

use domain::access::Actor;
use domain::id::ExportId;
use domain::paging::PageRequest;
use domain::run::Run;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{rate, run_badge, seconds_taken};
use crate::error::AppError;
use crate::request::{lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::Answer;
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Column, EmptyState, List, ListQuery, Pagination, Screen, TimeAgo, duration_text, number, sentences, signed_in,
};

/// The runs of one export.
#[component]
pub fn RunsPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Exports, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ExportId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let id = id.ok_or(AppError::NotFound)?;
    let asked: ListQuery = query();
    let line = services.exports.find(&actor, id).await?;
    let found = services.exports.runs(&actor, Some(id), PageRequest::of_50(asked.page.unwrap_or(1))).await?;
    let pages = found.pages();
    let body = if found.total == 0 {
        view! {
            <EmptyState title=td_string!(language, runs.empty_title) text=td_string!(language, runs.empty_text) />
        }
        .into_any()
    } else {
        let rows = found.items.into_iter().map(|run| row(language, run)).collect();
        view! {
            <List label=td_string!(language, runs.title) columns=columns(language) rows />
            <Pagination
                current=u64::from(found.page.number)
                pages
                link=move |page| format!("{}?page={page}", routes::runs(id))
            />
        }
        .into_any()
    };
    let back = view! {
        <a class="button" href=routes::export(id)>{td_string!(language, runs.to_export)}</a>
    };
    Ok(Screen::new(text!(language, runs.history_of, name = line.export.settings.name), body).with_commands(back))
}

fn columns(language: Locale) -> Vec<Column> {
    let numbers = [
        td_string!(language, runs.members),
        td_string!(language, runs.accepted),
        td_string!(language, runs.unchanged),
        td_string!(language, runs.rejected),
        td_string!(language, runs.held),
        td_string!(language, runs.unconfirmed),
    ];
    let first = [
        Column::of(td_string!(language, runs.started)),
        Column::of(td_string!(language, common.status)),
        Column::number(td_string!(language, runs.duration)),
    ];
    first.into_iter().chain(numbers.map(Column::number)).collect()
}

fn row(language: Locale, run: Run) -> Vec<AnyView> {
    let counts = run.counts;
    let numbers = [counts.members, counts.accepted, counts.unchanged, counts.rejected, counts.held, counts.unconfirmed];
    let started = view! {
        <a href=routes::run(run.id)><TimeAgo at=run.started_at.unwrap_or(run.queued_at) /></a>
        <div class="by">{started_by(language, &run)}</div>
    };
    let duration = seconds_taken(&run).map(|seconds| duration_text(language, seconds));
    let duration = view! {
        {duration}
        {rate(language, &run).map(|rate| view! { <div class="by">{rate}</div> })}
    };
    let first = [started.into_any(), run_badge(language, &run), duration.into_any()];
    first.into_iter().chain(numbers.map(|count| number(language, count).into_any())).collect()
}

/// What started a run, and who.
pub(super) fn started_by(language: Locale, run: &Run) -> AnyView {
    let who = run.started_by.clone();
    view! {
        {sentences::trigger(language, run.trigger)}
        {who.map(|who| view! { " " <small><bdi>{who}</bdi></small> })}
    }
    .into_any()
}

//! The list of data sources.

use domain::access::may_edit_data;
use domain::source::Location;
use leptos::prelude::*;

use crate::request::{lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::{Refresh, RefreshState, SourceLine};
use crate::texts::td_string;
use crate::ui::{
    Badge, Column, EmptyState, Icon, List, ListQuery, Screen, SearchForm, TimeAgo, Tone, icon, nothing_found, number,
    signed_in,
};

/// Where a file is, as people know it.
pub(super) fn place(location: &Location) -> String {
    match location {
        Location::Upload { file_name, .. } => file_name.clone(),
        Location::Path { path } => path.clone(),
    }
}

fn refresh_text(refresh: Option<&Refresh>) -> (Tone, &'static str) {
    let language = lang();
    match refresh.map(|r| (r.state, r.report.rejected)) {
        None => (Tone::Quiet, td_string!(language, states.not_started)),
        Some((RefreshState::Refreshing, _)) => (Tone::Busy, td_string!(language, sources.refreshing)),
        Some((RefreshState::Successful, 0)) => (Tone::Good, td_string!(language, states.successful)),
        Some((RefreshState::Successful, _)) => (Tone::Warning, td_string!(language, states.completed_with_errors)),
        Some((RefreshState::Failed, _)) => (Tone::Bad, td_string!(language, states.failed)),
    }
}

/// How a refresh stands.
pub(super) fn refresh_badge(refresh: Option<&Refresh>) -> AnyView {
    let (tone, text) = refresh_text(refresh);
    view! { <Badge tone text /> }.into_any()
}

fn row(line: SourceLine) -> Vec<AnyView> {
    let language = lang();
    let finished_at = refreshed(&line);
    let profiles = profiles(&line).map(|n| number(language, n)).unwrap_or_default();
    let refresh = line.last_refresh;
    let table = line.source.is_customer_table.then(|| td_string!(language, sources.customer_table));
    let when = match finished_at {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    let name = view! {
        <a href=routes::source(line.source.id)><bdi>{line.source.name}</bdi></a>
        {table.map(|text| view! { <br /><small>{text}</small> })}
    };
    vec![
        name.into_any(),
        view! { <bdi>{place(&line.source.location)}</bdi> }.into_any(),
        refresh_badge(refresh.as_ref()),
        profiles.into_any(),
        when,
    ]
}

/// How many profiles the last refresh made.
fn profiles(line: &SourceLine) -> Option<u64> {
    let made = line.last_refresh.as_ref().filter(|refresh| refresh.state == RefreshState::Successful);
    made.map(|refresh| refresh.report.accepted)
}

/// When the last refresh ended.
fn refreshed(line: &SourceLine) -> Option<i64> {
    line.last_refresh.as_ref().and_then(|refresh| refresh.finished_at)
}

/// The lines that fit the search, in the order that was asked for.
fn arranged(lines: Vec<SourceLine>, asked: &ListQuery) -> Vec<SourceLine> {
    let mut lines: Vec<_> = lines
        .into_iter()
        .filter(|line| asked.fits([line.source.name.as_str(), &place(&line.source.location)]))
        .collect();
    let name = |line: &SourceLine| line.source.name.to_lowercase();
    match asked.sort.as_str() {
        "file" => lines.sort_by_key(|line| (place(&line.source.location).to_lowercase(), name(line))),
        "status" => lines.sort_by_key(|line| (refresh_text(line.last_refresh.as_ref()).1, name(line))),
        "profiles" => lines.sort_by_key(|line| (profiles(line), name(line))),
        "refreshed" => lines.sort_by_key(|line| (refreshed(line), name(line))),
        _ => lines.sort_by_key(name),
    }
    if asked.is_descending() {
        lines.reverse();
    }
    lines
}

fn table(lines: Vec<SourceLine>, asked: &ListQuery) -> AnyView {
    if lines.is_empty() {
        return nothing_found();
    }
    let language = lang();
    let sorted = |key, name| Column::sorted(routes::SOURCES, asked, key, name);
    let columns = vec![
        sorted("name", td_string!(language, common.display_name)),
        sorted("file", td_string!(language, sources.file)),
        sorted("status", td_string!(language, common.status)),
        sorted("profiles", td_string!(language, common.profiles)).of_numbers(),
        sorted("refreshed", td_string!(language, common.refreshed)),
    ];
    let rows = lines.into_iter().map(row).collect();
    view! { <List label=td_string!(language, sources.title) columns rows /> }.into_any()
}

/// Data > Sources.
#[component]
pub fn SourcesPage() -> impl IntoView {
    signed_in(MenuItem::Sources, |actor| async move {
        let language = lang();
        let lines = services()?.sources.list(&actor).await?;
        let add = may_edit_data(actor.role).then(|| {
            view! {
                <a class="button primary" href=routes::NEW_SOURCE>
                    {icon(Icon::Add)} " " {td_string!(language, sources.add)}
                </a>
            }
            .into_any()
        });
        let title = td_string!(language, sources.title);
        if lines.is_empty() {
            let text = td_string!(language, sources.empty_text);
            let empty = match add {
                Some(action) => {
                    view! { <EmptyState title=td_string!(language, sources.empty) text action /> }.into_any()
                }
                None => view! { <EmptyState title=td_string!(language, sources.empty) text /> }.into_any(),
            };
            return Ok(Screen::new(title, empty));
        }
        let asked: ListQuery = query();
        let body = view! {
            <div class="toolbar">
                <SearchForm path=routes::SOURCES label=td_string!(language, sources.search) value=asked.search.clone() keep=asked.order_kept() />
            </div>
            {table(arranged(lines, &asked), &asked)}
        };
        Ok(Screen::new(title, body).with_commands_if(add))
    })
}

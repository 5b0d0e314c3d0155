//! The list of data sources.

use domain::access::may_edit_data;
use domain::source::Location;
use leptos::prelude::*;

use crate::request::{lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::{Refresh, RefreshState, SourceLine};
use crate::texts::td_string;
use crate::ui::{
    Badge, EmptyState, Icon, ListQuery, Screen, SearchForm, Table, TimeAgo, Tone, icon, nothing_found, number,
    signed_in, sort_header,
};

/// Where a file is, as people know it.
pub(super) fn place(location: &Location) -> String {
    match location {
        Location::Upload { file_name, .. } => file_name.clone(),
        Location::Path { path } => path.clone(),
    }
}

/// How a refresh stands.
pub(super) fn refresh_badge(refresh: Option<&Refresh>) -> AnyView {
    let language = lang();
    let (tone, text) = match refresh.map(|r| (r.state, r.report.rejected)) {
        None => (Tone::Quiet, td_string!(language, states.not_started)),
        Some((RefreshState::Refreshing, _)) => (Tone::Busy, td_string!(language, sources.refreshing)),
        Some((RefreshState::Successful, 0)) => (Tone::Good, td_string!(language, states.successful)),
        Some((RefreshState::Successful, _)) => (Tone::Warning, td_string!(language, states.completed_with_errors)),
        Some((RefreshState::Failed, _)) => (Tone::Bad, td_string!(language, states.failed)),
    };
    view! { <Badge tone text /> }.into_any()
}

fn row(line: SourceLine) -> AnyView {
    let language = lang();
    let finished_at = refreshed(&line);
    let refresh = line.last_refresh;
    let profiles = refresh.as_ref().filter(|r| r.state == RefreshState::Successful);
    let profiles = profiles.map(|r| number(language, r.report.accepted)).unwrap_or_default();
    let table = line.source.is_customer_table.then(|| td_string!(language, sources.customer_table));
    let when = match finished_at {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=routes::source(line.source.id)><bdi>{line.source.name}</bdi></a>
                {table.map(|text| view! { <br /><small>{text}</small> })}
            </th>
            <td><bdi>{place(&line.source.location)}</bdi></td>
            <td>{refresh_badge(refresh.as_ref())}</td>
            <td class="number">{profiles}</td>
            <td>{when}</td>
        </tr>
    }
    .into_any()
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
    match asked.sort.as_str() {
        "file" => lines.sort_by_key(|line| place(&line.source.location).to_lowercase()),
        "refreshed" => lines.sort_by_key(refreshed),
        _ => lines.sort_by_key(|line| line.source.name.to_lowercase()),
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
    let header = |column, text| sort_header(routes::SOURCES, asked, column, text);
    let head = view! {
        {header("name", td_string!(language, common.display_name))}
        {header("file", td_string!(language, sources.file))}
        <th scope="col">{td_string!(language, common.status)}</th>
        <th scope="col" class="number">{td_string!(language, common.profiles)}</th>
        {header("refreshed", td_string!(language, common.refreshed))}
    };
    let body = lines.into_iter().map(row).collect_view();
    view! { <Table label=td_string!(language, sources.title) head=head.into_any() body=body.into_any() /> }.into_any()
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
                <SearchForm path=routes::SOURCES label=td_string!(language, sources.search) value=asked.search.clone() />
            </div>
            {table(arranged(lines, &asked), &asked)}
        };
        Ok(Screen::new(title, body).with_commands_if(add))
    })
}

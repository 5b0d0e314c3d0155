//! The list of data sources.

use domain::access::may_edit_data;
use domain::source::Location;
use leptos::prelude::*;

use crate::request::{lang, services};
use crate::routes::{self, MenuItem};
use crate::services::{Refresh, RefreshState, SourceLine};
use crate::texts::td_string;
use crate::ui::{Badge, EmptyState, Icon, Screen, Table, TimeAgo, Tone, icon, number, signed_in};

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
    let refresh = line.last_refresh;
    let profiles = refresh.as_ref().filter(|r| r.state == RefreshState::Successful);
    let profiles = profiles.map(|r| number(language, r.report.accepted)).unwrap_or_default();
    let when = match refresh.as_ref().and_then(|r| r.finished_at) {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href=routes::source(line.source.id)><bdi>{line.source.name}</bdi></a></th>
            <td><bdi>{place(&line.source.location)}</bdi></td>
            <td>{refresh_badge(refresh.as_ref())}</td>
            <td class="number">{profiles}</td>
            <td>{when}</td>
        </tr>
    }
    .into_any()
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
        let head = view! {
            <th scope="col">{td_string!(language, common.display_name)}</th>
            <th scope="col">{td_string!(language, sources.file)}</th>
            <th scope="col">{td_string!(language, common.status)}</th>
            <th scope="col" class="number">{td_string!(language, common.profiles)}</th>
            <th scope="col">{td_string!(language, common.refreshed)}</th>
        };
        let body = lines.into_iter().map(row).collect_view();
        let table = view! { <Table label=title head=head.into_any() body=body.into_any() /> };
        let screen = Screen::new(title, table);
        Ok(match add {
            Some(add) => screen.with_commands(add),
            None => screen,
        })
    })
}

//! The list of segments.

use domain::access::{may_edit_data, may_look_at_sources};
use leptos::prelude::*;

use crate::request::{lang, query, services};
use crate::routes::{self, MenuItem};
use crate::services::SegmentLine;
use crate::texts::td_string;
use crate::ui::{
    Badge, Column, EmptyState, Icon, List, ListQuery, Screen, SearchForm, TimeAgo, Tone, icon, nothing_found, number,
    signed_in,
};

fn state_text(line: &SegmentLine) -> (Tone, &'static str) {
    let language = lang();
    if !line.faults.is_empty() {
        (Tone::Bad, td_string!(language, segments.invalid))
    } else if line.segment.is_active {
        (Tone::Good, td_string!(language, segments.active))
    } else {
        (Tone::Quiet, td_string!(language, segments.inactive))
    }
}

/// The state of a segment.
pub(super) fn state(line: &SegmentLine) -> AnyView {
    let (tone, text) = state_text(line);
    view! { <Badge tone text /> }.into_any()
}

/// Dynamic or static.
pub(super) fn type_of(line: &SegmentLine) -> &'static str {
    let language = lang();
    if line.segment.definition.is_static() {
        td_string!(language, segments.static_type)
    } else {
        td_string!(language, segments.dynamic_type)
    }
}

fn row(line: SegmentLine) -> Vec<AnyView> {
    let language = lang();
    let members = line.members.map(|n| number(language, n)).unwrap_or_default();
    let when = match line.refreshed_at {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    vec![
        view! { <a href=routes::segment(line.segment.id)><bdi>{line.segment.name.clone()}</bdi></a> }.into_any(),
        type_of(&line).into_any(),
        state(&line),
        members.into_any(),
        when,
    ]
}

/// The lines that fit the search, in the order that was asked for.
fn arranged(lines: Vec<SegmentLine>, asked: &ListQuery) -> Vec<SegmentLine> {
    let mut lines: Vec<_> = lines.into_iter().filter(|line| asked.fits([line.segment.name.as_str()])).collect();
    let name = |line: &SegmentLine| line.segment.name.to_lowercase();
    match asked.sort.as_str() {
        "type" => lines.sort_by_key(|line| (type_of(line), name(line))),
        "state" => lines.sort_by_key(|line| (state_text(line).1, name(line))),
        "members" => lines.sort_by_key(|line| (line.members, name(line))),
        "refreshed" => lines.sort_by_key(|line| (line.refreshed_at, name(line))),
        _ => lines.sort_by_key(name),
    }
    if asked.is_descending() {
        lines.reverse();
    }
    lines
}

fn table(lines: Vec<SegmentLine>, asked: &ListQuery) -> AnyView {
    if lines.is_empty() {
        return nothing_found();
    }
    let language = lang();
    let sorted = |key, name| Column::sorted(routes::SEGMENTS, asked, key, name);
    let columns = vec![
        sorted("name", td_string!(language, common.display_name)),
        sorted("type", td_string!(language, common.kind)),
        sorted("state", td_string!(language, segments.state)),
        sorted("members", td_string!(language, segments.members)).of_numbers(),
        sorted("refreshed", td_string!(language, common.refreshed)),
    ];
    let rows = lines.into_iter().map(row).collect();
    view! { <List label=td_string!(language, segments.title) columns rows /> }.into_any()
}

/// Segments.
#[component]
pub fn SegmentsPage() -> impl IntoView {
    signed_in(MenuItem::Segments, |actor| async move {
        let language = lang();
        let services = services()?;
        let lines = services.segments.list(&actor).await?;
        let title = td_string!(language, segments.title);
        let has_profiles = !services.sources.attributes(&actor).await?.is_empty();
        let add = (may_edit_data(actor.role) && has_profiles).then(|| {
            let text = td_string!(language, segments.add);
            view! { <a class="button primary" href=routes::NEW_SEGMENT>{icon(Icon::Add)} " " {text}</a> }.into_any()
        });
        if lines.is_empty() {
            let text = if has_profiles {
                td_string!(language, segments.empty_text)
            } else {
                td_string!(language, profiles.empty_text)
            };
            let name = td_string!(language, segments.empty);
            let sources = may_look_at_sources(actor.role).then(|| {
                view! { <a class="button" href=routes::SOURCES>{td_string!(language, sources.title)}</a> }.into_any()
            });
            let empty = match add.or(sources) {
                Some(action) => view! { <EmptyState title=name text action /> }.into_any(),
                None => view! { <EmptyState title=name text /> }.into_any(),
            };
            return Ok(Screen::new(title, empty));
        }
        let asked: ListQuery = query();
        let body = view! {
            <div class="toolbar">
                <SearchForm path=routes::SEGMENTS label=td_string!(language, segments.search) value=asked.search.clone() keep=asked.order_kept() />
            </div>
            {table(arranged(lines, &asked), &asked)}
        };
        Ok(Screen::new(title, body).with_commands_if(add))
    })
}

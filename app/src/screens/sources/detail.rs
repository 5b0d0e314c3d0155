//! One data source: where it comes from, its columns, and the report of its last refresh, in which every row is
//! accounted for.

use domain::access::{Role, may_edit_data, may_manage_system};
use domain::id::SourceId;
use domain::source::{Location, RejectedRow, RowFault};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use serde::Serialize;

use super::list::{place, refresh_badge};
use super::preview::type_name;
use super::upload::upload_form;
use super::{MakeCustomerTable, RefreshSource, RemoveSource};
use crate::error::AppError;
use crate::live::live_refresh::LiveRefresh;
use crate::request::{fault, lang, services, with_query};
use crate::routes::{self, MenuItem};
use crate::services::{Answer, Refresh, RefreshState, SourceLine};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    Badge, Column, DateTime, FaultSummary, Icon, List, Notice, PostButton, Screen, Tone, icon, number, own_text,
    sentences, signed_in,
};

/// Why a row did not become a profile.
fn row_fault(language: Locale, fault: RowFault) -> &'static str {
    match fault {
        RowFault::FieldCount => td_string!(language, sources.row_field_count),
        RowFault::Encoding => td_string!(language, sources.row_encoding),
        RowFault::UnclosedQuote => td_string!(language, sources.row_unclosed_quote),
        RowFault::NulCharacter => td_string!(language, sources.row_nul_character),
        RowFault::TooLong => td_string!(language, sources.row_too_long),
        RowFault::Type => td_string!(language, sources.row_type),
        RowFault::KeyMissing => td_string!(language, sources.row_key_missing),
        RowFault::KeyRepeated => td_string!(language, sources.row_key_repeated),
        RowFault::Json => td_string!(language, sources.row_json),
    }
}

/// Why a refresh failed.
fn failure(language: Locale, code: &str) -> sentences::Sentence {
    match serde_json::from_value(serde_json::Value::String(code.to_owned())) {
        Ok(fault) => sentences::file(language, fault),
        Err(_) => sentences::run_reason(language, domain::run::RunReason::Storage),
    }
}

fn fact(name: &'static str, value: impl IntoView + 'static) -> AnyView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

fn rejected_table(rows: Vec<RejectedRow>) -> AnyView {
    let language = lang();
    let columns = vec![
        Column::of(td_string!(language, sources.reason)),
        Column::number(td_string!(language, sources.line)),
        Column::of(td_string!(language, sources.column)),
        Column::of(td_string!(language, sources.file)),
    ];
    let rows = rows.into_iter().map(|row| {
        vec![
            row_fault(language, row.fault).into_any(),
            number(language, row.line).into_any(),
            own_text(row.attribute.unwrap_or_default()),
            own_text(row.file),
        ]
    });
    let label = td_string!(language, sources.rejected_rows);
    view! { <List label columns rows=rows.collect() /> }.into_any()
}

fn report_view(id: SourceId, refresh: Refresh) -> AnyView {
    let language = lang();
    let report = refresh.report;
    // Nothing of a refresh that failed became a profile.
    let accepted = if refresh.state == RefreshState::Failed { 0 } else { report.accepted };
    let reasons = report.faults.iter().map(|(fault, count)| {
        view! { <li>{row_fault(language, *fault)} ": " <strong>{number(language, *count)}</strong></li> }
    });
    let shown = report.first_rejected.len() as u64;
    let more = (shown > 0 && report.rejected > shown)
        .then(|| text!(language, sources.first_rejected, shown = number(language, shown)));
    // Rows are named once all have been read; then the file with all of them is there, too.
    let download = (shown > 0).then(|| {
        view! {
            <p>
                <a class="button" href=routes::rejected_rows(id) download="">
                    {icon(Icon::Download)} " " {td_string!(language, sources.download)}
                </a>
            </p>
        }
    });
    let rejected = (report.rejected > 0).then(|| {
        view! {
            <h3>{td_string!(language, sources.rejected_rows)}</h3>
            <ul>{reasons.collect_view()}</ul>
            {more.map(|text| view! { <p>{text}</p> })}
            {download}
            {rejected_table(report.first_rejected)}
        }
    });
    view! {
        <dl class="facts">
            {fact(td_string!(language, sources.rows_read), number(language, report.read))}
            {fact(td_string!(language, sources.rows_accepted), number(language, accepted))}
            {fact(td_string!(language, sources.rows_rejected), number(language, report.rejected))}
            {fact(td_string!(language, sources.blank_lines), number(language, report.blank_lines))}
            {report.sha256.map(|hash| fact(td_string!(language, sources.sha256), view! { <code>{hash}</code> }))}
        </dl>
        {rejected}
    }
    .into_any()
}

fn refresh_view(id: SourceId, refresh: Option<Refresh>) -> AnyView {
    let language = lang();
    let Some(refresh) = refresh else {
        return view! { <Notice>{td_string!(language, sources.not_refreshed)}</Notice> }.into_any();
    };
    let badge = refresh_badge(Some(&refresh));
    if refresh.state == RefreshState::Refreshing {
        let so_far = text!(language, sources.rows_so_far, rows = number(language, refresh.report.read));
        return view! {
            <noscript><meta http-equiv="refresh" content="3" /></noscript>
            <p>{badge}</p>
            <LiveRefresh source=id so_far />
        }
        .into_any();
    }
    let why = refresh.fault.as_deref().map(|code| {
        let sentence = failure(language, code);
        view! { <Notice warning=true><strong>{sentence.what}</strong> <p>{sentence.todo}</p></Notice> }
    });
    let finished = refresh.finished_at.unwrap_or(refresh.started_at);
    view! {
        <dl class="facts">
            {fact(td_string!(language, common.status), badge)}
            {fact(td_string!(language, common.refreshed), view! { <DateTime at=finished /> })}
            {refresh.snapshot.map(|n| fact(td_string!(language, sources.snapshot), n.to_string()))}
        </dl>
        {why}
        {report_view(id, refresh)}
    }
    .into_any()
}

fn columns_view(line: &SourceLine) -> AnyView {
    let language = lang();
    let source = &line.source;
    let key = source.primary_key.clone();
    let rows = source.attributes.iter().map(|attribute| {
        let is_key = key.as_deref() == Some(attribute.name.as_str());
        vec![
            view! { <bdi>{attribute.name.clone()}</bdi> }.into_any(),
            type_name(language, attribute.kind).into_any(),
            is_key.then(|| td_string!(language, sources.primary_key)).into_any(),
        ]
    });
    let columns = vec![
        Column::of(td_string!(language, sources.column)),
        Column::of(td_string!(language, common.kind)),
        Column::of(td_string!(language, sources.role)),
    ];
    let label = td_string!(language, sources.columns);
    let rows = rows.collect();
    view! { <details class="card"><summary>{label}</summary><List label columns rows /></details> }.into_any()
}

/// Do its rows become the profiles?
fn use_of(line: &SourceLine) -> AnyView {
    let language = lang();
    if line.source.is_customer_table {
        view! { <p><Badge tone=Tone::Good text=td_string!(language, sources.customer_table) /> " · " {td_string!(language, sources.customer_table_text)}</p> }
            .into_any()
    } else {
        view! { <Notice><p>{td_string!(language, sources.not_customer_table)}</p></Notice> }.into_any()
    }
}

fn is_refreshing(line: &SourceLine) -> bool {
    line.last_refresh.as_ref().is_some_and(|refresh| refresh.state == RefreshState::Refreshing)
}

/// The form for a newer file of a data source that was uploaded. Not during a refresh, which reads the present file.
fn newer_file(line: &SourceLine) -> Answer<Option<AnyView>> {
    if is_refreshing(line) || matches!(line.source.location, Location::Path { .. }) {
        return Ok(None);
    }
    let form = upload_form(routes::newer_file(line.source.id))?;
    let title = td_string!(lang(), sources.newer_file);
    Ok(Some(view! { <details class="card"><summary>{title}</summary>{form}</details> }.into_any()))
}

#[derive(Serialize)]
struct Changing {
    source: SourceId,
}

fn commands(line: &SourceLine, role: Role) -> AnyView {
    let language = lang();
    let id = line.source.id;
    let edit = with_query(routes::SOURCE_PREVIEW, &Changing { source: id });
    let refresh = (!is_refreshing(line)).then(|| {
        let text = td_string!(language, common.refresh);
        view! { <PostButton action=RefreshSource::PATH fields=vec![("id", id.to_string())] class="primary" symbol=Icon::Play text /> }
    });
    let choose = (may_manage_system(role) && !line.source.is_customer_table).then(|| {
        let text = td_string!(language, sources.make_customer_table);
        view! {
            <button type="button" popovertarget="customer-table">{text}</button>
            <div class="popup" id="customer-table" popover>
                <p>{td_string!(language, sources.make_customer_table_text)}</p>
                <PostButton action=MakeCustomerTable::PATH fields=vec![("id", id.to_string())] text />
            </div>
        }
    });
    let may_remove = line.heir.is_none() || may_manage_system(role);
    view! {
        {refresh}
        {choose}
        <a class="button" href=edit>{td_string!(language, common.edit)}</a>
        {may_remove.then(|| removal(line))}
    }
    .into_any()
}

/// The button that removes it, and what goes with it.
fn removal(line: &SourceLine) -> AnyView {
    let language = lang();
    let text = td_string!(language, common.remove);
    let bytes = match &line.source.location {
        Location::Upload { .. } => td_string!(language, sources.remove_upload),
        Location::Path { .. } => td_string!(language, sources.remove_path),
    };
    let profiles = match &line.heir {
        Some(heir) => text!(language, sources.remove_heir, name = heir.clone()),
        None if line.source.is_customer_table => td_string!(language, sources.remove_last).to_owned(),
        None => td_string!(language, sources.remove_other).to_owned(),
    };
    let fields = vec![("id", line.source.id.to_string())];
    view! {
        <button type="button" class="danger" popovertarget="remove-source">{text}</button>
        <div class="popup" id="remove-source" popover>
            <p>{bytes} " " {profiles}</p>
            <PostButton action=RemoveSource::PATH fields class="danger" symbol=Icon::Trash text />
        </div>
    }
    .into_any()
}

/// One data source.
#[component]
pub fn SourcePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse::<SourceId>().ok());
    signed_in(MenuItem::Sources, move |actor| async move {
        let language = lang();
        let line = services()?.sources.find(&actor, id.ok_or(AppError::NotFound)?).await?;
        let may_edit = may_edit_data(actor.role);
        let commands = may_edit.then(|| commands(&line, actor.role));
        let newer_file = if may_edit { newer_file(&line)? } else { None };
        let title = line.source.name.clone();
        let columns = columns_view(&line);
        let body = view! {
            <p class="crumbs"><a href=routes::SOURCES>{td_string!(language, sources.title)}</a></p>
            <FaultSummary error=fault() labels=Vec::new() />
            <dl class="facts">{fact(td_string!(language, sources.file), view! { <bdi>{place(&line.source.location)}</bdi> })}</dl>
            {use_of(&line)}
            <h2>{td_string!(language, sources.last_refresh)}</h2>
            {refresh_view(line.source.id, line.last_refresh)}
            {newer_file}
            {columns}
        };
        Ok(Screen::new(title, body).with_commands_if(commands))
    })
}

//! The dry run of an export: what its next run would do. The plan is made anew whenever the page is loaded.

use domain::access::Actor;
use domain::id::ExportId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::RunExport;
use crate::error::AppError;
use crate::request::{lang, no_store, services};
use crate::routes::{self, MenuItem};
use crate::screens::runs::{approval, counts};
use crate::services::{Answer, DryKind, DryRow, DryRun};
use crate::texts::{Locale, td_string, text};
use crate::ui::{Column, EmptyState, Icon, List, Notice, PostButton, Screen, number, own_text, sentences, signed_in};

/// What the next run of an export would do.
#[component]
pub fn DryRunPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Exports, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ExportId>) -> Answer<Screen> {
    let language = lang();
    no_store();
    let services = services()?;
    let id = id.ok_or(AppError::NotFound)?;
    let dry = services.exports.dry_run(&actor, id).await?;
    let line = services.exports.find(&actor, id).await?;
    let commands = view! {
        <PostButton
            action=RunExport::PATH
            fields=vec![("id", id.to_string())]
            symbol=Icon::Play
            text=td_string!(language, exports.run)
        />
        <a class="button" href=routes::export(id)>{td_string!(language, runs.to_export)}</a>
    };
    let held = held(language, &dry);
    let label = td_string!(language, safety.dry_rejects);
    let rejects = (!dry.reasons.is_empty()).then(|| counts::causes(language, label, &dry.reasons, &dry.troubled, None));
    let body = view! {
        <Notice><p>{td_string!(language, safety.dry_text)}</p></Notice>
        {held}
        {counts::lost_ledger(language, dry.lost_ledger)}
        {changes(language, &dry)}
        {rows(language, dry.rows)}
        {rejects}
    };
    Ok(Screen::new(text!(language, safety.dry_title, name = line.export.settings.name), body).with_commands(commands))
}

/// What the brake would say.
fn held(language: Locale, dry: &DryRun) -> AnyView {
    if dry.surprises.is_empty() {
        return ().into_any();
    }
    let why = approval::surprises(language, &dry.surprises);
    view! {
        <Notice warning=true>
            <p><strong>{td_string!(language, safety.dry_held)}</strong></p>
            {why}
        </Notice>
    }
    .into_any()
}

fn changes(language: Locale, dry: &DryRun) -> AnyView {
    let lines = [
        (td_string!(language, safety.joiners), td_string!(language, safety.joiners_text), dry.joiners),
        (td_string!(language, safety.returned), td_string!(language, safety.returned_text), dry.returned),
        (td_string!(language, safety.changed), td_string!(language, safety.changed_text), dry.changed),
        (td_string!(language, runs.unchanged), td_string!(language, runs.unchanged_text), dry.unchanged),
        (td_string!(language, runs.rejected), td_string!(language, safety.rejected_text), dry.rejected),
        (td_string!(language, runs.held), td_string!(language, runs.held_text), dry.held),
    ];
    let line = |(name, text, count)| counts::line(language, name, text, count);
    let leavers = (td_string!(language, safety.leavers), td_string!(language, safety.leavers_text), dry.leavers);
    let (added, removed) = (number(language, dry.tags_added), number(language, dry.tags_removed));
    let statuses = (dry.statuses > 0).then(|| {
        let text = text!(language, safety.dry_statuses, people = number(language, dry.statuses));
        view! { <p>{text}</p> }
    });
    let requests = number(language, dry.estimate.requests);
    let minutes = number(language, dry.estimate.minutes);
    view! {
        <div class="table outcomes" role="region" tabindex="0" aria-label=td_string!(language, safety.dry_counts)>
            <table>
                <tbody>{lines.map(line).collect_view()}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{td_string!(language, runs.members)}</th>
                        <td class="number">{number(language, dry.members)}</td>
                        <td></td>
                    </tr>
                    {line(leavers)}
                </tfoot>
            </table>
        </div>
        {statuses}
        {counts::left_out(language, dry.left_out)}
        <p>{text!(language, safety.dry_tags, added = added, removed = removed)}</p>
        <p><strong>{text!(language, safety.dry_estimate, requests = requests, minutes = minutes)}</strong></p>
    }
    .into_any()
}

/// Some rows, before and after.
fn rows(language: Locale, rows: Vec<DryRow>) -> AnyView {
    if rows.is_empty() {
        return view! {
            <EmptyState title=td_string!(language, safety.dry_nothing) text=td_string!(language, safety.dry_nothing_text) />
        }
        .into_any();
    }
    // Somebody who left has no profile to name, but always an address.
    let columns = vec![
        Column::of(td_string!(language, common.target_email)),
        Column::of(td_string!(language, runs.key)),
        Column::of(td_string!(language, safety.what_happens)),
        Column::of(td_string!(language, safety.before_after)),
        Column::of(td_string!(language, safety.tags)),
    ];
    let label = td_string!(language, safety.dry_rows);
    let rows = rows.into_iter().map(|one| row(language, one)).collect();
    view! { <h2>{label}</h2> <List label columns rows /> }.into_any()
}

fn row(language: Locale, row: DryRow) -> Vec<AnyView> {
    let what = match row.kind {
        DryKind::Joiner => td_string!(language, safety.joiner),
        DryKind::Changed => td_string!(language, safety.changed_row),
        DryKind::TagsOnly => td_string!(language, safety.tags_only),
        DryKind::Leaver => td_string!(language, safety.leaver),
    };
    let changes = row.changes.into_iter().map(|change| {
        let name = sentences::target(language, &change.field).to_owned();
        let before = (!change.before.is_empty()).then(|| {
            view! { <del><bdi>{change.before}</bdi></del> " " <span aria-hidden="true">"→ "</span> }
        });
        view! { <li>{name} ": " {before} <ins><bdi>{change.after}</bdi></ins></li> }
    });
    let added = row.tags_added.into_iter().map(|tag| view! { <li><ins>"+ " <bdi>{tag}</bdi></ins></li> });
    let removed = row.tags_removed.into_iter().map(|tag| view! { <li><del>"− " <bdi>{tag}</bdi></del></li> });
    vec![
        own_text(row.email),
        own_text(row.key),
        what.into_any(),
        view! { <ul class="changes">{changes.collect_view()}</ul> }.into_any(),
        view! { <ul class="changes">{added.collect_view()} {removed.collect_view()}</ul> }.into_any(),
    ]
}

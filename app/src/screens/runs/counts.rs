//! What became of the rows of a run: counts that add up, and the reasons behind those that did not arrive.

use domain::id::RunId;
use domain::run::{Counts, RowReason};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::{RecheckRows, ResendRows};
use crate::routes;
use crate::services::{RunView, TroubledRow};
use crate::texts::{Locale, td_string, text};
use crate::ui::{Badge, Icon, Notice, PostButton, Tone, icon, number, sentences};

/// The counts per outcome with their sum.
pub(super) fn outcomes(language: Locale, counts: &Counts, is_final: bool) -> AnyView {
    let lines = [
        (td_string!(language, runs.accepted), td_string!(language, runs.accepted_text), counts.accepted),
        (td_string!(language, runs.unchanged), td_string!(language, runs.unchanged_text), counts.unchanged),
        (td_string!(language, runs.rejected), td_string!(language, runs.rejected_text), counts.rejected),
        (td_string!(language, runs.held), td_string!(language, runs.held_text), counts.held),
        (td_string!(language, runs.unconfirmed), td_string!(language, runs.unconfirmed_text), counts.unconfirmed),
    ];
    let rows = lines.map(|(name, text, count)| line(language, name, text, count));
    let open = counts.members.saturating_sub(counts.done());
    let open = (!is_final)
        .then(|| line(language, td_string!(language, runs.open), td_string!(language, runs.open_text), open));
    let sum = (is_final && counts.add_up())
        .then(|| view! { <Badge tone=Tone::Good text=td_string!(language, runs.adds_up) /> });
    view! {
        <div class="table outcomes" role="region" tabindex="0" aria-label=td_string!(language, runs.outcomes)>
            <table>
                <tbody>{rows.collect_view()} {open}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{td_string!(language, runs.members)}</th>
                        <td class="number">{number(language, counts.members)}</td>
                        <td>{sum}</td>
                    </tr>
                </tfoot>
            </table>
        </div>
        <p>
            {text!(
                language,
                runs.more_counts,
                added = number(language, counts.tags_added),
                removed = number(language, counts.tags_removed),
                requests = number(language, counts.requests),
                retries = number(language, counts.retries)
            )}
        </p>
        {left_out(language, counts.values_left_out)}
    }
    .into_any()
}

/// Why everybody is sent again, where the ledger is lost.
pub fn lost_ledger(language: Locale, is_lost: bool) -> Option<AnyView> {
    is_lost.then(|| {
        view! {
            <Notice warning=true>
                <p><strong>{td_string!(language, safety.lost_ledger)}</strong></p>
                <p>{td_string!(language, safety.lost_ledger_text)}</p>
            </Notice>
        }
        .into_any()
    })
}

/// What contacts go without, where there is anything.
pub fn left_out(language: Locale, values: u64) -> Option<AnyView> {
    (values > 0)
        .then(|| view! { <p>{text!(language, safety.left_out, values = number(language, values))}</p> }.into_any())
}

/// One count with its name and what it means.
pub fn line(language: Locale, name: &'static str, text: &'static str, count: u64) -> AnyView {
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="number">{number(language, count)}</td>
            <td>{text}</td>
        </tr>
    }
    .into_any()
}

/// Rows by what keeps them from arriving: how many, what happened, what to do, and some of them. `resend_of` is the run
/// whose rows the person may send again.
pub fn causes(
    language: Locale,
    label: &'static str,
    reasons: &[(RowReason, u64)],
    examples: &[TroubledRow],
    resend_of: Option<RunId>,
) -> AnyView {
    let rows = reasons.iter().map(|(reason, count)| {
        let sentence = sentences::row_reason(language, *reason);
        let some = examples.iter().filter(|row| row.reason == *reason);
        let some = some.map(|row| {
            let (key, email) = (row.key.clone(), row.email.clone());
            view! { <li><bdi>{key}</bdi> " " <bdi>{email}</bdi></li> }
        });
        let again = resend_of.map(|run| {
            let fields = vec![("id", run.to_string()), ("reason", reason.as_str().to_owned())];
            let label = text!(language, safety.resend_cause, cause = sentence.what.clone());
            view! { <PostButton action=ResendRows::PATH fields label text=td_string!(language, safety.resend) /> }
        });
        view! {
            <tr>
                <th scope="row">{sentence.what}</th>
                <td class="number">{number(language, *count)}</td>
                <td>{sentence.todo} {again}</td>
                <td><ul class="changes">{some.collect_view()}</ul></td>
            </tr>
        }
    });
    view! {
        <h2>{label}</h2>
        <div class="table outcomes" role="region" tabindex="0" aria-label=label>
            <table>
                <thead>
                    <tr>
                        <th scope="col">{td_string!(language, runs.reason)}</th>
                        <th scope="col" class="number">{td_string!(language, runs.rows)}</th>
                        <th scope="col">{td_string!(language, runs.what_to_do)}</th>
                        <th scope="col">{td_string!(language, safety.examples)}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Why rows did not arrive: how many, what happened, what to do, and all of them as a file.
pub(super) fn reasons(language: Locale, view: &RunView) -> AnyView {
    if view.reasons.is_empty() {
        return ().into_any();
    }
    let resend_of = view.may_resend.then_some(view.run.id);
    // Of one cause, its own button sends all.
    let again = resend_of.filter(|_| view.reasons.len() > 1).map(|run| {
        let fields = vec![("id", run.to_string())];
        view! { <PostButton action=ResendRows::PATH fields text=td_string!(language, safety.resend_all) /> }
    });
    let ask = view.may_recheck.then(|| {
        let fields = vec![("id", view.run.id.to_string())];
        view! { <PostButton action=RecheckRows::PATH fields text=td_string!(language, safety.recheck) /> }
    });
    let ask_help = view.may_recheck.then(|| view! { <p class="help">{td_string!(language, safety.recheck_help)}</p> });
    let help = resend_of.map(|_| view! { <p class="help">{td_string!(language, safety.resend_help)}</p> });
    view! {
        {causes(language, td_string!(language, runs.not_arrived), &view.reasons, &view.examples, resend_of)}
        {ask_help}
        {help}
        <div class="buttons">
            {ask}
            {again}
            <a class="button" href=routes::run_rows(view.run.id) download="">
                {icon(Icon::Download)} {td_string!(language, runs.download)}
            </a>
        </div>
    }
    .into_any()
}

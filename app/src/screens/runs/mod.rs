//! The history of an export, and one run: live progress, what became of every row, and why some did not arrive.

mod api;
pub mod approval;
pub mod counts;
mod history;
mod page;
pub mod progress;

pub use api::{ApproveRun, CancelRun, RecheckRows, ResendRows};
pub use history::RunsPage;
pub use page::RunPage;

use domain::run::{Run, RunReason};
use leptos::prelude::*;

use crate::texts::{Locale, td_string, text};
use crate::ui::{Badge, Tone, decimal, sentences};

/// The state of a run, with the reason behind it for those who hover or listen.
pub fn run_badge(language: Locale, run: &Run) -> AnyView {
    let gave_way = run.reason == Some(RunReason::GaveWay);
    let (tone, text) = if gave_way {
        (Tone::Quiet, td_string!(language, states.gave_way_state))
    } else {
        (sentences::run_tone(run.state), sentences::run_state(language, run.state))
    };
    let why = run.reason.map(|reason: RunReason| sentences::run_reason(language, reason).what);
    let spoken = why.clone().map(|why| view! { <span class="visually-hidden">": " {why}</span> });
    view! {
        <span title=why>
            <Badge tone text />
            {spoken}
        </span>
    }
    .into_any()
}

/// Seconds from the first work to the end; none for a run that goes on or never began.
fn seconds_taken(run: &Run) -> Option<u64> {
    let (start, end) = (run.started_at?, run.finished_at?);
    u64::try_from((end - start) / 1_000_000).ok()
}

/// Contacts a second over the whole run, in words.
#[expect(clippy::cast_precision_loss, reason = "shown to people with two digits")]
fn rate(language: Locale, run: &Run) -> Option<String> {
    let seconds = seconds_taken(run).filter(|seconds| *seconds > 0 && run.counts.accepted > 0)?;
    Some(text!(language, runs.rate, rate = decimal(language, run.counts.accepted as f64 / seconds as f64)))
}

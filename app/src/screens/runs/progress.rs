//! How a run goes, in words: the one place that turns the figures of a run into what the island shows.

use domain::run::RunState;

use crate::live::live_progress::Progress;
use crate::services::RunView;
use crate::texts::{Locale, td_string, text};
use crate::ui::{date_time_text, decimal, duration_text, number, percent, seconds_until, sentences};

/// The progress of a run in a language.
pub fn of(language: Locale, view: &RunView) -> Progress {
    let run = &view.run;
    let total = view.to_send + view.tags_to_change;
    let done = view.sent + view.tags_changed;
    let is_planned = !matches!(run.state, RunState::Queued | RunState::Preparing);
    let state = if run.cancel_requested && !run.state.is_final() {
        td_string!(language, runs.canceling).to_owned()
    } else {
        sentences::run_state(language, run.state).to_owned()
    };
    let wait = run.reason.map(|reason| sentences::run_reason(language, reason));
    // Soon is said as a length of time, later as a time of day.
    let until = run.waiting_until.map(|at| match seconds_until(at) {
        Some(seconds) if seconds >= 3_600 => text!(language, runs.goes_on_at, time = date_time_text(language, at)),
        Some(seconds) => text!(language, runs.goes_on_in, time = duration_text(language, seconds)),
        None => td_string!(language, runs.goes_on_now).to_owned(),
    });
    Progress {
        is_final: run.state.is_final(),
        state,
        percent: (is_planned && total > 0).then(|| u32::try_from(percent(done, total)).unwrap_or(100)),
        rows: rows(language, view, is_planned),
        rate: if view.rate > 0.0 {
            text!(language, runs.rate, rate = decimal(language, view.rate))
        } else {
            String::new()
        },
        left: view
            .seconds_left
            .map(|seconds| text!(language, runs.left, time = duration_text(language, seconds)))
            .unwrap_or_default(),
        waits_for: wait.as_ref().map(|sentence| sentence.what.clone()).unwrap_or_default(),
        why: wait
            .map(|sentence| [Some(sentence.todo), until].into_iter().flatten().collect::<Vec<_>>().join(" "))
            .unwrap_or_default(),
    }
}

/// Contacts sent of those that the plan sends; while tags are set, tag changes.
fn rows(language: Locale, view: &RunView, is_planned: bool) -> String {
    if !is_planned {
        return String::new();
    }
    if view.run.state == RunState::Tagging {
        let (done, total) = (number(language, view.tags_changed), number(language, view.tags_to_change));
        return text!(language, runs.tags_of, done = done, total = total);
    }
    let (done, total) = (number(language, view.sent), number(language, view.to_send));
    text!(language, runs.rows_of, done = done, total = total)
}

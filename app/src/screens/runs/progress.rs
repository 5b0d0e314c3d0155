//! How a run goes, in words: the one place that turns the figures of a run into what the island shows.

use domain::run::{RunReason, RunState};

use crate::live::live_progress::Progress;
use crate::services::RunView;
use crate::texts::{Locale, td_string, text};
use crate::ui::sentences::Sentence;
use crate::ui::{date_time_text, decimal, duration_text, number, pace_lines, percent, seconds_until, sentences};

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
    let (wait, until) = wait(language, view).unzip();
    let until = until.flatten().map(|at| goes_on(language, at));
    // Before its first request, what others use of the account is none of its business.
    let pace = view.pace.account.filter(|_| is_planned).map(|pace| pace_lines(language, &pace)).unwrap_or_default();
    Progress {
        is_final: run.state.is_final(),
        asks: run.awaits_approval(),
        state,
        percent: (is_planned && total > 0).then(|| u32::try_from(percent(done, total)).unwrap_or(100)),
        rows: rows(language, view, is_planned),
        rate: rate(language, view),
        left: view
            .seconds_left
            .map(|seconds| text!(language, runs.left, time = duration_text(language, seconds)))
            .unwrap_or_default(),
        pace,
        waits_for: wait.as_ref().map(|sentence| sentence.what.clone()).unwrap_or_default(),
        why: wait
            .map(|sentence| [Some(sentence.todo), until].into_iter().flatten().collect::<Vec<_>>().join(" "))
            .unwrap_or_default(),
    }
}

fn rate(language: Locale, view: &RunView) -> String {
    let rate = decimal(language, view.rate);
    match view.run.state {
        _ if view.rate <= 0.0 => String::new(),
        RunState::Settling | RunState::Tagging => text!(language, runs.tag_rate, rate = rate),
        _ => text!(language, runs.rate, rate = rate),
    }
}

/// What the run waits for, and until when: as it stands in the run, or what keeps its next request from going.
fn wait(language: Locale, view: &RunView) -> Option<(Sentence, Option<i64>)> {
    let run = &view.run;
    if let Some(reason) = run.reason {
        let until = run.waiting_until.filter(|_| reason != RunReason::Approval);
        return Some((sentences::run_reason(language, reason), until));
    }
    if let Some((_, export)) = &view.pace.ahead {
        let what = td_string!(language, runs.its_turn).to_owned();
        return Some((Sentence { what, todo: text!(language, runs.its_turn_todo, name = export.clone()) }, None));
    }
    let account = view.pace.account.filter(|_| run.state != RunState::Queued)?;
    let (reason, until) = match (account.silent, account.paused_until) {
        (Some((_, next)), _) => (RunReason::DestinationUnavailable, next),
        (None, Some(until)) => (RunReason::RateLimit, until),
        (None, None) => return None,
    };
    Some((sentences::run_reason(language, reason), Some(until)))
}

/// Soon is said as a length of time, later as a time of day.
fn goes_on(language: Locale, at: i64) -> String {
    match seconds_until(at) {
        Some(seconds) if seconds >= 3_600 => text!(language, runs.goes_on_at, time = date_time_text(language, at)),
        Some(seconds) => text!(language, runs.goes_on_in, time = duration_text(language, seconds)),
        None => td_string!(language, runs.goes_on_now).to_owned(),
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
    if view.to_send == 0 {
        return String::new();
    }
    let (done, total) = (number(language, view.sent), number(language, view.to_send));
    text!(language, runs.rows_of, done = done, total = total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{AccountPace, LanePace, RunPace};
    use crate::texts::LANGUAGES;
    use domain::id::{ExportId, RunId};
    use domain::run::{Counts, Run, Trigger};

    fn make_view(state: RunState) -> RunView {
        let run = Run {
            id: RunId(uuid::Uuid::nil()),
            export: ExportId(uuid::Uuid::nil()),
            export_name: "Spring".to_owned(),
            trigger: Trigger::Manual,
            started_by: None,
            state,
            reason: None,
            detail: None,
            waiting_until: None,
            cancel_requested: false,
            snapshot: None,
            settings_version: 1,
            slot_at: None,
            alarm: None,
            approved_by: None,
            resend_of: None,
            recheck_of: None,
            continues: None,
            lost_ledger: false,
            counts: Counts::default(),
            queued_at: 0,
            started_at: None,
            finished_at: None,
        };
        RunView {
            run,
            sha256: None,
            to_send: 1_500,
            sent: 300,
            tags_to_change: 1_500,
            tags_changed: 0,
            rate: 45.25,
            seconds_left: Some(95),
            pace: RunPace::default(),
            reasons: Vec::new(),
            examples: Vec::new(),
            may_resend: false,
            may_recheck: false,
            rechecked_by: None,
            continued_by: None,
            may_cancel: true,
            may_approve: true,
        }
    }

    #[test]
    fn a_run_that_sends_says_how_far_how_fast_and_how_long() {
        let shown = of(Locale::en, &make_view(RunState::Sending));
        assert_eq!(shown.rows, "300 of 1,500 contacts sent");
        assert_eq!(shown.rate, "45.2 contacts a second");
        assert_eq!(shown.left, "about 1 min 35 s left");
        assert_eq!(shown.percent, Some(10));
        assert!(shown.waits_for.is_empty());
    }

    #[test]
    fn a_run_says_what_it_uses_of_the_account_and_what_keeps_its_next_request() {
        let mut view = make_view(RunState::Sending);
        let lane = LanePace { used: 342, allowed: 360, share_percent: 100 };
        view.pace.account = Some(AccountPace { requests: Some(lane), ..AccountPace::default() });
        let shown = of(Locale::en, &view);
        assert_eq!(shown.pace, ["342 of 360 requests a minute used, 95\u{a0}%"]);
        assert!(shown.waits_for.is_empty());

        let slowed = AccountPace { paused_until: Some(0), ..AccountPace::default() };
        view.pace.account = Some(slowed);
        assert_eq!(of(Locale::en, &view).waits_for, sentences::run_reason(Locale::en, RunReason::RateLimit).what);
        view.pace.account = Some(AccountPace { silent: Some((0, 0)), ..slowed });
        let silent = sentences::run_reason(Locale::en, RunReason::DestinationUnavailable);
        assert_eq!(of(Locale::en, &view).waits_for, silent.what);
        // What stands in the run itself goes before.
        view.run.reason = Some(RunReason::KeyRefused);
        assert_eq!(of(Locale::en, &view).waits_for, sentences::run_reason(Locale::en, RunReason::KeyRefused).what);
    }

    #[test]
    fn a_queued_run_says_whose_turn_it_is() {
        let mut view = make_view(RunState::Queued);
        assert!(of(Locale::en, &view).waits_for.is_empty());
        view.pace.ahead = Some((RunId(uuid::Uuid::nil()), "Winter".to_owned()));
        let shown = of(Locale::en, &view);
        assert_eq!(shown.waits_for, "Waiting for its turn");
        assert_eq!(shown.why, "A run of Winter over the same account goes first. There is nothing to do.");
    }

    #[test]
    fn a_run_without_a_plan_shows_no_share() {
        for state in [RunState::Queued, RunState::Preparing] {
            let shown = of(Locale::en, &make_view(state));
            assert_eq!((shown.percent, shown.rows.as_str()), (None, ""));
        }
    }

    #[test]
    fn tags_count_while_tags_are_set() {
        let mut view = make_view(RunState::Tagging);
        (view.sent, view.tags_changed) = (1_500, 750);
        let shown = of(Locale::en, &view);
        assert_eq!(shown.rows, "750 of 1,500 tag changes made");
        assert_eq!(shown.percent, Some(75));
    }

    #[test]
    fn a_run_that_was_asked_to_stop_says_so_until_it_has() {
        let mut view = make_view(RunState::Sending);
        view.run.cancel_requested = true;
        assert_eq!(of(Locale::en, &view).state, "Stopping");
        view.run.state = RunState::Canceled;
        let ended = of(Locale::en, &view);
        assert_eq!((ended.state.as_str(), ended.is_final), ("Canceled", true));
    }

    #[test]
    fn every_reason_to_wait_has_a_sentence_in_every_language() {
        for (language, name) in LANGUAGES {
            for reason in RunReason::ALL {
                let mut view = make_view(RunState::Waiting);
                view.run.reason = Some(reason);
                view.run.waiting_until = Some(0);
                let shown = of(language, &view);
                assert!(!shown.waits_for.is_empty(), "{name}: {reason:?}");
                assert!(shown.why.len() > shown.waits_for.len() / 2, "{name}: {reason:?}");
            }
        }
    }
}

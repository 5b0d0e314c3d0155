//! Asking again what became of rows that a run left unconfirmed.

use std::time::Duration;

use domain::id::RunId;
use domain::run::{RowReason, Run, RunReason, RunState, Trigger};
use omnisend_simulator::{Action, HoldStatus, ItemErrors, PRACTICE_BRAND, Rule, Script};

use super::stage::{Setting, Stage, emails, people};
use crate::db::runs::{self, NewRun};
use crate::db::testing::{databases, sqlite};
use crate::db::{batches, rechecks};

/// The second of the batches is finished two hours after it was taken, with one row refused.
fn stuck() -> Script {
    let action = Action::BatchHeld { status: HoldStatus::default(), for_ms: Some(2 * 3_600_000) };
    let mut held = Rule::on("POST", "/batches", action);
    held.nth = vec![2];
    let refused = ItemErrors { items: vec![7], ..ItemErrors::default() };
    let mut refused = Rule::on("POST", "/batches", Action::ItemErrors(refused));
    refused.nth = vec![2];
    Script { rules: vec![held, refused] }
}

/// A run of 400 people that has ended with 100 of them unconfirmed.
async fn left_open(stage: &Stage) -> Run {
    stage.simulator.state().set_faults(stuck());
    stage.refresh(&people(0..400, "a")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Settling && run.counts.tags_added == 300).await;
    stage.clock.pass(61);
    let run = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_eq!((run.state, run.counts.accepted, run.counts.unconfirmed), (RunState::CompletedWithErrors, 300, 100));
    run
}

async fn queue_recheck(stage: &Stage, of: RunId) -> RunId {
    let new = NewRun {
        id: RunId(uuid::Uuid::now_v7()),
        export: stage.export,
        export_name: "Newsletter".to_owned(),
        settings_version: 1,
        connection: Some((stage.connection, PRACTICE_BRAND.to_owned())),
        trigger: Trigger::Manual,
        started_by: Some("ana@example.com".to_owned()),
        slot_at: None,
        resend_of: None,
        recheck_of: Some(of),
        continues: None,
    };
    let mut tx = stage.db.begin().await.expect("begun");
    let run = runs::queue(&mut tx, &new, stage.now()).await.expect("queued").run();
    tx.commit().await.expect("committed");
    run
}

async fn recheck(stage: &Stage, of: RunId) -> Run {
    let run = queue_recheck(stage, of).await;
    assert!(stage.engine().step().await.expect("worked"));
    stage.find(run).await
}

async fn is_askable(stage: &Stage, run: RunId) -> bool {
    let mut tx = stage.db.read().await.expect("begun");
    rechecks::is_askable(&mut tx, run).await.expect("asked")
}

/// Everybody but the refused one is there, and the next run has nothing left but that one.
async fn assert_repaired(stage: &Stage) {
    assert_eq!(stage.arrived().len(), 399);
    assert_eq!(stage.tagged("a"), stage.arrived(), "whoever arrived is tagged");
    stage.simulator.state().set_faults(Script::default());
    let next = stage.run().await;
    assert_eq!((next.state, next.counts.accepted, next.counts.unchanged), (RunState::Successful, 1, 399));
    assert_eq!(stage.arrived(), emails(&people(0..400, "a")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_asking_again_repairs_rows_and_ledger_and_sends_nobody_again() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        let first = left_open(&stage).await;
        assert!(is_askable(&stage, first.id).await);
        stage.clock.pass(70);
        let writes = stage.writes();

        let again = recheck(&stage, first.id).await;

        assert_eq!((again.state, again.recheck_of), (RunState::CompletedWithErrors, Some(first.id)));
        let counts = again.counts;
        assert!(counts.add_up(), "{counts:?}");
        assert_eq!((counts.members, counts.accepted, counts.rejected, counts.unconfirmed), (100, 99, 1, 0));
        assert_eq!((counts.tags_added, counts.retries), (99, 0));
        assert_eq!(stage.writes() - writes, 1, "one tag, no contact");
        assert_eq!(stage.data.troubled_counts(again.id).await.expect("counts"), [(RowReason::Refused, 1)]);
        assert_eq!(stage.find(first.id).await, first, "what has ended stays as it ended");
        let mut tx = stage.db.read().await.expect("begun");
        assert_eq!(rechecks::newest_of(&mut tx, first.id).await.expect("asked"), Some(again.id));
        drop(tx);
        assert!(!is_askable(&stage, first.id).await && !is_askable(&stage, again.id).await, "nothing is left to ask");
        assert_repaired(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_what_is_still_being_worked_through_stays_unconfirmed_and_can_be_asked_about_later() {
    let stage = Stage::new().await;
    let first = left_open(&stage).await;
    let begun = stage.now();

    let again = recheck(&stage, first.id).await;

    let counts = again.counts;
    assert_eq!((counts.members, counts.accepted, counts.unconfirmed), (100, 0, 100));
    assert!(counts.add_up());
    // A minute of asking, on a clock that is ten times as fast as the machine's.
    assert!(stage.now() - begun < 10 * 60_000_000, "it does not wait for an hour");
    stage.clock.pass(70);
    let last = recheck(&stage, again.id).await;
    assert_eq!((last.counts.accepted, last.counts.rejected, last.counts.unconfirmed), (99, 1, 0));
    assert_repaired(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_asking_again_goes_on_after_a_break_off() {
    let stage = Stage::new().await;
    let first = left_open(&stage).await;
    stage.clock.pass(70);
    let run = queue_recheck(&stage, first.id).await;

    for moment in [3, 20, 60] {
        let running = stage.engine().start();
        tokio::time::sleep(Duration::from_millis(moment)).await;
        drop(running);
    }
    let running = stage.engine().start();
    let again = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((again.counts.members, again.counts.accepted, again.counts.rejected), (100, 99, 1));
    assert_repaired(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_nobody_is_asked_once_a_later_run_has_sent_the_rows_again_or_the_batches_are_gone() {
    let stage = Stage::on(sqlite().await, Setting::default()).await;
    let first = left_open(&stage).await;
    let mut tx = stage.db.begin().await.expect("begun");
    batches::forget(&mut tx, i64::MAX).await.expect("forgotten");
    assert!(!rechecks::is_askable(&mut tx, first.id).await.expect("asked"));
    drop(tx);
    assert!(is_askable(&stage, first.id).await);
    stage.simulator.state().set_faults(Script::default());
    let next = stage.run().await;
    assert_eq!((next.counts.accepted, next.counts.unchanged), (100, 300), "the next run works as ever");
    assert!(!is_askable(&stage, first.id).await);

    // Even if one was queued all the same.
    let late = recheck(&stage, first.id).await;

    assert_eq!((late.state, late.reason), (RunState::Skipped, Some(RunReason::BatchesGone)));
    assert_eq!(late.counts.members, 0);
    let after = stage.run().await;
    assert_eq!((after.counts.accepted, after.counts.unchanged), (0, 400));
}

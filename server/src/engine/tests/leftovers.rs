//! Batches that an ended run has left with the destination, and copies that it does not know of: a later run sends nothing
//! before they are worked off.

use std::time::Duration;

use domain::id::RunId;
use domain::run::{Run, RunReason, RunState};
use omnisend_simulator::{Action, Filter, HoldStatus, Rule, Script};

use super::stage::{Person, Setting, Stage};
use crate::db::runs;
use crate::db::testing::databases;

fn named(name: &str) -> Vec<Person> {
    (0..300).map(|n| (format!("p{n:06}@example.com"), name.to_owned(), "a")).collect()
}

/// A batch that the destination has taken and works through for so long.
fn held_for(minutes: u64) -> Script {
    let for_ms = Some(minutes * 60_000);
    let mut rule = Rule::on("POST", "/batches", Action::BatchHeld { status: HoldStatus::default(), for_ms });
    rule.nth = vec![2];
    Script::one(rule)
}

/// A run that somebody cancels while one of its three batches is being worked through.
async fn canceled(stage: &Stage, minutes: u64) -> Run {
    stage.simulator.state().set_faults(held_for(minutes));
    stage.refresh(&named("Old")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.accepted == 200).await;
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, run, stage.now()).await.expect("asked"));
    tx.commit().await.expect("committed");
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_eq!((ended.state, ended.counts.accepted, ended.counts.unconfirmed), (RunState::Canceled, 200, 100));
    ended
}

/// The next run, of everybody under another name, once it has looked.
async fn waiting(stage: &Stage) -> RunId {
    stage.refresh(&named("New")).await;
    let writes = stage.writes();
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Waiting).await;
    // It looks more than once.
    stage.until(run, |run| run.counts.requests >= 2).await;
    let found = stage.until(run, |run| run.state == RunState::Waiting).await;
    running.stop().await;
    assert_eq!(found.reason, Some(RunReason::DestinationWorking));
    assert_eq!(stage.writes(), writes, "nothing is sent meanwhile");
    run
}

async fn ended(stage: &Stage, run: RunId) -> Run {
    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    ended
}

/// Names that the receiver holds.
fn names(stage: &Stage) -> Vec<String> {
    let (contacts, _) = stage.simulator.state().contacts(&Filter::default(), 0, usize::MAX);
    let mut names: Vec<_> = contacts.iter().filter_map(|one| one["firstName"].as_str().map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cancelled_run_left_is_worked_off_before_the_next_run_sends_newer_values() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        canceled(&stage, 30).await;
        let run = waiting(&stage).await;
        stage.clock.skip(31);

        let ended = ended(&stage, run).await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(names(&stage), ["New"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_whose_answer_was_lost_is_worked_off_before_the_next_run_sends_newer_values() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        let mut faults = held_for(3);
        let mut lost = Rule::on("POST", "/batches", Action::ResetAfter { at_byte: 0 });
        lost.nth = vec![2];
        faults.rules.push(lost);
        stage.simulator.state().set_faults(faults);
        stage.refresh(&named("Old")).await;
        let first = stage.run().await;
        assert_eq!((first.state, first.counts.accepted, first.counts.retries), (RunState::Successful, 300, 1));
        let run = waiting(&stage).await;
        stage.clock.skip(4);

        let ended = ended(&stage, run).await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(names(&stage), ["New"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_worked_off_is_waited_for_an_hour() {
    let stage = Stage::new().await;
    canceled(&stage, 24 * 60).await;
    let run = waiting(&stage).await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.requests >= 4).await;
    stage.clock.pass(50);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.find(run).await.finished_at, None);
    stage.clock.pass(11);

    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300));
}

/// By a clock that was set ahead it looks as if nobody had to wait any longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_what_a_cancelled_run_left_is_worked_off_first_whatever_the_clock_says() {
    for minutes in [60, 24 * 60] {
        let stage = Stage::new().await;
        canceled(&stage, 30).await;
        stage.clock.set(minutes);
        let run = waiting(&stage).await;
        stage.clock.pass(31);

        let ended = ended(&stage, run).await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300));
        assert_eq!(names(&stage), ["New"], "{minutes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_after_one_that_left_nothing_asks_nothing() {
    let stage = Stage::new().await;
    stage.refresh(&named("Old")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);

    let again = stage.run().await;

    assert_eq!((again.state, again.counts.unchanged, again.counts.requests), (RunState::Successful, 300, 0));
}

//! Rows and batches that the destination cannot cope with, however often they are sent: they cost themselves, and no run.

use std::time::Duration;

use domain::run::{RowReason, Run, RunState};
use omnisend_simulator::{Action, HoldStatus, ItemErrors, RetryIn, Rule, Script};

use super::stage::{Setting, Stage, people};

fn broken() -> Action {
    Action::Status { status: 500, retry_after: None, retry_in: RetryIn::Body, html: false }
}

/// Batches with such an address are answered with this status.
fn refused(email: &str, status: u16) -> Rule {
    let errors = ItemErrors { email: email.to_owned(), whole_batch: true, status, ..ItemErrors::default() };
    Rule::on("POST", "/batches", Action::ItemErrors(errors))
}

/// A run of so many people, on a clock that is a hundred times as fast as the machine's.
async fn run(rules: Vec<Rule>, count: u32) -> (Stage, Run) {
    let stage = Stage::with(Setting { factor: 100, ..Setting::default() }).await;
    stage.simulator.state().set_faults(Script { rules });
    stage.refresh(&people(0..count, "a")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert!(ended.counts.add_up(), "{:?}", ended.counts);
    (stage, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_items_cannot_be_read_costs_its_rows_and_no_more() {
    let mut error =
        Rule::on("POST", "/batches", Action::ItemErrors(ItemErrors { items: vec![7], ..Default::default() }));
    error.nth = vec![2];

    let (stage, ended) = run(vec![error, Rule::on("GET", "/batches/*/items", broken())], 300).await;

    let counts = ended.counts;
    assert_eq!((ended.state, counts.accepted, counts.unconfirmed), (RunState::CompletedWithErrors, 200, 100));
    assert!(ended.finished_at.is_some_and(|at| at - ended.queued_at < 65 * 60_000_000), "in good time");
    stage.simulator.state().set_faults(Script::default());
    let next = stage.run().await;
    assert_eq!((next.state, next.counts.accepted, next.counts.unchanged), (RunState::Successful, 100, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_a_row_that_breaks_the_destination_each_time_is_found_and_the_others_arrive() {
    let (stage, ended) = run(vec![refused("p000042@*", 500)], 300).await;

    let counts = ended.counts;
    assert_eq!((ended.state, counts.accepted, counts.rejected), (RunState::CompletedWithErrors, 299, 1));
    assert_eq!(stage.data.troubled_counts(ended.id).await.expect("counts"), [(RowReason::NotTaken, 1)]);
    assert_eq!(stage.arrived().len(), 299);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_the_same_where_nothing_else_is_left_to_send() {
    let (stage, ended) = run(vec![refused("p000042@*", 500)], 60).await;

    let counts = ended.counts;
    assert_eq!((ended.state, counts.accepted, counts.rejected), (RunState::CompletedWithErrors, 59, 1));
    assert_eq!(stage.arrived().len(), 59);
}

/// Nobody knows whether such a tag is there: the next run adds it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_tags_that_are_never_taken_hold_up_no_run_and_are_added_by_the_next() {
    let begun = Rule { from: Some(2), ..Rule::on("POST", "/contacts/tags", broken()) };
    let (stage, ended) = run(vec![begun], 600).await;

    let counts = ended.counts;
    assert_eq!((ended.state, counts.accepted, counts.unconfirmed), (RunState::CompletedWithErrors, 600, 0));
    assert!(counts.tags_added > 0 && counts.tags_added < 600, "{counts:?}");
    assert!(ended.finished_at.is_some_and(|at| at - ended.queued_at < 2 * 3600 * 1_000_000), "in good time");
    stage.simulator.state().set_faults(Script::default());
    let next = stage.run().await;
    assert_eq!((next.state, next.counts.tags_added), (RunState::Successful, 600 - counts.tags_added));
    assert_eq!(stage.tagged("a").len(), 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r19_thirty_bad_rows_that_stand_together_cost_thirty_rows() {
    let rules = ["p00004*@*", "p00005*@*", "p00006*@*"].map(|email| refused(email, 400));

    let (stage, ended) = run(rules.to_vec(), 400).await;

    let counts = ended.counts;
    assert_eq!((ended.state, counts.accepted, counts.rejected), (RunState::CompletedWithErrors, 370, 30));
    assert_eq!(stage.arrived().len(), 370);
}

/// Ferry rests while the destination works: what has finished meanwhile is seen before anything is given up on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_a_run_that_rested_longer_than_it_would_wait_looks_before_it_gives_up() {
    let stage = Stage::with(Setting { factor: 100, ..Setting::default() }).await;
    let mut held =
        Rule::on("POST", "/batches", Action::BatchHeld { status: HoldStatus::default(), for_ms: Some(600_000) });
    held.nth = vec![2];
    stage.simulator.state().set_faults(Script::one(held));
    stage.refresh(&people(0..400, "a")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Settling && run.counts.accepted == 300).await;
    drop(running);
    stage.clock.skip(180);
    tokio::time::sleep(Duration::from_millis(50)).await;

    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 400));
}

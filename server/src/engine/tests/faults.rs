//! Runs in an unkind world: limits, errors, lost answers, stopped batches, bad rows. Whatever happens, the simulator
//! ends up with everybody, once, and the counts say what it was.

use domain::run::{RowReason, Run, RunReason, RunState};
use omnisend_simulator::{Action, HoldStatus, ItemErrors, RetryAfter, RetryIn, Rule, Script, Switches};

use super::stage::{Setting, Stage, emails, people};
use crate::clock::Clock as _;
use crate::db::{circuits, runs};

const POST: (&str, &str) = ("POST", "/batches");

fn on_post(action: Action) -> Rule {
    Rule::on(POST.0, POST.1, action)
}

fn status(status: u16) -> Action {
    Action::Status { status, retry_after: None, retry_in: RetryIn::Body, html: false }
}

async fn stage_with(rules: Vec<Rule>) -> Stage {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(Script { rules });
    stage
}

/// Everybody has arrived, is tagged, and nobody was welcomed.
#[track_caller]
fn assert_all_well(stage: &Stage, run: &Run, expected: &[String]) {
    assert_eq!(run.state, RunState::Successful, "{run:?}");
    assert_eq!(run.counts.accepted, expected.len() as u64);
    assert!(run.counts.add_up(), "{:?}", run.counts);
    assert_eq!(stage.arrived(), expected);
    assert_eq!(stage.tagged("a"), expected);
}

/// The rules do not keep anybody from arriving.
async fn check_all_arrive(rules: Vec<Rule>) -> (Stage, Run) {
    let stage = stage_with(rules).await;
    let everybody = people(0..1_500, "a");
    stage.refresh(&everybody).await;
    let run = stage.run().await;
    assert_all_well(&stage, &run, &emails(&everybody));
    (stage, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_10_r11_a_flood_of_429_delays_and_uses_up_no_attempt() {
    let after = Some(RetryAfter::Seconds(2));
    let action = Action::Status { status: 429, retry_after: after, retry_in: RetryIn::Body, html: false };
    let mut rule = Rule::always(action);
    rule.every = Some(3);

    check_all_arrive(vec![rule]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_errors_of_the_server_are_repeated_until_it_works() {
    let mut five_hundred = Rule::always(status(500));
    five_hundred.probability = Some(0.3);
    let mut page = Rule::always(Action::Status { status: 502, retry_after: None, retry_in: RetryIn::Body, html: true });
    page.every = Some(7);

    let (_, run) = check_all_arrive(vec![five_hundred, page]).await;

    assert!(run.counts.retries > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_a_lost_answer_costs_one_repeated_batch() {
    let mut lost = on_post(Action::ResetAfter { at_byte: 0 });
    lost.nth = vec![1, 5, 9];
    let mut half = on_post(Action::ResetAfter { at_byte: 60 });
    half.nth = vec![3];

    let (stage, run) = check_all_arrive(vec![lost, half]).await;

    assert_eq!(run.counts.retries, 4);
    assert_eq!(stage.writes(), 15 + 4 + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_batch_that_is_worked_off_twice_changes_nothing() {
    let mut twice = on_post(Action::BatchTwice { after_ms: 30 });
    twice.every = Some(2);
    check_all_arrive(vec![twice]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_what_a_stopped_batch_left_over_is_sent_again() {
    let mut stopped = on_post(Action::BatchStopped { after: 0.4 });
    stopped.nth = vec![2, 6];

    let (stage, _) = check_all_arrive(vec![stopped]).await;

    assert_eq!(stage.writes(), 15 + 2 + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_items_that_are_limited_are_sent_again() {
    let mut limited =
        on_post(Action::ItemErrors(ItemErrors { items: vec![3, 50], status: 429, ..ItemErrors::default() }));
    limited.nth = vec![1, 2];
    let mut busy = on_post(Action::ItemErrors(ItemErrors { items: vec![7], status: 503, ..ItemErrors::default() }));
    busy.nth = vec![4];
    check_all_arrive(vec![limited, busy]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_an_item_that_is_never_taken_is_rejected_after_three_returns() {
    let never = ItemErrors { email: "p000007@*".to_owned(), status: 503, ..ItemErrors::default() };
    let stage = stage_with(vec![on_post(Action::ItemErrors(never))]).await;
    stage.refresh(&people(0..40, "a")).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.accepted, run.counts.rejected), (RunState::CompletedWithErrors, 39, 1));
    let reasons = stage.data.troubled_counts(run.id).await.expect("counts");
    assert_eq!(reasons, [(RowReason::NotTaken, 1)]);
    assert_eq!(stage.writes(), 1 + 3 + 1);
    assert_eq!(stage.tagged("a").len(), 39, "who did not arrive is not tagged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_01_a_row_that_failed_yesterday_and_did_not_change_is_sent_today() {
    let refused = ItemErrors { email: "p00001*".to_owned(), ..ItemErrors::default() };
    let stage = stage_with(vec![on_post(Action::ItemErrors(refused))]).await;
    let everybody = people(0..250, "a");
    stage.refresh(&everybody).await;
    let first = stage.run().await;
    assert_eq!((first.state, first.counts.rejected, first.counts.accepted), (RunState::CompletedWithErrors, 10, 240));
    assert_eq!(stage.data.troubled_counts(first.id).await.expect("counts"), [(RowReason::Refused, 10)]);
    assert_eq!(stage.tagged("a").len(), 240);
    stage.simulator.state().set_faults(Script::default());

    let second = stage.run().await;

    assert_eq!((second.state, second.counts.accepted, second.counts.unchanged), (RunState::Successful, 10, 240));
    assert_eq!(stage.arrived(), emails(&everybody));
    assert_eq!(stage.tagged("a"), emails(&everybody));
    assert_eq!(stage.data.troubled_counts(first.id).await.expect("counts").len(), 1, "the old list stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_05_r19_one_bad_row_in_a_hundred_costs_one_row() {
    let refused = ItemErrors { email: "p000042@*".to_owned(), whole_batch: true, ..ItemErrors::default() };
    let stage = stage_with(vec![on_post(Action::ItemErrors(refused))]).await;
    stage.refresh(&people(0..300, "a")).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.accepted, run.counts.rejected), (RunState::CompletedWithErrors, 299, 1));
    assert_eq!(stage.arrived().len(), 299);
    let extra = stage.writes() - (3 + 2);
    assert!(extra <= 15, "{extra} requests to find it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_request_is_refused_the_run_fails_and_blames_no_row() {
    let stage = stage_with(vec![on_post(status(400))]).await;
    stage.refresh(&people(0..5_000, "a")).await;

    let run = stage.run().await;

    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason, Some(domain::run::RunReason::RequestRefused));
    assert!(run.counts.add_up() && run.counts.accepted == 0);
    assert!(stage.writes() <= 110, "{}", stage.writes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_may_finish_in_any_order() {
    let setting = Setting::default();
    let switches = Switches { batches_out_of_order: true, batch_delay_ms: 3_000, ..Switches::default() };
    let setting = Setting { simulator: omnisend_simulator::Options { switches, ..setting.simulator }, ..setting };
    let stage = Stage::with(setting).await;
    let everybody = people(0..2_000, "a");
    stage.refresh(&everybody).await;

    let run = stage.run().await;

    assert_all_well(&stage, &run, &emails(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_02_r20_a_batch_that_never_finishes_leaves_its_rows_unconfirmed_and_they_come_again() {
    let mut held = on_post(Action::BatchHeld { status: HoldStatus::default(), for_ms: None });
    held.nth = vec![2];
    let stage = Stage::with(Setting { factor: 5, ..Setting::default() }).await;
    stage.simulator.state().set_faults(Script::one(held));
    let everybody = people(0..400, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Settling && run.counts.tags_added == 300).await;

    // Not quite the hour, which began with the last batch that finished; a busy machine may take half a minute more.
    stage.clock.pass(57);
    stage.clock.sleep(std::time::Duration::from_secs(20)).await;
    assert_eq!(stage.find(run).await.state, RunState::Settling, "not yet");
    stage.clock.pass(4);
    let run = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((run.state, run.counts.accepted, run.counts.unconfirmed), (RunState::CompletedWithErrors, 300, 100));
    assert_eq!(stage.data.troubled_counts(run.id).await.expect("counts"), [(RowReason::NoAnswer, 100)]);
    let again = stage.run().await;
    assert_eq!((again.state, again.counts.accepted), (RunState::Successful, 100));
    assert_eq!(stage.tagged("a"), emails(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_a_destination_that_is_down_makes_the_run_wait_and_it_goes_on_by_itself() {
    let mut down = Rule::always(Action::ResetBefore);
    down.until_ms = Some(3 * 60_000);
    let stage = Stage::with(Setting { factor: 30, ..Setting::default() }).await;
    stage.simulator.state().set_faults(Script::one(down));
    let everybody = people(0..1_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();

    let waiting = stage.until(run, |run| run.state == RunState::Waiting).await;
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!(waiting.reason, Some(domain::run::RunReason::DestinationUnavailable));
    assert_all_well(&stage, &ended, &emails(&everybody));
    let refused = stage.simulator.state().requests(0, usize::MAX).iter().filter(|one| !one.served).count();
    assert!(refused <= 60, "{refused} requests while it was down");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_a_destination_that_is_down_outlives_the_run() {
    let stage = Stage::new().await;
    let after = Some(RetryAfter::Seconds(600));
    let down = Rule::always(Action::Status { status: 503, retry_after: after, retry_in: RetryIn::Body, html: false });
    stage.simulator.state().set_faults(Script::one(down));
    stage.refresh(&people(0..1_500, "a")).await;
    let waiting = stage.run().await;
    assert_eq!((waiting.state, waiting.reason), (RunState::Waiting, Some(RunReason::DestinationUnavailable)));
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, waiting.id, stage.now()).await.expect("asked"));
    tx.commit().await.expect("committed");
    assert!(stage.engine().step().await.expect("closed"));

    let other = stage.run().await;

    assert_eq!((other.state, other.counts.requests), (RunState::Waiting, 0), "nobody asks before the time");
    stage.simulator.state().set_faults(Script::default());
    stage.clock.skip(20);
    assert!(stage.engine().step().await.expect("worked"));
    assert_eq!(stage.find(other.id).await.state, RunState::Successful);
    let mut tx = stage.db.read().await.expect("begun");
    assert_eq!(circuits::find(&mut tx, stage.connection).await.expect("read"), None);
}

//! Big runs make room for small ones of their account, and lose nothing by it.

use std::time::Duration;

use domain::id::{ExportId, JobId, RunId, SegmentId};
use domain::run::{RowReason, Run, RunReason, RunState, Trigger};
use domain::schedule::Schedule;
use domain::system::{TaskKind, TaskState};
use omnisend_simulator::{Action, Endpoint, PRACTICE_BRAND, Rule, Script, Switches};

use super::stage::{Person, Setting, Stage, emails, people, segment};
use crate::db::refresh_jobs::{self, NewJob};
use crate::db::testing::{TestDatabase, databases, sqlite};
use crate::db::{approvals, giving_way, runs, segments};
use crate::engine::Options;

/// The segment of a letter, as it was counted last.
async fn counted(stage: &Stage, letter: &str, members: u64) -> SegmentId {
    let mut tx = stage.db.begin().await.expect("begun");
    let new = segment(letter);
    segments::insert(&mut tx, &new, stage.now()).await.expect("there already, or added");
    let all = segments::list(&mut tx).await.expect("read");
    let tag = |tag: &str| format!("ferry:{letter}") == tag;
    let found = all.into_iter().find(|one| tag(&one.segment.tag)).expect("a segment");
    let (id, at) = (found.segment.id, stage.now());
    assert!(segments::keep_count(&mut tx, id, found.version, (members, 1), at).await.expect("kept"));
    tx.commit().await.expect("committed");
    id
}

/// An export of the members of one segment.
async fn export_of(stage: &Stage, letter: &str, members: u64) -> ExportId {
    let segment = counted(stage, letter, members).await;
    stage.add_export(letter, stage.connection, vec![segment], Schedule::Off).await
}

async fn queue(stage: &Stage, export: ExportId) -> RunId {
    stage.queue_of(export, stage.connection, PRACTICE_BRAND).await
}

async fn until_sent(stage: &Stage, requests: usize) {
    for _ in 0..12_000 {
        if stage.writes() >= requests {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} requests in a minute", stage.writes());
}

async fn goes_on_in(stage: &Stage, run: RunId) -> Option<RunId> {
    let mut tx = stage.db.read().await.expect("begun");
    giving_way::goes_on_in(&mut tx, run).await.expect("read")
}

async fn ended(stage: &Stage, run: RunId) -> Run {
    stage.until(run, |run| run.finished_at.is_some()).await
}

/// Contacts that were sent.
fn items(stage: &Stage) -> u32 {
    let all = stage.simulator.state().requests(0, usize::MAX);
    all.iter().filter(|one| one.endpoint == Endpoint::BatchCreate && one.served).map(|one| one.items).sum()
}

fn seconds(run: &Run) -> f64 {
    (run.finished_at.expect("ended") - run.queued_at) as f64 / 1e6
}

/// A big run, slow enough to be met, makes room from a hundred rows on. Two people are also in the small segment.
async fn slow_stage(db: TestDatabase) -> (Stage, Vec<Person>) {
    let mut stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
    stage.options = Options { gives_way_from: 100, in_flight: 2, ..stage.options };
    let slow = Action::Delay { ms: 100, after: true };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
    let all = [people(0..4_000, "a"), people(4_000..4_002, "ac"), people(4_002..4_020, "c")].concat();
    stage.refresh(&all).await;
    (stage, all)
}

/// A small run waits for at most three times as long as it takes alone, though a big one is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r36_a_small_run_of_the_same_account_takes_at_most_three_times_as_long_as_alone() {
    const BIG: u32 = 40_000;
    const SMALL: u32 = 1_000;
    let mut setting = Setting { factor: 5, keeps_limits: true, ..Setting::default() };
    setting.simulator.switches = Switches { batch_delay_ms: 5_000, ..Switches::default() };
    let stage = Stage::with(setting).await;
    let all = [people(0..BIG, "a"), people(BIG..BIG + SMALL, "c"), people(BIG + SMALL..BIG + 2 * SMALL, "d")].concat();
    stage.refresh(&all).await;
    counted(&stage, "a", BIG.into()).await;
    counted(&stage, "b", 0).await;
    let (first, second) = (export_of(&stage, "c", SMALL.into()).await, export_of(&stage, "d", SMALL.into()).await);
    let running = stage.engine().start();
    let alone = ended(&stage, queue(&stage, first).await).await;
    let big = stage.queue().await;
    running.engine().wake();
    until_sent(&stage, 10 + (BIG / 100 / 3) as usize).await;

    let small = queue(&stage, second).await;
    running.engine().wake();

    let beside = ended(&stage, small).await;
    assert_eq!((alone.counts.accepted, beside.counts.accepted), (1_000, 1_000));
    assert!(seconds(&beside) <= 3.0 * seconds(&alone), "{} s, and {} s alone", seconds(&beside), seconds(&alone));
    let big = ended(&stage, big).await;
    assert_eq!((big.state, big.reason), (RunState::Canceled, Some(RunReason::GaveWay)));
    let rest = ended(&stage, goes_on_in(&stage, big.id).await.expect("goes on")).await;
    assert_eq!((rest.state, rest.continues), (RunState::Successful, Some(big.id)));
    assert_eq!(big.counts.accepted + rest.counts.accepted, u64::from(BIG));
    assert_eq!(rest.counts.unchanged, big.counts.accepted);
    running.stop().await;
    assert_eq!(stage.arrived(), emails(&all));
    assert_eq!(stage.tagged("a").len(), BIG as usize);
    assert_eq!(items(&stage), BIG + 2 * SMALL, "nobody is sent twice");
}

/// A system refresh whose task is this run.
async fn refresh_with(stage: &Stage, run: RunId) -> JobId {
    let id = JobId(uuid::Uuid::now_v7());
    let new = NewJob { id, trigger: Trigger::Manual, started_by: None, slot_at: None };
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(refresh_jobs::queue(&mut tx, &new, stage.now()).await.expect("queued"));
    refresh_jobs::add_task(&mut tx, id, 0, (TaskKind::Export, stage.export.0, "Newsletter")).await.expect("added");
    refresh_jobs::begin_task(&mut tx, id, 0, Some(&run.to_string()), stage.now()).await.expect("begun");
    tx.commit().await.expect("committed");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_comes_after_the_small_ones_and_before_other_big_ones() {
    for db in databases().await {
        let (stage, _) = slow_stage(db).await;
        let (small, other) = (export_of(&stage, "c", 20).await, export_of(&stage, "d", 2_000).await);
        let big = stage.queue().await;
        let job = refresh_with(&stage, big).await;
        let running = stage.engine().start();
        until_sent(&stage, 5).await;

        let other = queue(&stage, other).await;
        let small = queue(&stage, small).await;

        ended(&stage, big).await;
        let rest = goes_on_in(&stage, big).await.expect("goes on");
        let (small, rest, other) = (ended(&stage, small).await, ended(&stage, rest).await, ended(&stage, other).await);
        assert!(small.finished_at <= rest.started_at && rest.finished_at <= other.started_at);
        assert_eq!((small.counts.accepted, rest.state), (20, RunState::Successful));
        assert_eq!((stage.tagged("a").len(), stage.tagged("c").len()), (4_002, 20));
        let mut tx = stage.db.read().await.expect("begun");
        let tasks = refresh_jobs::tasks(&mut tx, job).await.expect("read");
        drop(tx);
        let task = tasks.first().expect("a task");
        assert_eq!((task.state, task.work.as_deref()), (TaskState::Successful, Some(rest.id.to_string().as_str())));
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_left_are_not_offered_to_be_sent_again() {
    let (stage, _) = slow_stage(sqlite().await).await;
    let small = export_of(&stage, "c", 20).await;
    let big = stage.queue().await;
    let running = stage.engine().start();
    until_sent(&stage, 5).await;

    queue(&stage, small).await;

    let big = ended(&stage, big).await;
    let reasons = stage.data.troubled_counts(big.id).await.expect("read");
    assert_eq!(reasons, [(RowReason::GoesOn, big.counts.held)]);
    assert!(big.counts.add_up() && big.counts.held > 0);
    running.stop().await;
}

/// Whoever asks a run to stop does not mean that its rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_stops_the_rest_as_well() {
    let (stage, _) = slow_stage(sqlite().await).await;
    let small = export_of(&stage, "c", 20).await;
    let big = stage.queue().await;
    let running = stage.engine().start();
    until_sent(&stage, 5).await;
    let small = queue(&stage, small).await;
    ended(&stage, big).await;

    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, big, stage.now()).await.expect("asked"), "the run that goes on");
    tx.commit().await.expect("committed");
    running.engine().wake();

    let rest = ended(&stage, goes_on_in(&stage, big).await.expect("queued")).await;
    assert_eq!((rest.state, rest.reason), (RunState::Canceled, Some(RunReason::CanceledByPerson)));
    assert_eq!(ended(&stage, small).await.state, RunState::Successful);
    running.stop().await;
}

/// The rest of a run that somebody has approved needs no approval, and both count as one in the history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_approved_is_not_asked_for_again() {
    let (stage, all) = slow_stage(sqlite().await).await;
    stage.refresh(&all[..100]).await;
    stage.simulator.state().set_faults(Script::default());
    stage.run().await;
    stage.refresh(&all).await;
    let slow = Action::Delay { ms: 100, after: true };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
    let small = export_of(&stage, "c", 20).await;
    let held = stage.run().await;
    assert_eq!(held.reason, Some(RunReason::Approval));
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(approvals::approve(&mut tx, held.id, "ana@example.com", stage.now()).await.expect("approved"));
    tx.commit().await.expect("committed");
    let sent = stage.writes();
    let running = stage.engine().start();
    until_sent(&stage, sent + 5).await;

    queue(&stage, small).await;

    assert_eq!(ended(&stage, held.id).await.reason, Some(RunReason::GaveWay));
    let rest = ended(&stage, goes_on_in(&stage, held.id).await.expect("queued")).await;
    assert_eq!((rest.state, rest.alarm), (RunState::Successful, None));
    let mut tx = stage.db.read().await.expect("begun");
    let history = approvals::history(&mut tx, stage.export, PRACTICE_BRAND).await.expect("read");
    assert_eq!(history.iter().map(|past| past.joiners).collect::<Vec<_>>(), [Some(3_902), None]);
    running.stop().await;
}

/// Where the destination takes its time, a run does not stand still for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_room_while_the_destination_works_for_minutes() {
    let mut setting = Setting { factor: 200, keeps_limits: true, ..Setting::default() };
    setting.simulator.switches = Switches { batch_delay_ms: 900_000, ..Switches::default() };
    let mut stage = Stage::with(setting).await;
    stage.options.gives_way_from = 100;
    stage.refresh(&[people(0..20_000, "a"), people(20_000..20_010, "c")].concat()).await;
    let small = export_of(&stage, "c", 10).await;
    let big = stage.queue().await;
    let running = stage.engine().start();
    until_sent(&stage, 20).await;

    let small = queue(&stage, small).await;

    let (big, small) = (ended(&stage, big).await, ended(&stage, small).await);
    assert_eq!((big.state, big.counts.accepted), (RunState::Successful, 20_000));
    assert!(small.started_at >= big.finished_at);
    running.stop().await;
}

//! Slots: each runs once, is skipped, or was missed, and is recorded.

use domain::run::{RunReason, RunState, Trigger};
use domain::schedule::Schedule;

use super::stage::{Setting, Stage, people};
use crate::db::runs;
use crate::engine::schedule::tick;

const HOUR: i64 = 3600 * 1_000_000;

async fn daily(stage: &Stage, name: &str, hours_ago: i64) -> domain::id::ExportId {
    let schedule = Schedule::Daily { at: jiff::civil::time(10, 0, 0, 0), time_zone: "Europe/Madrid".to_owned() };
    let since = stage.now() - hours_ago * HOUR;
    stage.add_export_at(name, stage.connection, Vec::new(), schedule, since).await
}

async fn recorded(stage: &Stage, export: domain::id::ExportId) -> Vec<(RunState, Option<RunReason>)> {
    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 100 };
    let runs = runs::list(&mut tx, Some(export), page).await.expect("read");
    assert!(runs.items.iter().all(|run| run.trigger == Trigger::Schedule || run.slot_at.is_none()));
    let mut runs = runs.items;
    runs.sort_by_key(|run| run.slot_at);
    runs.into_iter().map(|run| (run.state, run.reason)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_runs_once_however_many_look() {
    // It is 10:00 in Madrid when the stage begins.
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let export = daily(&stage, "Daily", 1).await;
    let engines: Vec<_> = (0..4).map(|_| stage.engine()).collect();

    let looks = engines.iter().map(|engine| tick(&engine.deps));
    let next = futures::future::join_all(looks).await;

    assert!(next.into_iter().all(|next| next.is_ok_and(|at| at > stage.now())));
    assert_eq!(recorded(&stage, export).await, [(RunState::Queued, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rest_the_latest_slot_runs_and_the_earlier_ones_were_missed() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let export = daily(&stage, "Daily", 24 * 3 + 1).await;

    tick(&stage.engine().deps).await.expect("looked");

    let missed = (RunState::Skipped, Some(RunReason::Missed));
    assert_eq!(recorded(&stage, export).await, [missed, missed, missed, (RunState::Queued, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_is_skipped_while_the_run_before_is_active() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    stage.refresh(&people(0..10, "a")).await;
    let export = daily(&stage, "Daily", 1).await;
    stage.queue_of(export, stage.connection, omnisend_simulator::PRACTICE_BRAND).await;

    tick(&stage.engine().deps).await.expect("looked");
    tick(&stage.engine().deps).await.expect("looked");

    let skipped = (RunState::Skipped, Some(RunReason::StillActive));
    assert_eq!(recorded(&stage, export).await, [(RunState::Queued, None), skipped]);
}

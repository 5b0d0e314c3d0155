//! What goes wrong outside of Ferry and outside of the rows: the account, the address, the database, a crowd of runs.

use std::time::{Duration, Instant};

use domain::run::{RunReason, RunState};
use omnisend_simulator::{Action, RetryIn, Rule, Script};

use super::stage::{Setting, Stage, emails, people};
use crate::db::claims;
use crate::db::testing::{crowd_around, databases};

/// The account refuses in the middle of a run: it waits for a person, blames no row, asks rarely, and goes on.
async fn check_waits_for_person(status: u16, html: bool, reason: RunReason, most: usize) {
    let stage = Stage::new().await;
    let everybody = people(0..4_000, "a");
    stage.refresh(&everybody).await;
    let mut refused = Rule::always(Action::Status { status, retry_after: None, retry_in: RetryIn::Body, html });
    refused.from = Some(12);
    stage.simulator.state().set_faults(Script::one(refused));
    let run = stage.queue().await;
    let running = stage.engine().start();

    let waiting = stage.until(run, |run| run.state == RunState::Waiting && run.reason == Some(reason)).await;

    assert_eq!((waiting.counts.rejected, waiting.finished_at), (0, None), "{status}");
    let asked = || stage.simulator.state().requests(0, usize::MAX).iter().filter(|one| one.status == status).count();
    let before = asked();
    assert!(before <= most, "{before} requests were answered with {status}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(), before, "it does not hammer");
    stage.simulator.state().set_faults(Script::default());
    let mut tx = stage.db.begin().await.expect("begun");
    crate::db::runs::go_on_with(&mut tx, stage.connection, stage.now()).await.expect("woken");
    tx.commit().await.expect("committed");
    running.engine().wake();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 4_000));
    assert_eq!(stage.arrived(), emails(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r22_an_account_whose_plan_is_used_up_blames_no_row_and_can_go_on() {
    check_waits_for_person(402, false, RunReason::PlanExceeded, 24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_an_interface_that_was_retired_waits_for_a_person() {
    check_waits_for_person(410, false, RunReason::InterfaceRetired, 24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_something_else_at_the_address_is_asked_three_times_and_no_more() {
    check_waits_for_person(404, true, RunReason::NotTheDestination, 3 * 24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r24_a_database_that_another_program_locks_makes_the_run_slower_and_nothing_else() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    stage.simulator.state().set_faults(Script::one(Rule::on(
        "POST",
        "/batches",
        Action::Delay { ms: 10, after: true },
    )));
    let everybody = people(0..6_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.requests >= 10).await;

    for _ in 0..3 {
        stage.db.lock_from_outside(Duration::from_millis(700)).await;
    }
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((ended.state, ended.counts.accepted, ended.counts.retries), (RunState::Successful, 6_000, 0));
    assert_eq!(stage.arrived(), emails(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_one_dead_run_among_twenty_thousand_living_ones_is_found_as_soon_as_its_lease_has_passed() {
    const SECOND: i64 = 1_000_000;
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let dead = stage.queue().await;
        let now = stage.now();
        let claim = |owner: &'static str, at: i64| {
            let stage = &stage;
            async move {
                let mut tx = stage.db.begin().await.expect("begun");
                let claim = claims::claim(&mut tx, owner, at, at + 30 * SECOND).await.expect("asked");
                tx.commit().await.expect("committed");
                claim
            }
        };
        assert_eq!(claim("dies", now).await.expect("due").run, dead);
        let mut tx = stage.db.begin().await.expect("begun");
        crowd_around(&mut tx, dead, 20_000, now + 600 * SECOND).await;
        tx.commit().await.expect("committed");

        assert!(claim("rescues", now + 29 * SECOND).await.is_none(), "its lease has not passed");
        let mut tx = stage.db.read().await.expect("begun");
        let due = claims::next_due(&mut tx).await.expect("asked");
        drop(tx);
        assert_eq!(due, Some(now + 30 * SECOND), "the worker wakes for it");
        let begun = Instant::now();
        let found = claim("rescues", now + 31 * SECOND).await.expect("the dead one");
        let took = begun.elapsed();
        println!("found among 20,000 in {took:?} on {}", stage.db.kind());
        assert_eq!((found.run, found.recoveries), (dead, 1));
        // The lease is 30 s, the longest rest between two looks 2 s: this leaves 8 of the 40 s.
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert!(claim("rescues", now + 31 * SECOND).await.is_none(), "the living are left alone");
    }
}

/// All connections that the others share are in somebody's hands for longer than a lease lasts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r28_without_a_free_connection_no_run_loses_its_lease() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 4, ..Setting::default() }).await;
        let slow = Action::Delay { ms: 20, after: true };
        stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
        let everybody = people(0..4_000, "a");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        stage.until(run, |run| run.counts.requests >= 10).await;

        // Of Postgres ten connections, of SQLite the readers.
        let count = if stage.db.kind() == "SQLite" { 4 } else { 10 };
        let held = futures::future::join_all((0..count).map(|_| stage.db.read())).await;
        // Nine seconds are 36 by this clock.
        tokio::time::sleep(Duration::from_secs(9)).await;
        drop(held);
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 4_000));
        let mut tx = stage.db.read().await.expect("begun");
        let standing = claims::standing(&mut tx, run).await.expect("read").expect("the run");
        assert_eq!(standing.fence, 1, "the run was taken up once, on {}", stage.db.kind());
        assert_eq!(stage.arrived(), emails(&everybody));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r27_what_was_perhaps_taken_up_is_given_back_by_its_owner_and_by_nobody_else() {
    const SECOND: i64 = 1_000_000;
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let run = stage.queue().await;
        let now = stage.now();
        let mut tx = stage.db.begin().await.expect("begun");
        let first = claims::claim(&mut tx, "first", now, now + 30 * SECOND).await.expect("asked").expect("due");

        // Another process that has it with the same fence: then the first one's came to nothing.
        assert!(!claims::give_back(&mut tx, run, first.fence, "second").await.expect("asked"));
        assert!(!claims::give_back(&mut tx, run, first.fence + 1, "first").await.expect("asked"));
        assert!(claims::claim(&mut tx, "second", now, now + 30 * SECOND).await.expect("asked").is_none());
        assert!(claims::give_back(&mut tx, run, first.fence, "first").await.expect("asked"));
        let second = claims::claim(&mut tx, "second", now, now + 30 * SECOND).await.expect("asked").expect("at once");
        assert_eq!((second.run, second.fence, second.recoveries), (run, first.fence + 1, 0), "nothing broke off");
        assert!(!claims::give_back(&mut tx, run, first.fence, "first").await.expect("asked"), "too late");
        tx.commit().await.expect("committed");
    }
}

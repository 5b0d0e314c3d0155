//! What people and processes do to a run: cancel, revoke and replace a key, take the connection away, kill the process.

use std::time::Duration;

use domain::run::{RunReason, RunState};
use omnisend_simulator::{Action, BrandOptions, KeyOptions, PRACTICE_BRAND, PRACTICE_KEY, Rule, Script};

use super::stage::{Setting, Stage, emails, people};
use crate::db::testing::databases;
use crate::db::{accounts, connections, exports, runs};

/// Every batch takes this long to be answered, so that there is time to interfere.
fn slow(ms: u64) -> Script {
    Script::one(Rule::on("POST", "/batches", Action::Delay { ms, after: true }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_03_r01_a_run_that_is_killed_at_any_moment_goes_on_where_it_was() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        stage.simulator.state().set_faults(slow(20));
        let everybody = people(0..4_000, "ab");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;

        let mut kills = 0;
        for moment in [5, 40, 60, 80, 100, 150, 30, 250, 90, 400] {
            let running = stage.engine().start();
            tokio::time::sleep(Duration::from_millis(moment)).await;
            drop(running);
            kills += 1;
            if stage.find(run).await.finished_at.is_some() {
                break;
            }
        }
        let running = stage.engine().start();
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 4_000), "after {kills} kills");
        assert_eq!(stage.arrived(), emails(&everybody));
        assert_eq!(stage.tagged("b"), emails(&everybody));
        let batches = stage.simulator.state().requests(0, usize::MAX).iter().filter(|one| one.items > 1).count();
        assert!(batches <= 40 + 24 * kills, "{batches} batches after {kills} kills");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r04_a_process_that_ends_gives_its_run_back_and_repeats_nothing() {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(slow(30));
    let everybody = people(0..5_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;

    for _ in 0..3 {
        let running = stage.engine().start();
        tokio::time::sleep(Duration::from_millis(60)).await;
        running.stop().await;
    }
    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!((ended.state, ended.counts.retries), (RunState::Successful, 0));
    assert_eq!(stage.arrived(), emails(&everybody));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_17_r47_a_cancelled_run_sends_no_further_batch_and_keeps_what_arrived() {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(slow(30));
    let everybody = people(0..20_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.requests >= 30).await;

    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, run, stage.now()).await.expect("asked"));
    tx.commit().await.expect("committed");
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!((ended.state, ended.reason), (RunState::Canceled, Some(RunReason::CanceledByPerson)));
    assert!(ended.counts.add_up() && ended.counts.held > 0, "{:?}", ended.counts);
    let writes = stage.writes();
    assert!(writes < 200, "{writes}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(stage.writes(), writes, "nothing is sent after the end");
    stage.simulator.state().set_faults(Script::default());
    let again = stage.queue().await;
    let again = stage.until(again, |run| run.finished_at.is_some()).await;
    assert_eq!((again.state, again.counts.unchanged), (RunState::Successful, ended.counts.accepted));
    assert_eq!(stage.tagged("a"), emails(&everybody));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r21_r38_a_revoked_key_makes_the_run_wait_and_a_new_one_lets_it_go_on() {
    const NEW_KEY: &str = "5f0000000000000000000001-new";
    let mut setting = Setting::default();
    let keys = vec![KeyOptions::full(PRACTICE_KEY), KeyOptions::full(NEW_KEY)];
    setting.simulator.brands = vec![BrandOptions::new(PRACTICE_BRAND, "Shop", keys)];
    let stage = Stage::with(setting).await;
    let mut revoked = Rule::always(Action::RevokeKey { status: 401 });
    revoked.nth = vec![20];
    stage.simulator.state().set_faults(Script::one(revoked));
    let everybody = people(0..6_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();

    let waiting = stage.until(run, |run| run.state == RunState::Waiting).await;
    assert_eq!(waiting.reason, Some(RunReason::KeyRefused));
    let mut tx = stage.db.read().await.expect("begun");
    let connection = connections::find(&mut tx, stage.connection).await.expect("read").expect("there");
    drop(tx);
    assert_eq!(connection.needs_attention.as_deref(), Some("key_refused"));
    let refused = stage.simulator.state().requests(0, usize::MAX).iter().filter(|one| one.status == 401).count();
    assert!(refused <= 24, "{refused} requests with a revoked key");
    stage.replace_key(NEW_KEY, PRACTICE_BRAND).await;
    running.engine().wake();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 6_000));
    assert_eq!(stage.tagged("a"), emails(&everybody));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r38_a_key_that_is_replaced_while_the_old_one_is_being_refused_is_noticed_at_once() {
    const NEW_KEY: &str = "5f0000000000000000000001-new";
    let mut setting = Setting { factor: 1, ..Setting::default() };
    setting.simulator.brands = vec![BrandOptions::new(PRACTICE_BRAND, "Shop", vec![KeyOptions::full(NEW_KEY)])];
    let stage = Stage::with(setting).await;
    // Long enough to replace the key, and short enough that nobody looks at the connection meanwhile.
    stage.simulator.state().set_faults(Script::one(Rule::on(
        "POST",
        "/batches",
        Action::Delay { ms: 400, after: true },
    )));
    stage.refresh(&people(0..300, "a")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();

    stage.until(run, |run| run.counts.requests > 0).await;
    stage.replace_key(NEW_KEY, PRACTICE_BRAND).await;
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300));
    let mut tx = stage.db.read().await.expect("begun");
    let connection = connections::find(&mut tx, stage.connection).await.expect("read").expect("there");
    assert_eq!(connection.needs_attention, None);
    drop(tx);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r37_a_connection_that_is_taken_away_ends_the_run() {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(slow(30));
    stage.refresh(&people(0..20_000, "a")).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.requests >= 30).await;

    let mut tx = stage.db.begin().await.expect("begun");
    assert!(exports::detach(&mut tx, stage.export).await.expect("detached"));
    assert!(connections::remove(&mut tx, stage.connection).await.expect("removed"));
    tx.commit().await.expect("committed");
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    assert_eq!((ended.state, ended.reason), (RunState::Canceled, Some(RunReason::ConnectionRemoved)));
    assert!(ended.counts.add_up());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_a_run_stops_when_the_person_whose_rights_it_has_loses_them() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..10, "a")).await;
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(accounts::set_enabled(&mut tx, stage.user, false).await.expect("disabled"));
    tx.commit().await.expect("committed");

    let run = stage.run().await;

    assert_eq!((run.state, run.reason), (RunState::Failed, Some(RunReason::RightsLost)));
    assert_eq!(stage.simulator.state().summary().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_is_not_ready_is_skipped_and_says_why() {
    let stage = Stage::new().await;
    let run = stage.run().await;
    assert_eq!((run.state, run.reason), (RunState::Skipped, Some(RunReason::NoProfiles)));

    stage.refresh(&people(0..10, "a")).await;
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(exports::detach(&mut tx, stage.export).await.expect("detached"));
    tx.commit().await.expect("committed");
    let run = stage.run().await;
    assert_eq!((run.state, run.reason), (RunState::Skipped, Some(RunReason::NoConnection)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_behind_the_connection_gets_everybody_anew() {
    const OTHER: &str = "5f0000000000000000000002";
    const OTHER_KEY: &str = "5f0000000000000000000002-other";
    let mut setting = Setting::default();
    setting.simulator.brands =
        vec![BrandOptions::default(), BrandOptions::new(OTHER, "Other", vec![KeyOptions::full(OTHER_KEY)])];
    let stage = Stage::with(setting).await;
    stage.refresh(&people(0..150, "a")).await;
    stage.run().await;
    stage.replace_key(OTHER_KEY, OTHER).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.accepted, run.counts.unchanged), (RunState::Successful, 150, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_one_account_take_turns_and_two_clicks_make_one_run() {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(slow(10));
    let segments = {
        let mut tx = stage.db.read().await.expect("begun");
        let export = exports::find(&mut tx, stage.export).await.expect("read").expect("there");
        export.export.settings.segments
    };
    let off = domain::schedule::Schedule::Off;
    let other = stage.add_export("Other", stage.connection, segments, off).await;
    let everybody = people(0..3_000, "a");
    stage.refresh(&everybody).await;
    let first = stage.queue().await;
    assert_eq!(stage.queue().await, first);
    let second = stage.queue_of(other, stage.connection, PRACTICE_BRAND).await;
    let running = stage.engine().start();

    let ended = stage.until(second, |run| run.finished_at.is_some()).await;
    let earlier = stage.find(first).await;

    assert_eq!((ended.state, earlier.state), (RunState::Successful, RunState::Successful));
    assert!(ended.started_at >= earlier.finished_at, "one after the other");
    assert_eq!(stage.arrived(), emails(&everybody));
    running.stop().await;
}

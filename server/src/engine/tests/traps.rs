//! Traps that others fell into, one test each; those that another file has already carry their number there.

use domain::id::ConnectionId;
use domain::run::{RowReason, RunState};
use domain::schedule::Schedule;
use omnisend_simulator::{Action, BrandOptions, ItemErrors, KeyOptions, Rule, Script};

use super::stage::{Setting, Stage, emails, people, segment};
use crate::db::{exports, segments};

fn refusing(email: &str) -> Script {
    let errors = ItemErrors { email: email.to_owned(), ..ItemErrors::default() };
    Script::one(Rule::on("POST", "/batches", Action::ItemErrors(errors)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_04_rows_in_another_order_are_the_same_rows() {
    let stage = Stage::new().await;
    let mut everybody = people(0..700, "ab");
    stage.refresh(&everybody).await;
    stage.run().await;
    let writes = stage.writes();
    everybody.reverse();
    everybody.swap(3, 600);
    stage.refresh(&everybody).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.unchanged), (RunState::Successful, 700));
    assert_eq!(stage.writes(), writes, "nothing has changed, so nothing is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_09_an_old_run_keeps_its_own_rows_after_newer_runs() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..120, "a")).await;
    stage.simulator.state().set_faults(refusing("p00000*"));
    let first = stage.run().await;
    stage.simulator.state().set_faults(Script::default());
    stage.refresh(&people(0..130, "ab")).await;
    let second = stage.run().await;
    stage.refresh(&people(0..110, "a")).await;
    let third = stage.run().await;

    let counts = |run| stage.data.troubled_counts(run);
    assert_eq!(counts(first.id).await.expect("counts"), [(RowReason::Refused, 10)]);
    // Ten more were to arrive with the second, and those of the first came again; the refused changed.
    assert_eq!(counts(second.id).await.expect("counts"), []);
    assert_eq!((second.state, second.counts.accepted), (RunState::Successful, 20));
    assert!(counts(third.id).await.expect("counts").is_empty());
    assert_eq!(stage.find(first.id).await.counts, first.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_11_two_exports_over_two_connections_of_one_account_share_one_budget() {
    let stage = Stage::with(Setting { factor: 30, keeps_limits: true, ..Setting::default() }).await;
    stage.refresh(&people(0..9_000, "ab")).await;
    let second = domain::id::ConnectionId(uuid::Uuid::now_v7());
    stage.connect(second, "Second", omnisend_simulator::PRACTICE_KEY, omnisend_simulator::PRACTICE_BRAND).await;
    let chosen = [segment("c")].map(|mut one| {
        one.definition = segment("a").definition;
        one
    });
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(segments::insert(&mut tx, &chosen[0], stage.now()).await.expect("a segment"));
    tx.commit().await.expect("committed");
    let off = domain::schedule::Schedule::Off;
    let export = stage.add_export("Second", second, vec![chosen[0].id], off).await;
    let runs = [stage.queue().await, stage.queue_of(export, second, omnisend_simulator::PRACTICE_BRAND).await];
    let processes = [stage.engine().start(), stage.engine().start()];
    for run in runs {
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        assert_eq!(ended.state, RunState::Successful);
    }
    for process in processes {
        process.stop().await;
    }

    let requests = stage.simulator.state().requests(0, usize::MAX);
    assert!(requests.iter().all(|one| one.status != 429), "nothing is refused");
    let mut at: Vec<i64> = requests.iter().map(|one| one.at_micros).collect();
    at.sort_unstable();
    let most = at.iter().map(|start| at.iter().filter(|t| (*start..start + 60_000_000).contains(*t)).count()).max();
    assert!(most.is_some_and(|most| most <= 400), "{most:?}");
    assert!(requests.len() > 200, "{}", requests.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_12_a_crash_leaves_no_lock_and_no_counter_behind() {
    let stage = Stage::new().await;
    stage.simulator.state().set_faults(Script::one(Rule::on(
        "POST",
        "/batches",
        Action::Delay { ms: 30, after: true },
    )));
    let everybody = people(0..6_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.counts.requests >= 20).await;
    drop(running);
    let broken_off = std::time::Instant::now();

    let running = stage.engine().start();
    let requests = stage.find(run).await.counts.requests;
    stage.until(run, |run| run.counts.requests > requests).await;
    assert!(broken_off.elapsed() < std::time::Duration::from_secs(5), "{:?}", broken_off.elapsed());
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 6_000));
    assert_eq!(stage.arrived(), emails(&everybody));
    assert!(!stage.db.is_in_use(), "a transaction is open");
    assert!(stage.engine().step().await.is_ok_and(|worked| !worked), "nothing is left to do");
}

/// Accounts are independent: each of twelve begins at once, though every one of them takes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r36_a_big_run_of_one_account_keeps_no_other_account_waiting() {
    const ACCOUNTS: u32 = 12;
    let mut setting = Setting { factor: 1, ..Setting::default() };
    let account = |number: u32| format!("5f00000000000000000000{number:02}");
    let brand = |number: u32| {
        let key = format!("{}-practice", account(number));
        BrandOptions::new(&account(number), "Shop", vec![KeyOptions::full(&key)])
    };
    setting.simulator.brands = (1..=ACCOUNTS).map(brand).collect();
    let stage = Stage::with(setting).await;
    let slow = Action::Delay { ms: 200, after: true };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
    stage.refresh(&people(0..4_000, "a")).await;
    let mut tx = stage.db.read().await.expect("begun");
    let segments = exports::find(&mut tx, stage.export).await.expect("read").expect("there").export.settings.segments;
    drop(tx);
    let mut runs = Vec::new();
    for number in 1..=ACCOUNTS {
        let connection = ConnectionId(uuid::Uuid::now_v7());
        let (name, key) = (format!("Shop {number}"), format!("{}-practice", account(number)));
        stage.connect(connection, &name, &key, &account(number)).await;
        let export = stage.add_export(&name, connection, segments.clone(), Schedule::Off).await;
        runs.push(stage.queue_of(export, connection, &account(number)).await);
    }

    let running = stage.engine().start();

    for run in runs {
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        let begun = ended.started_at.expect("begun") - ended.queued_at;
        assert!(begun < 5_000_000, "it began after {begun} µs");
        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 4_000));
    }
    running.stop().await;
}

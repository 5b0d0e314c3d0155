//! What stands at the address of a destination: nobody, somebody else, or a connection that a person has to repair.

use std::collections::BTreeMap;

use domain::run::{Run, RunReason, RunState};
use omnisend_simulator::{Action, PRACTICE_BRAND, RetryIn, Rule, Script};

use super::stage::{Stage, emails, people};
use crate::db::{batches, connections};
use crate::destinations::strangers::Stranger;
use crate::destinations::{Addresses, Registry};
use crate::engine::Engine;

/// An engine that looks for the destination elsewhere.
fn engine_at(stage: &Stage, url: &str) -> Engine {
    let of_kind = BTreeMap::from([("omnisend".to_owned(), url.to_owned())]);
    let mut deps = (*stage.engine().deps).clone();
    deps.destinations = Registry::new(&Addresses { of_kind }).expect("an address");
    Engine::new(deps)
}

async fn attention(stage: &Stage) -> Option<String> {
    let mut tx = stage.db.read().await.expect("begun");
    connections::find(&mut tx, stage.connection).await.expect("read").expect("there").needs_attention
}

/// Requests of each open batch so far.
async fn attempts(stage: &Stage, run: &Run) -> Vec<u64> {
    let mut tx = stage.db.read().await.expect("begun");
    let open = batches::unsettled(&mut tx, run.id).await.expect("read");
    open.iter().map(|batch| batch.attempts).collect()
}

/// Three tries, then the run waits, names what to look at, asks once an hour, and goes on when it is repaired.
async fn check_waits_for_repair(url: &str, reason: RunReason) {
    let stage = Stage::new().await;
    let everybody = people(0..250, "a");
    stage.refresh(&everybody).await;
    let wrong = engine_at(&stage, url);

    let waiting = {
        let run = stage.queue().await;
        assert!(wrong.step().await.expect("worked"));
        stage.find(run).await
    };

    assert_eq!((waiting.state, waiting.reason, waiting.counts.rejected), (RunState::Waiting, Some(reason), 0));
    assert_eq!(attention(&stage).await.as_deref(), Some(reason.as_str()), "its page says so");
    let tries = attempts(&stage, &waiting).await;
    assert!((1..=3).contains(&tries.len()) && tries.iter().all(|tries| *tries <= 3), "{tries:?}");
    assert!(!wrong.step().await.expect("worked"), "nothing is asked within the hour");
    for hour in 1..=3 {
        stage.clock.skip(61);
        assert!(wrong.step().await.expect("worked"), "{hour}");
        let again = stage.find(waiting.id).await;
        assert_eq!((again.state, again.reason), (RunState::Waiting, Some(reason)));
        assert_eq!(again.counts.requests, waiting.counts.requests + hour, "one request an hour");
    }

    stage.clock.skip(61);
    assert!(stage.engine().step().await.expect("worked"));
    let ended = stage.find(waiting.id).await;
    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 250));
    assert_eq!((stage.arrived(), attention(&stage).await), (emails(&everybody), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_a_name_that_is_not_found_waits_for_repair() {
    check_waits_for_repair("https://nobody.invalid/api", RunReason::NameUnknown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_a_certificate_that_nobody_knows_waits_for_repair_and_no_contact_is_told() {
    let stranger = Stranger::self_signed();
    check_waits_for_repair(&stranger.url, RunReason::Untrusted).await;
    let told = stranger.told();
    assert!(told.len() >= 6 && told.iter().all(Vec::is_empty));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_a_server_without_tls_waits_for_repair_and_no_contact_is_told() {
    let stranger = Stranger::without_tls();
    check_waits_for_repair(&stranger.url, RunReason::Untrusted).await;
    let told = stranger.told();
    assert!(told.len() >= 6 && told.iter().all(|told| told.first() == Some(&0x16)));
}

/// What another address may repair is asked about when a process begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r23_a_process_that_begins_with_another_address_asks_there_at_once() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..10, "a")).await;
    let run = stage.queue().await;
    assert!(engine_at(&stage, &Stranger::without_tls().url).step().await.expect("worked"));
    let right = stage.engine();
    assert!(!right.step().await.expect("worked"));

    let mut tx = stage.db.begin().await.expect("begun");
    assert_eq!(crate::db::runs::go_on_at_the_address(&mut tx, stage.now()).await.expect("written"), 1);
    tx.commit().await.expect("committed");

    assert!(right.step().await.expect("worked"));
    assert_eq!(stage.find(run).await.state, RunState::Successful);
}

/// However many exports go over a connection, a key that is refused costs one request an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r21_ten_exports_over_a_refused_key_ask_once_an_hour_together() {
    const EXPORTS: usize = 10;
    const HOURS: usize = 6;
    let stage = Stage::new().await;
    let everybody = people(0..250, "a");
    stage.refresh(&everybody).await;
    let status = Action::Status { status: 401, retry_after: None, retry_in: RetryIn::Body, html: false };
    stage.simulator.state().set_faults(Script::one(Rule::always(status)));
    let segments = {
        let mut tx = stage.db.read().await.expect("begun");
        let found = crate::db::exports::find(&mut tx, stage.export).await.expect("read").expect("there");
        found.export.settings.segments
    };
    let mut runs = vec![stage.queue().await];
    for number in 1..EXPORTS {
        let off = domain::schedule::Schedule::Off;
        let export = stage.add_export(&format!("Letter {number}"), stage.connection, segments.clone(), off).await;
        runs.push(stage.queue_of(export, stage.connection, PRACTICE_BRAND).await);
    }
    let engine = stage.engine();
    let asked = || stage.simulator.state().requests(0, usize::MAX).len();

    while engine.step().await.expect("worked") {}
    let first = asked();
    // What was on its way when the first answer came.
    assert!(first <= stage.options.in_flight, "{first}");
    for run in &runs {
        let run = stage.find(*run).await;
        assert_eq!((run.state, run.reason), (RunState::Waiting, Some(RunReason::KeyRefused)));
    }
    for _ in 0..HOURS * 4 {
        stage.clock.skip(15);
        while engine.step().await.expect("worked") {}
    }
    assert!(asked() <= first + HOURS && asked() >= first + HOURS - 1, "{} after {first}", asked());

    // Another key lets all of them go on at once.
    stage.simulator.state().set_faults(Script::default());
    stage.replace_key(omnisend_simulator::PRACTICE_KEY, PRACTICE_BRAND).await;
    while engine.step().await.expect("worked") {}
    for run in runs {
        assert_eq!(stage.find(run).await.state, RunState::Successful);
    }
    assert_eq!(stage.arrived(), emails(&everybody));
}

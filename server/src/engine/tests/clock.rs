//! somebody sets the clock, by an hour or a day, while runs are queued, worked on, waiting or left behind.

use std::time::Duration;

use domain::run::{Run, RunReason, RunState};
use omnisend_simulator::{Action, HoldStatus, Rule, Script};

use super::stage::{Person, Setting, Stage, emails, people, too_fast};
use crate::clock::Clock as _;
use crate::db::{claims, runs};

/// In minutes.
const JUMPS: [i64; 4] = [-24 * 60, -60, 60, 24 * 60];

/// How often the run has been taken up.
async fn fence(stage: &Stage, run: &Run) -> i64 {
    let mut tx = stage.db.read().await.expect("begun");
    claims::standing(&mut tx, run.id).await.expect("read").expect("the run").fence
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_queued_run_begins_whatever_the_clock_says_by_then() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..150, "a")).await;
    for minutes in JUMPS {
        let run = stage.queue().await;
        stage.clock.set(minutes);
        let running = stage.engine().start();
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;
        assert_eq!((ended.state, fence(&stage, &ended).await), (RunState::Successful, 1), "{minutes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_run_that_is_worked_on_goes_on_from_its_checkpoint_when_the_clock_is_set() {
    for minutes in JUMPS {
        let stage = Stage::new().await;
        let slow = Rule::on("POST", "/batches", Action::Delay { ms: 20, after: true });
        stage.simulator.state().set_faults(Script::one(slow));
        let everybody = people(0..6_000, "a");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        stage.until(run, |run| run.counts.requests >= 10).await;
        stage.clock.set(minutes);
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 6_000), "{minutes}");
        assert_eq!(ended.counts.retries, 0, "{minutes}: what is on its way is waited for");
        assert!(fence(&stage, &ended).await <= 2, "{minutes}: given back once, and stolen by nobody");
        assert_eq!(stage.tagged("a"), emails(&everybody));
    }
}

/// Ahead and back again before anybody looks: what was put off meanwhile was put off to another day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_clock_that_strobes_leaves_nobody_waiting_for_another_day() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let everybody = people(0..3_000, "a");
    stage.refresh(&everybody).await;
    let too_fast = Rule { probability: Some(0.3), ..Rule::on("POST", "/batches", too_fast(1)) };
    stage.simulator.state().set_faults(Script::one(too_fast));
    let run = stage.queue().await;
    let running = stage.engine().start();
    for minutes in [24 * 60, 60].repeat(12) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stage.clock.set(minutes);
        tokio::time::sleep(Duration::from_millis(50)).await;
        stage.clock.set(-minutes);
    }

    let ended = stage.until(run, |run| run.finished_at.is_some()).await;

    running.stop().await;
    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 3_000));
    assert_eq!(stage.tagged("a"), emails(&everybody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_run_that_waits_goes_on_within_an_hour_of_the_clock_as_it_was_set() {
    for minutes in JUMPS {
        let stage = Stage::new().await;
        stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", too_fast(600))));
        let everybody = people(0..300, "a");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        let waiting = stage.until(run, |run| run.state == RunState::Waiting).await;
        assert_eq!(waiting.reason, Some(RunReason::RateLimit));
        stage.simulator.state().set_faults(Script::default());
        stage.clock.set(minutes);
        tokio::time::sleep(Duration::from_millis(500)).await;
        stage.clock.skip(61);
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300), "{minutes}");
        assert_eq!(stage.arrived(), emails(&everybody));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_what_is_being_worked_through_is_waited_for_though_the_clock_was_set_ahead() {
    for minutes in [60, 24 * 60] {
        let stage = Stage::new().await;
        let hold = Action::BatchHeld { status: HoldStatus::default(), for_ms: Some(30 * 60_000) };
        let mut slow = Rule::on("POST", "/batches", hold);
        slow.nth = vec![2];
        stage.simulator.state().set_faults(Script::one(slow));
        let everybody = people(0..300, "a");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        stage.until(run, |run| run.counts.accepted == 200).await;
        stage.clock.set(minutes);
        // Given back, taken up again, and waited for as before.
        stage.until(run, |run| run.counts.requests >= 8).await;
        let before = stage.find(run).await;
        assert_eq!((before.state, before.counts.unconfirmed), (RunState::Settling, 0), "{minutes}");
        running.stop().await;
        stage.clock.pass(31);
        let running = stage.engine().start();
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 300), "{minutes}");
        assert_eq!(stage.tagged("a"), emails(&everybody));
    }
}

/// The lease of a process that broke off reaches a day ahead once the clock has been set back by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_run_that_was_left_behind_is_taken_up_within_a_lease() {
    for minutes in JUMPS {
        let mut stage = Stage::new().await;
        // Of several replicas none knows that the others are gone.
        stage.options.data_dir = stage.folder().join("none");
        stage.refresh(&people(0..150, "a")).await;
        let run = stage.queue().await;
        let now = stage.now();
        let mut tx = stage.db.begin().await.expect("begun");
        let gone = claims::claim(&mut tx, "gone", now, now + 30_000_000).await.expect("asked");
        tx.commit().await.expect("committed");
        assert_eq!(gone.expect("due").run, run);
        stage.clock.set(minutes);
        let set_at = stage.clock.monotonic();
        let running = stage.engine().start();
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!((ended.state, fence(&stage, &ended).await), (RunState::Successful, 2), "{minutes}");
        let waited = stage.clock.monotonic() - set_at;
        assert!(waited < Duration::from_secs(10 * 60), "{minutes}: {waited:?}");
    }
}

/// What a run changes is the difference to the run before it, whatever the clock said when that was queued.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_the_ledger_of_the_run_before_is_the_newest_though_its_day_is_yet_to_come() {
    let stage = Stage::new().await;
    stage.without_brake().await;
    stage.clock.set(24 * 60);
    stage.refresh(&people(0..300, "a")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    stage.clock.set(-24 * 60);
    for everybody in [people(100..400, "ab"), people(200..500, "b"), people(200..500, "a")] {
        stage.refresh(&everybody).await;
        let ended = stage.run().await;
        assert_eq!((ended.state, ended.counts.members), (RunState::Successful, 300));
        let tagged = ["a", "b"].map(|letter| stage.tagged(letter));
        assert_eq!(tagged, ["a", "b"].map(|letter| emails_in(&everybody, letter)));
    }
    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 10 };
    let queued: Vec<i64> = runs::list(&mut tx, Some(stage.export), page)
        .await
        .expect("read")
        .items
        .iter()
        .map(|run| run.queued_at)
        .collect();
    assert!(queued[3] > queued[0] && queued.len() == 4, "the first is the last of the list: {queued:?}");
}

fn emails_in(people: &[Person], letter: &str) -> Vec<String> {
    let members: Vec<Person> = people.iter().filter(|one| one.2.contains(letter)).cloned().collect();
    emails(&members)
}

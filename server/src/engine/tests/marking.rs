//! Members that are marked by custom properties.

use domain::marking::Marking;
use domain::run::{Run, RunState};
use omnisend_simulator::{Action, Endpoint, Rule, Script};

use super::stage::{Stage, emails, people, too_fast};
use crate::db::{exports, runs};

async fn mark_by(stage: &Stage, marking: Marking) {
    let mut tx = stage.db.begin().await.expect("begun");
    let mut found = exports::find(&mut tx, stage.export).await.expect("read").expect("there").export;
    found.settings.marking = marking;
    assert!(exports::update(&mut tx, found.id, found.version, &found.settings, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

/// The addresses whose property is this.
fn with(stage: &Stage, property: &str, value: bool) -> Vec<String> {
    let arrived = stage.arrived().into_iter();
    let is = |email: &String| {
        let contact = stage.simulator.state().contact(email).expect("there");
        contact["customProperties"][property] == serde_json::Value::Bool(value)
    };
    arrived.filter(is).collect()
}

fn calls(stage: &Stage, endpoint: Endpoint) -> usize {
    stage.simulator.state().requests(0, usize::MAX).iter().filter(|one| one.endpoint == endpoint).count()
}

#[track_caller]
fn assert_counts(run: &Run, accepted: u64, added: u64, removed: u64) {
    assert_eq!(run.state, RunState::Successful, "{run:?}");
    assert!(run.counts.add_up());
    assert_eq!((run.counts.accepted, run.counts.tags_added, run.counts.tags_removed), (accepted, added, removed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn properties_go_with_the_contacts_and_need_no_tag() {
    let stage = Stage::new().await;
    mark_by(&stage, Marking::Properties).await;
    let mut everybody = people(0..250, "ab");
    everybody.extend(people(250..300, "b"));
    stage.refresh(&everybody).await;

    let first = stage.run().await;

    assert_counts(&first, 300, 550, 0);
    assert_eq!(stage.writes(), 3, "three batches and nothing else");
    assert_eq!((with(&stage, "ferry_a", true).len(), with(&stage, "ferry_a", false).len()), (250, 50));
    assert_eq!(with(&stage, "ferry_b", true), emails(&everybody));

    // Some change their segments, and nothing happens twice.
    everybody.iter_mut().take(30).for_each(|one| one.2 = "b");
    stage.refresh(&everybody).await;
    assert_counts(&stage.run().await, 30, 0, 30);
    assert_eq!((stage.writes(), with(&stage, "ferry_a", true).len()), (4, 220));
    assert_counts(&stage.run().await, 0, 0, 0);
    assert_eq!((stage.writes(), calls(&stage, Endpoint::ContactPatchByEmail)), (4, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_loses_the_property_and_who_was_deleted_there_is_not_made_again() {
    let stage = Stage::new().await;
    mark_by(&stage, Marking::Properties).await;
    let everybody = people(0..200, "ab");
    stage.refresh(&everybody).await;
    stage.run().await;
    let gone: Vec<String> = emails(&people(0..3, ""));
    assert_eq!(stage.simulator.state().delete_contacts(&gone), 3);
    let rest = people(10..200, "ab");
    stage.refresh(&rest).await;

    let run = stage.run().await;

    assert_counts(&run, 0, 0, 20);
    assert_eq!(calls(&stage, Endpoint::ContactPatchByEmail), 20, "one for each person and property");
    assert_eq!((stage.arrived().len(), stage.writes()), (197, 2), "nobody is made again");
    for property in ["ferry_a", "ferry_b"] {
        assert_eq!(with(&stage, property, false), emails(&people(3..10, "")));
        assert_eq!(with(&stage, property, true), emails(&rest));
    }
    assert_counts(&stage.run().await, 0, 0, 0);
    assert_eq!(calls(&stage, Endpoint::ContactPatchByEmail), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_marking_moves_everybody_over_with_the_next_run() {
    let stage = Stage::new().await;
    let everybody = people(0..150, "a");
    stage.refresh(&everybody).await;
    stage.run().await;
    assert_eq!(stage.tagged("a"), emails(&everybody));

    mark_by(&stage, Marking::Properties).await;
    assert_counts(&stage.run().await, 150, 150, 150);
    assert!(stage.tagged("a").is_empty());
    assert_eq!(with(&stage, "ferry_a", true), emails(&everybody));

    mark_by(&stage, Marking::Tags).await;
    assert_counts(&stage.run().await, 150, 150, 150);
    assert_eq!(stage.tagged("a"), emails(&everybody));
    assert_eq!(with(&stage, "ferry_a", false), emails(&everybody));
    assert_eq!(calls(&stage, Endpoint::ContactPatchByEmail), 0, "members take it with them");
    assert_counts(&stage.run().await, 0, 0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leavers_are_counted_once_however_often_the_process_is_killed() {
    let stage = Stage::new().await;
    mark_by(&stage, Marking::Properties).await;
    stage.refresh(&people(0..400, "a")).await;
    stage.run().await;
    stage.refresh(&people(60..400, "a")).await;
    let slow = omnisend_simulator::Action::Delay { ms: 15, after: true };
    let slow = omnisend_simulator::Rule::on("PATCH", "/contacts", slow);
    stage.simulator.state().set_faults(Script::one(slow));
    let run = stage.queue().await;
    for _ in 0..2 {
        let running = stage.engine().start();
        let before = calls(&stage, Endpoint::ContactPatchByEmail);
        for _ in 0..2_000 {
            if calls(&stage, Endpoint::ContactPatchByEmail) > before + 5 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        drop(running);
    }
    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_counts(&ended, 0, 0, 60);
    assert_eq!(with(&stage, "ferry_a", false), emails(&people(0..60, "")));
}

/// A batch that stops half way may be worked through a second time. Who was in its other half counts as marked, perhaps, so
/// that they lose the property when they leave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_back_untaken_from_a_run_that_was_cancelled_may_be_marked() {
    let stage = Stage::new().await;
    mark_by(&stage, Marking::Properties).await;
    stage.without_brake().await;
    stage.refresh(&people(0..100, "a")).await;
    let (mut stops, mut refuses) = (
        Rule::on("POST", "/batches", Action::BatchStopped { after: 0.5 }),
        Rule::on("POST", "/batches", too_fast(600)),
    );
    (stops.nth, refuses.from) = (vec![1], Some(2));
    stage.simulator.state().set_faults(Script { rules: vec![stops, refuses] });
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Waiting).await;
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, run, stage.now()).await.expect("asked"));
    tx.commit().await.expect("committed");
    running.engine().wake();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_eq!((ended.counts.accepted, ended.counts.held), (50, 50));

    stage.simulator.state().set_faults(Script::default());
    stage.refresh(&people(100..200, "a")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    assert_eq!(calls(&stage, Endpoint::ContactPatchByEmail), 100);
}

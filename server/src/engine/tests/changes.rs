//! What changes under a run: the export's settings, the file that its profiles came from.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::mapping::{Field, Match};
use domain::run::RunState;
use omnisend_simulator::{Action, Filter, Rule, Script};

use super::stage::{Person, Stage, emails, people};
use crate::db::exports;

impl Stage {
    /// The first names that the simulator holds.
    fn names(&self) -> BTreeSet<String> {
        let (contacts, _) = self.simulator.state().contacts(&Filter::default(), 0, usize::MAX);
        contacts.iter().map(|one| one["firstName"].to_string()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r41_an_export_that_is_edited_in_the_middle_of_a_run_changes_the_next_one() {
    let stage = Stage::new().await;
    let slow = Action::Delay { ms: 5, after: true };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
    let mut is_named = true;
    for moment in 0..50_u64 {
        let everybody: Vec<Person> =
            people(0..300, "ab").into_iter().map(|(email, ..)| (email, format!("Zoë {moment}"), "ab")).collect();
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        tokio::time::sleep(Duration::from_micros(moment * 700)).await;

        // The match of the first name goes or comes back.
        let mut tx = stage.db.begin().await.expect("begun");
        let export = exports::find(&mut tx, stage.export).await.expect("read").expect("the export").export;
        let mut settings = export.settings;
        if is_named {
            settings.mapping.matches.truncate(1);
        } else {
            let field = Field::Target("first_name".to_owned());
            settings.mapping.matches.push(Match { field, attribute: "first_name".to_owned() });
        }
        is_named = !is_named;
        assert!(exports::update(&mut tx, stage.export, export.version, &settings, stage.now()).await.expect("saved"));
        tx.commit().await.expect("committed");
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!(ended.state, RunState::Successful, "moment {moment}: {:?}", ended.reason);
        let names = stage.names();
        assert_eq!(names.len(), 1, "moment {moment}: two settings in one run: {names:?}");
    }
    assert_eq!(stage.arrived().len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r42_a_file_that_is_replaced_cut_or_removed_does_not_mix_into_a_run() {
    let stage = Stage::new().await;
    let slow = Action::Delay { ms: 3, after: true };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", slow)));
    let everybody = people(0..2_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let running = stage.engine().start();
    let file = stage.folder().join("customers.csv");

    stage.until(run, |run| run.counts.requests >= 3).await;
    let whole = std::fs::read(&file).expect("the file");
    for offset in (1..=100).map(|part| whole.len() * part / 101) {
        std::fs::write(&file, &whole[..offset]).expect("cut");
    }
    std::fs::remove_file(&file).expect("removed");
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;

    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 2_000));
    assert_eq!(stage.arrived(), emails(&everybody));
}

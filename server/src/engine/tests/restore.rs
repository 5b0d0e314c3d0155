//! Files that are lost, and backups that are older than what the destination holds: later runs bring it right.

use std::path::Path;

use domain::run::{RunReason, RunState};

use omnisend_simulator::{Action, RetryIn, Rule, Script};

use super::stage::{Stage, emails, people};
use crate::db::runs;

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r52_a_backup_that_is_restored_converges_with_a_destination_that_is_ahead() {
    let mut stage = Stage::new().await;
    stage.without_brake().await;
    stage.refresh(&people(0..600, "ab")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    let (backup, files) = (stage.db.copy().await, tempfile::tempdir().expect("a folder"));
    copy_folder(stage.folder(), files.path());
    // The destination goes ahead: some leave, some come, some lose a segment.
    let ahead = people(300..900, "a");
    stage.refresh(&ahead).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    assert_eq!(stage.tagged("b"), Vec::<String>::new());

    for folder in ["ledgers", "runs", "snapshots"] {
        std::fs::remove_dir_all(stage.folder().join(folder)).expect("removed");
        copy_folder(&files.path().join(folder), &stage.folder().join(folder));
    }
    stage.db = backup;
    let mut now = people(300..800, "a");
    now.extend(people(900..1_000, "ab"));
    stage.refresh(&now).await;
    let ended = stage.run().await;

    assert_eq!(ended.state, RunState::Successful);
    assert!(ended.counts.add_up(), "{:?}", ended.counts);
    assert_eq!(stage.tagged("b"), emails(&people(900..1_000, "ab")));
    // Who came after the backup and left before the restore is known to nobody: those keep a tag until they come again.
    let unknown = emails(&people(800..900, "a"));
    let tagged: Vec<String> = stage.tagged("a").into_iter().filter(|email| !unknown.contains(email)).collect();
    assert_eq!(tagged, emails(&now));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_data_directory_costs_a_run_of_everybody_and_no_run() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "a")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    for folder in ["ledgers", "runs", "snapshots"] {
        std::fs::remove_dir_all(stage.folder().join(folder)).expect("removed");
        std::fs::create_dir(stage.folder().join(folder)).expect("made");
    }
    stage.refresh(&people(0..300, "a")).await;

    let again = stage.run().await;

    assert_eq!((again.state, again.counts.accepted, again.lost_ledger), (RunState::Successful, 300, true));
    let third = stage.run().await;
    assert_eq!((third.state, third.counts.unchanged, third.lost_ledger), (RunState::Successful, 300, false));
    assert_eq!(stage.tagged("a"), emails(&people(0..300, "a")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_is_not_there_yet_costs_one_run_and_nothing_that_is_known() {
    const FOLDERS: [&str; 3] = ["ledgers", "runs", "snapshots"];
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "a")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);
    let away = tempfile::tempdir().expect("a folder");
    for folder in FOLDERS {
        copy_folder(&stage.folder().join(folder), &away.path().join(folder));
        std::fs::remove_dir_all(stage.folder().join(folder)).expect("removed");
        std::fs::create_dir(stage.folder().join(folder)).expect("made");
    }
    let failed = stage.run().await;
    assert_eq!((failed.state, failed.reason), (RunState::Failed, Some(RunReason::NoProfiles)));

    for folder in FOLDERS {
        copy_folder(&away.path().join(folder), &stage.folder().join(folder));
    }
    let again = stage.run().await;

    assert_eq!((again.state, again.counts.unchanged, again.counts.accepted), (RunState::Successful, 300, 0));
}

/// Leaves half of every file in the folder.
fn damage(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            damage(&path);
        } else {
            let file = std::fs::File::options().write(true).open(&path).expect("opened");
            file.set_len(file.metadata().expect("known").len() / 2).expect("cut");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_plan_is_damaged_can_be_cancelled_and_the_next_one_arrives() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "a")).await;
    let busy = Action::Status { status: 503, retry_after: None, retry_in: RetryIn::Body, html: false };
    stage.simulator.state().set_faults(Script::one(Rule::on("POST", "/batches", busy)));
    let run = stage.queue().await;
    let running = stage.engine().start();
    stage.until(run, |run| run.state == RunState::Sending || run.state == RunState::Waiting).await;
    running.stop().await;
    damage(&stage.folder().join("runs"));
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, run, stage.now()).await.expect("asked"));
    tx.commit().await.expect("committed");

    let running = stage.engine().start();
    let ended = stage.until(run, |run| run.finished_at.is_some()).await;
    running.stop().await;
    assert_eq!((ended.state, ended.reason), (RunState::Canceled, Some(RunReason::CanceledByPerson)));

    stage.simulator.state().set_faults(Script::default());
    let next = stage.run().await;
    assert_eq!((next.state, next.counts.accepted), (RunState::Successful, 300));
}

//! Files that are lost, and backups that are older than what the destination holds: later runs bring it right.

use std::path::Path;

use domain::brake::Brake;
use domain::run::RunState;
use domain::safety::Safety;

use super::stage::{Stage, emails, people};
use crate::db::exports;

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

/// Many join and leave in these tests.
async fn without_brake(stage: &Stage) {
    let mut tx = stage.db.begin().await.expect("begun");
    let stored = exports::find(&mut tx, stage.export).await.expect("read").expect("the export");
    let (mut settings, version) = (stored.export.settings, stored.export.version);
    settings.safety = Safety { brake: Brake { is_on: false, ..Brake::default() }, ..Safety::default() };
    assert!(exports::update(&mut tx, stage.export, version, &settings, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r52_a_backup_that_is_restored_converges_with_a_destination_that_is_ahead() {
    let mut stage = Stage::new().await;
    without_brake(&stage).await;
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

    assert_eq!((again.state, again.counts.accepted), (RunState::Successful, 300));
    let third = stage.run().await;
    assert_eq!((third.state, third.counts.unchanged), (RunState::Successful, 300));
    assert_eq!(stage.tagged("a"), emails(&people(0..300, "a")));
}

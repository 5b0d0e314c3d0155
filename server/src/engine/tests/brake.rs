//! The surprise brake at work: what is unlike the runs before waits for a person, and sends nothing meanwhile.

use domain::brake::{Brake, Surprise};
use domain::run::{Run, RunReason, RunState};
use domain::safety::Safety;
use domain::schedule::Schedule;

use super::stage::{Setting, Stage, emails, people};
use crate::db::testing::{databases, make_due};
use crate::db::{approvals, exports, runs};
use crate::engine::schedule::tick;

async fn approve(stage: &Stage, run: &Run) -> bool {
    let mut tx = stage.db.begin().await.expect("begun");
    let done = approvals::approve(&mut tx, run.id, "ana@example.com", stage.now()).await.expect("approved");
    tx.commit().await.expect("committed");
    done
}

async fn set_safety(stage: &Stage, safety: Safety) {
    let mut tx = stage.db.begin().await.expect("begun");
    let stored = exports::find(&mut tx, stage.export).await.expect("read").expect("the export");
    let mut settings = stored.export.settings;
    settings.safety = safety;
    let version = stored.export.version;
    assert!(exports::update(&mut tx, stage.export, version, &settings, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_07_with_41_percent_fewer_members_nobody_is_removed_without_a_person() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        stage.refresh(&people(0..1_000, "a")).await;
        stage.run().await;
        stage.run().await;
        let writes = stage.writes();
        stage.refresh(&people(0..590, "a")).await;
        stage.clock.skip(3 * 24 * 60 + 5);

        let held = stage.run().await;

        assert_eq!((held.state, held.reason), (RunState::Waiting, Some(RunReason::Approval)));
        let alarm = held.alarm.clone().expect("says why");
        assert_eq!(alarm.surprises, [Surprise::FewerMembers { percent: 41, members: 590, usual: 1_000 }]);
        assert_eq!((alarm.runs, alarm.age_days), (2, 3));
        // Neither time nor a repaired connection nor another process lets it go on.
        stage.clock.skip(30 * 24 * 60);
        let mut tx = stage.db.begin().await.expect("begun");
        runs::go_on_with(&mut tx, stage.connection, stage.now()).await.expect("looked");
        tx.commit().await.expect("committed");
        assert!(!stage.engine().step().await.expect("looked"), "it is not due");
        assert_eq!(stage.writes(), writes);
        assert_eq!(stage.tagged("a").len(), 1_000);

        assert!(approve(&stage, &held).await);
        assert!(!approve(&stage, &held).await, "once");
        assert!(stage.engine().step().await.expect("worked"));

        let ended = stage.find(held.id).await;
        assert_eq!((ended.state, ended.counts.tags_removed), (RunState::Successful, 410));
        assert_eq!(ended.approved_by.as_deref(), Some("ana@example.com"));
        assert_eq!(stage.tagged("a"), emails(&people(0..590, "a")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_segment_is_held_and_a_rejected_run_changes_nothing() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..30, "a")).await;
    stage.run().await;
    let writes = stage.writes();
    stage.refresh(&people(0..30, "")).await;

    let held = stage.run().await;
    assert_eq!(held.alarm.clone().expect("says why").surprises, [Surprise::NoMembers { usual: 30 }]);
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(runs::request_cancel(&mut tx, held.id, stage.now()).await.expect("rejected"));
    tx.commit().await.expect("committed");
    assert!(!approve(&stage, &held).await, "it is too late to approve it");
    assert!(stage.engine().step().await.expect("worked"));

    let ended = stage.find(held.id).await;
    assert_eq!((ended.state, ended.reason), (RunState::Canceled, Some(RunReason::CanceledByPerson)));
    assert!(ended.counts.add_up());
    assert_eq!((stage.writes(), stage.tagged("a").len()), (writes, 30));
    // The mended source goes through, as if nothing had been.
    stage.refresh(&people(0..31, "a")).await;
    let mended = stage.run().await;
    assert_eq!((mended.state, mended.counts.accepted), (RunState::Successful, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_run_that_is_taken_up_after_a_break_off_is_still_held() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..100, "a")).await;
    stage.run().await;
    let writes = stage.writes();
    stage.refresh(&people(0..20, "a")).await;
    let held = stage.run().await;
    // As a process leaves it that ends between the plan and the letting go.
    let mut tx = stage.db.begin().await.expect("begun");
    make_due(&mut tx, held.id).await;
    tx.commit().await.expect("committed");

    assert!(stage.engine().step().await.expect("looked"));

    let still = stage.find(held.id).await;
    assert_eq!((still.state, still.reason), (RunState::Waiting, Some(RunReason::Approval)));
    assert_eq!(stage.writes(), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_slot_is_skipped_while_a_run_is_held() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    stage.refresh(&people(0..100, "a")).await;
    stage.run().await;
    stage.refresh(&people(0..20, "a")).await;
    let held = stage.run().await;
    assert_eq!(held.state, RunState::Waiting);
    let mut tx = stage.db.begin().await.expect("begun");
    let stored = exports::find(&mut tx, stage.export).await.expect("read").expect("the export");
    let mut settings = stored.export.settings;
    settings.schedule = Schedule::daily(jiff::civil::time(10, 0, 0, 0), "Europe/Madrid".to_owned());
    let before = stage.now() - 3_600_000_000;
    assert!(exports::update(&mut tx, stage.export, 1, &settings, before).await.expect("saved"));
    tx.commit().await.expect("committed");

    tick(&stage.engine().deps).await.expect("looked");

    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 100 };
    let all = runs::list(&mut tx, Some(stage.export), page).await.expect("read");
    let slot = all.items.iter().find(|run| run.slot_at.is_some()).expect("the slot is recorded");
    assert_eq!((slot.state, slot.reason), (RunState::Skipped, Some(RunReason::StillActive)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thresholds_are_the_exports_own() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..100, "a")).await;
    stage.run().await;
    let never = Brake { is_on: false, ..Brake::default() };
    set_safety(&stage, Safety { brake: never, ..Safety::default() }).await;
    stage.refresh(&people(0..40, "a")).await;
    assert_eq!(stage.run().await.state, RunState::Successful);

    let strict = Brake { join_percent: 50, ..Brake::default() };
    set_safety(&stage, Safety { brake: strict, ..Safety::default() }).await;
    // The usual is the middle of 100 and 40.
    stage.refresh(&people(0..95, "a")).await;
    let held = stage.run().await;
    assert_eq!(held.alarm.expect("says why").surprises, [Surprise::ManyJoin { joiners: 55, percent: 55 }]);
}

//! Until when somebody waits for a run.

use std::time::Duration;

use domain::run::Counts;

use super::*;
use crate::db::endings::{self, Ended};
use crate::db::runs::NewRun;
use crate::db::{giving_way, waits};
use crate::services::exports::wait_for_run;

/// A run that waits for a minute, for this reason.
async fn waiting(stage: &Stage, reason: RunReason) -> RunId {
    let (segment, shared, _) = furnish(stage).await;
    let export = stage.export("News", Some(shared), segment).await;
    let run = stage.exports.start_run(&stage.contributor, export).await.expect("queued");
    let now = stage.clock.now_micros();
    let mut tx = stage.db.begin().await.expect("begun");
    let claim = claims::claim(&mut tx, "worker", now, now + 30_000_000).await.expect("read").expect("due");
    let until = now + 60_000_000;
    assert!(claims::wait(&mut tx, run, claim.fence, reason, "", until, 0).await.expect("written"));
    tx.commit().await.expect("committed");
    run
}

/// Does whoever waits for the run get it as it is, and so does not wait for its end?
async fn is_given(stage: &Stage, run: RunId) -> bool {
    let answer = wait_for_run(&stage.db, &*stage.clock, run, |_| {});
    tokio::time::timeout(Duration::from_millis(300), answer).await.is_ok_and(|run| run.is_ok())
}

#[tokio::test]
async fn nobody_waits_for_a_run_that_waits_for_a_person() {
    for reason in [RunReason::Approval, RunReason::KeyRefused, RunReason::PlanExceeded, RunReason::NotTheDestination] {
        for stage in stages().await {
            let run = waiting(&stage, reason).await;
            assert!(is_given(&stage, run).await, "{reason:?}");
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_a_run_behind_one_that_waits_for_repair() {
    for (reason, is_over) in [(RunReason::NameUnknown, true), (RunReason::RateLimit, false)] {
        for stage in stages().await {
            let first = waiting(&stage, reason).await;
            let export =
                stage.exports.duplicate(&stage.contributor, exported_by(&stage, first).await).await.expect("found");
            let settings = ExportSettings { name: "Second".to_owned(), ..export.settings };
            let second = stage.exports.add(&stage.contributor, settings).await.expect("added");
            let second = stage.exports.start_run(&stage.contributor, second).await.expect("queued");

            let answer = wait_for_run(&stage.db, &*stage.clock, second, |_| {});
            let answer = tokio::time::timeout(Duration::from_millis(300), answer).await.ok();

            let behind = answer.map(|waited| waited.expect("read").behind.map(|ahead| ahead.id));
            assert_eq!(behind, is_over.then_some(Some(first)), "{reason:?}");
        }
    }
}

/// Whoever waits for a run that makes room for others waits for the one that goes on with it.
#[tokio::test]
async fn who_waits_for_a_run_waits_for_its_rest() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let export = stage.export("News", Some(shared), segment).await;
        let run = stage.exports.start_run(&stage.contributor, export).await.expect("queued");
        let now = stage.clock.now_micros();
        let mut tx = stage.db.begin().await.expect("begun");
        let claim = claims::claim(&mut tx, "worker", now, now + 30_000_000).await.expect("read").expect("due");
        let (state, reason, detail) = (RunState::Canceled, Some(RunReason::GaveWay), String::new());
        let end = Ended { state, reason, detail, counts: Counts::default(), has_ledger: false };
        assert!(endings::finish(&mut tx, run, claim.fence, &end, now).await.expect("ended"));
        let (id, connection) = (RunId(uuid::Uuid::now_v7()), waits::account(&mut tx, run).await.expect("read"));
        let rest = NewRun {
            id,
            export,
            export_name: "News".to_owned(),
            settings_version: 1,
            connection,
            trigger: Trigger::Manual,
            started_by: None,
            slot_at: None,
            resend_of: None,
            recheck_of: None,
            continues: Some(run),
        };
        giving_way::queue_rest(&mut tx, &rest, run, &[], now).await.expect("queued");
        tx.commit().await.expect("committed");
        assert!(!is_given(&stage, run).await, "the rest is still to come");

        let mut tx = stage.db.begin().await.expect("begun");
        let claim = claims::claim(&mut tx, "worker", now, now + 30_000_000).await.expect("read").expect("due");
        let end = Ended { state: RunState::Failed, reason: Some(RunReason::Storage), ..end };
        assert!(endings::finish(&mut tx, id, claim.fence, &end, now).await.expect("ended"));
        tx.commit().await.expect("committed");

        let waited = wait_for_run(&stage.db, &*stage.clock, run, |_| {}).await.expect("read");
        assert_eq!((waited.run.id, waited.run.state), (id, RunState::Failed));
        let view = stage.exports.run(&stage.contributor, run).await.expect("found");
        assert_eq!((view.continued_by, view.may_resend), (Some(id), false));
    }
}

async fn exported_by(stage: &Stage, run: RunId) -> ExportId {
    stage.exports.run(&stage.contributor, run).await.expect("found").run.export
}

#[tokio::test]
async fn a_run_that_goes_on_by_itself_is_waited_for() {
    for stage in stages().await {
        let run = waiting(&stage, RunReason::RateLimit).await;
        assert!(!is_given(&stage, run).await);
    }
    for stage in stages().await {
        let run = waiting(&stage, RunReason::KeyRefused).await;
        stage.clock.advance(Duration::from_secs(60));
        assert!(!is_given(&stage, run).await, "it is about to ask again");
    }
}

#[tokio::test]
async fn what_a_run_no_longer_waits_for_cannot_be_answered() {
    for stage in stages().await {
        let run = waiting(&stage, RunReason::Approval).await;
        let (service, actor) = (&stage.exports, &stage.contributor);
        assert_eq!(service.approve_run(actor, run).await, Ok(()));
        // Another page still shows the questions.
        assert_eq!(service.approve_run(actor, run).await, Err(AppError::Outdated));
        assert_eq!(service.resend(actor, run, None).await, Err(AppError::Outdated));
        assert_eq!(service.recheck(actor, run).await, Err(AppError::Outdated));
    }
}

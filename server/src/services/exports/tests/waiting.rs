//! Until when somebody waits for a run.

use std::time::Duration;

use super::*;
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

//! Taking runs up: nobody gets one that somebody else has, and who was too slow changes nothing any more.

use std::collections::HashSet;

use domain::run::{RunReason, RunState};
use domain::schedule::Schedule;
use omnisend_simulator::PRACTICE_BRAND;

use super::stage::{Setting, Stage, people, times};
use crate::db::checkpoints::{self, Checkpoint};
use crate::db::claims::{self, Claim};
use crate::db::testing::databases;
use crate::db::waits;

const SECOND: i64 = 1_000_000;

async fn claim(stage: &Stage, owner: &str, now: i64) -> Option<Claim> {
    let mut tx = stage.db.begin().await.expect("begun");
    let claim = claims::claim(&mut tx, owner, now, now + 30 * SECOND).await.expect("asked");
    tx.commit().await.expect("committed");
    claim
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r35_many_workers_at_once_take_up_each_run_once() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let jobs = times(30, 10_000);
        for number in 0..jobs {
            let export =
                stage.add_export(&format!("Export {number}"), stage.connection, Vec::new(), Schedule::Off).await;
            stage.queue_of(export, stage.connection, &format!("brand {number}")).await;
        }
        let now = stage.now();

        let workers = (0..8).map(|worker| {
            let stage = &stage;
            async move {
                let mut got = Vec::new();
                while let Some(claim) = claim(stage, &format!("worker {worker}"), now).await {
                    got.push(claim.run);
                }
                got
            }
        });
        let got: Vec<_> = futures::future::join_all(workers).await.into_iter().flatten().collect();

        assert_eq!(got.len(), jobs);
        assert_eq!(got.into_iter().collect::<HashSet<_>>().len(), jobs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r35_a_hundred_clicks_at_once_make_one_run() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let clicks = futures::future::join_all((0..100).map(|_| stage.queue())).await;
        assert_eq!(clicks.into_iter().collect::<HashSet<_>>().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r05_who_lost_the_run_writes_nothing() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let run = stage.queue().await;
        let now = stage.now();
        let first = claim(&stage, "first", now).await.expect("due");
        assert!(claim(&stage, "second", now + 29 * SECOND).await.is_none(), "the lease holds");
        let second = claim(&stage, "second", now + 31 * SECOND).await.expect("the lease has passed");
        assert_eq!((second.run, second.recoveries, second.state), (run, 1, RunState::Preparing));

        let mut tx = stage.db.begin().await.expect("begun");
        let until = now + 90 * SECOND;
        assert!(!claims::renew(&mut tx, run, first.fence, until).await.expect("asked"));
        assert!(!claims::wait(&mut tx, run, first.fence, RunReason::RateLimit, "", until, 1).await.expect("asked"));
        assert!(!claims::release(&mut tx, run, first.fence).await.expect("asked"));
        let point = Checkpoint { requests: 1, ..Checkpoint::default() };
        assert!(!checkpoints::write(&mut tx, run, first.fence, &point, now, until).await.expect("asked"));
        assert!(claims::renew(&mut tx, run, second.fence, until).await.expect("asked"));
        tx.commit().await.expect("committed");
        assert_eq!(stage.find(run).await.counts.requests, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r08_a_run_that_breaks_off_again_and_again_fails() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let run = stage.queue().await;
    let now = stage.now();
    for _ in 0..11 {
        assert!(claim(&stage, "breaks off", now).await.is_some());
        let mut tx = stage.db.begin().await.expect("begun");
        claims::end_leases(&mut tx).await.expect("ended");
        tx.commit().await.expect("committed");
    }

    assert!(stage.engine().step().await.expect("worked"));

    let ended = stage.find(run).await;
    assert_eq!((ended.state, ended.reason), (RunState::Failed, Some(RunReason::CrashLoop)));
}

/// The export's connection was changed while its run was queued: what decides whose turn it is changes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_11_a_run_that_was_queued_for_another_account_waits_for_its_turn_at_the_new_one() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    stage.refresh(&people(0..10, "a")).await;
    let run = stage.queue_of(stage.export, stage.connection, "another account").await;

    assert!(stage.engine().step().await.expect("worked"));

    let account = async || {
        let mut tx = stage.db.read().await.expect("begun");
        waits::account(&mut tx, run).await.expect("read").expect("an account").1
    };
    assert_eq!((stage.find(run).await.state, account().await.as_str()), (RunState::Preparing, PRACTICE_BRAND));
    assert_eq!(stage.find(run).await.counts.requests, 0);
    assert!(stage.engine().step().await.expect("worked"));
    assert_eq!(stage.find(run).await.state, RunState::Successful);
}

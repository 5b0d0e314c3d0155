//! The system refresh, on every database that is there: order, reasons, resuming, two replicas, what is late.

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::{Exports as _, Lateness, Segments as _, Sources as _, System as _, SystemStatus};
use domain::access::Audience;
use domain::export::ExportSettings;
use domain::id::{ExportId, JobId, SegmentId, SourceId};
use domain::run::{RunState, Trigger};
use domain::schedule::{Schedule, Weekday};
use domain::system::{SystemSettings, TaskKind, TaskReason, TaskState, WhenActive};
use tokio_util::sync::CancellationToken;

use super::{Runner, SystemService, late};
use crate::clock::Clock as _;
use crate::db::refresh_jobs::{self, NewJob};
use crate::db::{self, runs};
use crate::services::testing::{CUSTOMERS, Stage, settings, stages};

/// A stage with a customer table, a segment, and an export that follows the system refresh.
struct Shop {
    stage: Stage,
    system: SystemService,
    source: SourceId,
    segment: SegmentId,
    export: ExportId,
}

async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for stage in stages().await {
        let source = stage.import("Customers", CUSTOMERS).await;
        let segment = stage.segment("Vic").await;
        let connection = stage.connection("Shop", Audience::AdministratorsAndContributors).await;
        let following =
            |name: &str| ExportSettings { schedule: Schedule::System, ..settings(name, Some(connection), segment) };
        let export = stage.exports.add(&stage.administrator, following("News")).await.expect("added");
        let wake = std::sync::Arc::new(|| {});
        let (sources, segments) = (stage.sources.clone(), stage.segments.clone());
        let system = SystemService::new(stage.db.db.clone(), stage.clock.clone(), sources, segments, wake);
        shops.push(Shop { stage, system, source, segment, export });
    }
    shops
}

impl Shop {
    /// Works on the job that is there, as one process.
    async fn work(&self) -> bool {
        Runner::new(self.system.clone()).step(&CancellationToken::new()).await.expect("worked")
    }

    async fn status(&self) -> SystemStatus {
        self.system.status(&self.stage.viewer).await.expect("looked")
    }

    async fn tasks(&self) -> Vec<(TaskKind, String, TaskState, Option<TaskReason>)> {
        let tasks = self.status().await.tasks;
        tasks.into_iter().map(|task| (task.kind, task.name, task.state, task.reason)).collect()
    }

    async fn set(&self, schedule: Schedule) {
        let before = self.system.settings(&self.stage.administrator).await.expect("looked");
        let settings = SystemSettings { schedule, ..before };
        self.system.save_settings(&self.stage.administrator, settings).await.expect("saved");
    }
}

fn six_in_madrid() -> Schedule {
    Schedule::daily(jiff::civil::time(6, 0, 0, 0), "Europe/Madrid".to_owned())
}

#[tokio::test]
async fn it_goes_through_sources_segments_and_exports_in_their_order() {
    for shop in shops().await {
        let stage = &shop.stage;
        stage.import("Others", "id,email\n7,x@example.com\n").await;
        let (inactive, fixed) = (stage.segment("Asleep").await, stage.segment("Fixed").await);
        stage.segments.set_active(&stage.administrator, inactive, false).await.expect("set");
        stage.segments.make_static(&stage.administrator, fixed).await.expect("frozen");
        stage.export("By hand", None, shop.segment).await;

        let job = shop.system.refresh_all(&stage.administrator).await.expect("queued");
        assert_eq!(shop.system.refresh_all(&stage.administrator).await, Ok(job), "one job at a time");
        assert!(shop.work().await);
        assert!(!shop.work().await, "nothing is left");

        let expected = [
            (TaskKind::Source, "Customers", TaskState::Successful, None),
            (TaskKind::Source, "Others", TaskState::Successful, None),
            (TaskKind::Segment, "Asleep", TaskState::Skipped, Some(TaskReason::Inactive)),
            (TaskKind::Segment, "Vic", TaskState::Successful, None),
            (TaskKind::Export, "News", TaskState::Queued, None),
        ];
        let expected = expected.map(|(kind, name, state, reason)| (kind, name.to_owned(), state, reason));
        assert_eq!(shop.tasks().await, expected);
        let status = shop.status().await;
        assert_eq!(status.jobs[0].state, TaskState::Processing, "its run goes on");
        let run = status.tasks[4].run().expect("a run");
        let mut tx = stage.db.db.read().await.expect("begun");
        let run = runs::find(&mut tx, run).await.expect("read").expect("there");
        assert_eq!((run.export, run.state, run.trigger), (shop.export, RunState::Queued, Trigger::Manual));
        let newest = db::refreshes::newest_snapshot(&mut tx).await.expect("read").expect("there");
        assert_eq!(newest.profiles, 3, "the other data source feeds no profiles");
    }
}

#[tokio::test]
async fn what_depends_on_a_failure_is_skipped_and_says_why() {
    for shop in shops().await {
        let found = shop.stage.sources.find(&shop.stage.contributor, shop.source).await.expect("there");
        let domain::source::Location::Upload { upload, .. } = found.source.location else { panic!("an upload") };
        std::fs::remove_file(shop.stage.dir.path().join("uploads").join(upload)).expect("removed");
        shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        assert!(shop.work().await);

        let expected = [
            (TaskKind::Source, "Customers", TaskState::Failure, Some(TaskReason::Data)),
            (TaskKind::Segment, "Vic", TaskState::Skipped, Some(TaskReason::Upstream)),
            (TaskKind::Export, "News", TaskState::Skipped, Some(TaskReason::Upstream)),
        ];
        assert_eq!(shop.tasks().await, expected.map(|(kind, name, state, why)| (kind, name.to_owned(), state, why)));
        assert_eq!(shop.status().await.jobs[0].state, TaskState::Failure);
    }
}

#[tokio::test]
async fn an_export_whose_run_goes_on_is_skipped() {
    for shop in shops().await {
        shop.stage.exports.start_run(&shop.stage.administrator, shop.export).await.expect("queued");
        shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        assert!(shop.work().await);

        let last = shop.tasks().await.pop().expect("a task");
        assert_eq!((last.2, last.3), (TaskState::Skipped, Some(TaskReason::StillActive)));
        assert_eq!(shop.status().await.jobs[0].state, TaskState::Successful);
    }
}

#[tokio::test]
async fn a_job_that_broke_off_at_any_step_goes_on_and_queues_each_run_once() {
    for shop in shops().await {
        let slot = shop.stage.clock.now_micros();
        let id = JobId(uuid::Uuid::now_v7());
        let new = NewJob { id, trigger: Trigger::Schedule, started_by: None, slot_at: Some(slot) };
        let mut tx = shop.stage.db.db.begin().await.expect("begun");
        assert!(refresh_jobs::queue(&mut tx, &new, slot).await.expect("queued"));
        tx.commit().await.expect("kept");

        // Each process dies a little later than the one before, in the middle of whatever it does.
        for millis in (0..400).step_by(7) {
            let mut runner = Runner::new(shop.system.clone());
            let end = CancellationToken::new();
            let dies = tokio::time::timeout(std::time::Duration::from_millis(millis), runner.step(&end));
            if dies.await.is_ok_and(|worked| worked.is_ok_and(|worked| !worked)) {
                break;
            }
            shop.stage.clock.advance(std::time::Duration::from_secs(31));
        }
        while shop.work().await {}

        let states: Vec<TaskState> = shop.tasks().await.into_iter().map(|task| task.2).collect();
        assert_eq!(states, [TaskState::Successful, TaskState::Successful, TaskState::Queued]);
        let mut tx = shop.stage.db.db.read().await.expect("begun");
        let page = domain::paging::PageRequest::of_50(1);
        let found = runs::list(&mut tx, Some(shop.export), page).await.expect("read").items;
        assert_eq!(found.iter().map(|run| run.slot_at).collect::<Vec<_>>(), [Some(slot)]);
    }
}

#[tokio::test]
async fn of_many_processes_one_has_the_job_and_a_late_one_changes_nothing() {
    for shop in shops().await {
        shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        let runners: Vec<Runner> = (0..8).map(|_| Runner::new(shop.system.clone())).collect();
        let claims = futures::future::join_all(runners.iter().map(Runner::claim)).await;
        let claims: Vec<_> = claims.into_iter().filter_map(|claim| claim.expect("asked")).collect();
        assert_eq!(claims.len(), 1);

        shop.stage.clock.advance(std::time::Duration::from_secs(31));
        assert!(shop.work().await, "the lease has passed: somebody else has it now");
        let before = shop.tasks().await;
        shop.system.work_through(claims[0]).await.expect("gave up");
        assert_eq!(shop.tasks().await, before);
        let mut tx = shop.stage.db.db.begin().await.expect("begun");
        assert!(!refresh_jobs::renew(&mut tx, claims[0], i64::MAX).await.expect("asked"));
    }
}

#[tokio::test]
async fn a_cancelled_job_begins_nothing_more_and_stops_its_runs() {
    for shop in shops().await {
        let job = shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        for actor in [&shop.stage.viewer, &shop.stage.contributor] {
            assert_eq!(shop.system.cancel(actor, job).await, Err(AppError::Forbidden));
            assert_eq!(shop.system.refresh_all(actor).await, Err(AppError::Forbidden));
        }
        shop.system.cancel(&shop.stage.administrator, job).await.expect("asked");
        assert!(shop.work().await);
        assert!(shop.tasks().await.iter().all(|task| task.2 == TaskState::Canceled));
        assert_eq!(shop.status().await.jobs[0].state, TaskState::Canceled);

        // One whose runs are queued already: they are asked to stop.
        let job = shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        assert!(shop.work().await);
        shop.system.cancel(&shop.stage.administrator, job).await.expect("asked");
        let run = shop.status().await.tasks[2].run().expect("a run");
        let view = shop.stage.exports.run(&shop.stage.viewer, run).await.expect("looked");
        assert!(view.run.cancel_requested);
    }
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_its_next_task_is_looked_up_queues_no_run() {
    for shop in shops().await {
        let job = shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        let claim = Runner::new(shop.system.clone()).claim().await.expect("asked").expect("a job");
        assert!(shop.system.plan(claim).await.expect("planned"));
        let tasks = shop.status().await.tasks;
        shop.system.cancel(&shop.stage.administrator, job).await.expect("asked");

        assert!(shop.system.export(claim, &tasks[2], &tasks).await.expect("decided"));

        assert_eq!(shop.tasks().await[2].2, TaskState::Canceled);
        let line = shop.stage.exports.find(&shop.stage.viewer, shop.export).await.expect("there");
        assert_eq!(line.last_run, None);
    }
}

#[tokio::test]
async fn administrators_set_when_it_comes_and_nobody_saves_over_another() {
    for shop in shops().await {
        let before = shop.system.settings(&shop.stage.administrator).await.expect("looked");
        assert_eq!((&before.schedule, before.catch_up_hours), (&Schedule::Off, 24));
        let daily = SystemSettings { schedule: six_in_madrid(), when_active: WhenActive::Queue, ..before.clone() };
        for actor in [&shop.stage.viewer, &shop.stage.contributor] {
            assert_eq!(shop.system.save_settings(actor, daily.clone()).await, Err(AppError::Forbidden));
        }
        let administrator = &shop.stage.administrator;
        let wrong = SystemSettings { catch_up_hours: 0, ..daily.clone() };
        let fault = FieldFault { field: "catch_up_hours".to_owned(), fault: FieldFaultKind::Invalid };
        assert_eq!(shop.system.save_settings(administrator, wrong).await, Err(AppError::Fields(vec![fault])));
        let monthly = Schedule::Cron { line: "0 6 1 * *".to_owned(), time_zone: "UTC".to_owned() };
        let wrong = SystemSettings { schedule: monthly, ..daily.clone() };
        assert!(matches!(shop.system.save_settings(administrator, wrong).await, Err(AppError::Fields(_))));

        shop.system.save_settings(administrator, daily.clone()).await.expect("saved");
        assert_eq!(shop.system.save_settings(administrator, daily.clone()).await, Err(AppError::Stale));
        let after = shop.system.settings(&shop.stage.administrator).await.expect("looked");
        assert_eq!(after, SystemSettings { version: before.version + 1, ..daily });
        // It is 09:00 UTC, a Monday: the next one is tomorrow, also for the export that follows.
        let next = "2026-03-03T05:00:00Z".parse::<jiff::Timestamp>().expect("an instant").as_microsecond();
        assert_eq!(shop.status().await.next_slot, Some(next));
        let line = shop.stage.exports.find(&shop.stage.viewer, shop.export).await.expect("there");
        assert_eq!(line.next_slot, Some(next));
    }
}

#[tokio::test]
async fn what_does_not_start_when_it_should_is_late_until_it_does() {
    for shop in shops().await {
        let own = Schedule::Weekly {
            days: vec![Weekday::Monday],
            weeks: 1,
            start: Schedule::EPOCH,
            times: vec![jiff::civil::time(9, 30, 0, 0)],
            time_zone: "UTC".to_owned(),
        };
        let line = shop.stage.exports.find(&shop.stage.viewer, shop.export).await.expect("there");
        let changed = ExportSettings { schedule: own, ..line.export.settings };
        let administrator = &shop.stage.administrator;
        shop.stage.exports.edit(administrator, shop.export, line.export.version, changed).await.expect("saved");
        shop.set(six_in_madrid()).await;
        let late = async || {
            let mut tx = shop.stage.db.db.read().await.expect("begun");
            late::find(&mut tx, shop.stage.clock.now()).await.expect("looked")
        };
        assert_eq!(late().await, []);

        shop.stage.clock.advance(std::time::Duration::from_secs(34 * 60));
        assert_eq!(late().await, [], "four minutes are none too many");
        shop.stage.clock.advance(std::time::Duration::from_secs(2 * 60));
        let found = late().await;
        assert_eq!(found.iter().map(|one| one.lateness).collect::<Vec<_>>(), [Lateness::NotSeen]);
        assert_eq!(found[0].export, Some((shop.export, "News".to_owned())));
        let line = shop.stage.exports.find(&shop.stage.viewer, shop.export).await.expect("there");
        assert_eq!(line.late.as_ref(), found.first());

        // The day after, the system refresh is late as well.
        shop.stage.clock.advance(std::time::Duration::from_secs(24 * 3600));
        assert_eq!(late().await.len(), 2);

        // Once both are recorded, only what still waits is late; nothing when that has begun.
        let slot = late().await[1].slot_at;
        let new = NewJob {
            id: JobId(uuid::Uuid::now_v7()),
            trigger: Trigger::Schedule,
            started_by: None,
            slot_at: Some(slot),
        };
        let mut tx = shop.stage.db.db.begin().await.expect("begun");
        refresh_jobs::queue(&mut tx, &new, shop.stage.clock.now_micros()).await.expect("queued");
        tx.commit().await.expect("kept");
        assert_eq!(late().await[1].lateness, Lateness::NotBegun);
        assert!(shop.work().await);
        assert_eq!(late().await.len(), 1);
    }
}

/// A clock that was years ahead recorded a slot of then. It says nothing of the slots that come before it.
#[tokio::test]
async fn what_does_not_start_is_late_also_after_a_clock_that_was_ahead() {
    for shop in shops().await {
        shop.set(six_in_madrid()).await;
        let ahead = shop.stage.clock.now_micros() + 4 * 365 * 24 * 3_600 * 1_000_000;
        let id = JobId(uuid::Uuid::now_v7());
        let new = NewJob { id, trigger: Trigger::Schedule, started_by: None, slot_at: Some(ahead) };
        let mut tx = shop.stage.db.db.begin().await.expect("begun");
        assert!(refresh_jobs::queue(&mut tx, &new, ahead).await.expect("queued"));
        tx.commit().await.expect("kept");
        assert!(shop.work().await);
        let late = async || {
            let mut tx = shop.stage.db.db.read().await.expect("begun");
            late::find(&mut tx, shop.stage.clock.now()).await.expect("looked")
        };
        assert_eq!(late().await, []);
        shop.stage.clock.advance(std::time::Duration::from_secs(24 * 3_600));
        assert_eq!(late().await.iter().map(|one| one.lateness).collect::<Vec<_>>(), [Lateness::NotSeen]);

        // And who refreshes now sees that, not the job of then.
        let job = shop.system.refresh_all(&shop.stage.administrator).await.expect("queued");
        assert!(shop.work().await);
        assert_eq!(shop.status().await.shown.map(|job| job.id), Some(job));
    }
}

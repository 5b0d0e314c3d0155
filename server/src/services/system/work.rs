//! The tasks of a system refresh, in dependency order: data sources, then dynamic segments, then the exports that follow
//! it. Each step begins by renewing the lease in the same transaction, and is safe to be taken again.
//!
//! A job ends when its runs are queued: how they go on is the engine's business, and does not keep the next job waiting.

use app::error::AppError;
use app::services::{Answer, RefreshState};
use domain::export::Export;
use domain::id::{ExportId, RunId, SegmentId, SourceId};
use domain::run::{RunReason, Trigger};
use domain::schedule::Schedule;
use domain::system::{RefreshTask, TaskKind, TaskReason, TaskState};

use super::SystemService;
use super::runner::lease;
use crate::db::refresh_jobs::{self, JobClaim};
use crate::db::runs::{NewRun, Queued};
use crate::db::{self, DbError, Topic, Tx};
use crate::services::internal;

/// How a task ended.
type End = (TaskState, Option<TaskReason>);

const DONE: End = (TaskState::Successful, None);

const fn failed(reason: TaskReason) -> End {
    (TaskState::Failure, Some(reason))
}

const fn skipped(reason: TaskReason) -> End {
    (TaskState::Skipped, Some(reason))
}

impl SystemService {
    /// Works through what is left of a job. Gives up without a word when somebody else has taken it over.
    pub(super) async fn work_through(&self, claim: JobClaim) -> Answer<()> {
        if !self.plan(claim).await.map_err(internal)? {
            return Ok(());
        }
        loop {
            let mut tx = self.db.read().await.map_err(internal)?;
            let tasks = refresh_jobs::tasks(&mut tx, claim.id).await.map_err(internal)?;
            let is_canceled = refresh_jobs::is_cancel_requested(&mut tx, claim.id).await.map_err(internal)?;
            drop(tx);
            // A run that is queued is on its way: nothing more is to be done for it here.
            let is_open = |task: &&RefreshTask| !task.state.is_final() && task.run().is_none();
            let Some(task) = tasks.iter().find(is_open) else { return self.finish(claim, &tasks, is_canceled).await };
            if is_canceled {
                if !self.end(claim, task, (TaskState::Canceled, None)).await.map_err(internal)? {
                    return Ok(());
                }
                continue;
            }
            let goes_on = match task.kind {
                TaskKind::Source => self.source(claim, task).await?,
                TaskKind::Segment => self.segment(claim, task, &tasks).await?,
                TaskKind::Export => self.export(claim, task, &tasks).await.map_err(internal)?,
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Writes down what is to be done, once. False when the job is no longer ours.
    pub(super) async fn plan(&self, claim: JobClaim) -> Result<bool, DbError> {
        let Some(mut tx) = self.hold(claim).await? else { return Ok(false) };
        if !refresh_jobs::tasks(&mut tx, claim.id).await?.is_empty() {
            return Ok(true);
        }
        let mut found = Vec::new();
        let mut sources = db::sources::list(&mut tx).await?;
        // The customer table decides about all that follows.
        sources.sort_by_key(|stored| !stored.source.is_customer_table);
        found.extend(sources.into_iter().map(|one| (TaskKind::Source, one.source.id.0, one.source.name)));
        let segments = db::segments::list(&mut tx).await?.into_iter();
        let dynamic = segments.filter(|one| !one.segment.definition.is_static());
        found.extend(dynamic.map(|one| (TaskKind::Segment, one.segment.id.0, one.segment.name)));
        let exports = db::exports::list(&mut tx).await?.into_iter().map(|one| one.export);
        let following = exports.filter(|one| one.settings.schedule == Schedule::System);
        found.extend(following.map(|one| (TaskKind::Export, one.id.0, one.settings.name)));
        for (position, (kind, subject, name)) in (0_i64..).zip(&found) {
            refresh_jobs::add_task(&mut tx, claim.id, position, (*kind, *subject, name)).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// A transaction in which the job is ours; none when it no longer is.
    async fn hold(&self, claim: JobClaim) -> Result<Option<Tx>, DbError> {
        let mut tx = self.db.begin().await?;
        let is_ours = refresh_jobs::renew(&mut tx, claim, self.clock.now_micros() + lease()).await?;
        Ok(is_ours.then_some(tx))
    }

    async fn begin(&self, claim: JobClaim, task: &RefreshTask, work: Option<&str>) -> Result<bool, DbError> {
        let Some(mut tx) = self.hold(claim).await? else { return Ok(false) };
        refresh_jobs::begin_task(&mut tx, claim.id, task.position, work, self.clock.now_micros()).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end(&self, claim: JobClaim, task: &RefreshTask, end: End) -> Result<bool, DbError> {
        let Some(mut tx) = self.hold(claim).await? else { return Ok(false) };
        refresh_jobs::end_task(&mut tx, claim.id, task.position, end, self.clock.now_micros()).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn source(&self, claim: JobClaim, task: &RefreshTask) -> Answer<bool> {
        let id = SourceId(task.subject);
        let mut number: Option<i64> = task.work.as_ref().and_then(|work| work.parse().ok());
        // The refresh of a process that broke off fails with it: then it is begun anew, once.
        let mut may_begin_anew = number.is_some();
        let end = loop {
            let begun = match number.take() {
                Some(number) => number,
                None => match self.sources.begin_refresh(id, false).await {
                    Ok(number) => number,
                    Err(AppError::NotFound) => break skipped(TaskReason::Gone),
                    Err(other) => return Err(other),
                },
            };
            if !self.begin(claim, task, Some(&begun.to_string())).await.map_err(internal)? {
                return Ok(false);
            }
            match self.wait_for_source(claim, begun).await {
                Ok(None) => break (TaskState::Canceled, None),
                Ok(Some(RefreshState::Successful)) => break DONE,
                _ if may_begin_anew => may_begin_anew = false,
                Ok(Some(_)) => break failed(TaskReason::Data),
                Err(AppError::NotFound) => break skipped(TaskReason::Gone),
                Err(other) => return Err(other),
            }
        };
        self.end(claim, task, end).await.map_err(internal)
    }

    /// How a refresh ended; none when somebody has asked the job to stop before it did. The refresh itself goes on: its
    /// snapshot does no harm.
    async fn wait_for_source(&self, claim: JobClaim, number: i64) -> Answer<Option<RefreshState>> {
        let canceled = async {
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                let Ok(mut tx) = self.db.read().await else { continue };
                if refresh_jobs::is_cancel_requested(&mut tx, claim.id).await.unwrap_or(false) {
                    break;
                }
            }
        };
        tokio::select! {
            ended = self.sources.wait_for_refresh(number, |_| {}) => Ok(Some(ended?.state)),
            () = canceled => Ok(None),
        }
    }

    async fn segment(&self, claim: JobClaim, task: &RefreshTask, tasks: &[RefreshTask]) -> Answer<bool> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let table = db::sources::list(&mut tx).await.map_err(internal)?;
        drop(tx);
        let table = table.iter().find(|one| one.source.is_customer_table).map(|one| one.source.id.0);
        let is_fed = |one: &RefreshTask| one.kind == TaskKind::Source && Some(one.subject) == table;
        if tasks.iter().any(|one| is_fed(one) && one.state != TaskState::Successful) {
            return self.end(claim, task, skipped(TaskReason::Upstream)).await.map_err(internal);
        }
        if !self.begin(claim, task, None).await.map_err(internal)? {
            return Ok(false);
        }
        let end = match self.segments.count_again(SegmentId(task.subject)).await {
            Ok(()) => DONE,
            Err(AppError::NotFound) => skipped(TaskReason::Gone),
            Err(AppError::Outdated) => skipped(TaskReason::Inactive),
            Err(AppError::Rule(_) | AppError::NotReady(_)) => failed(TaskReason::NotReady),
            // Logged where it happened.
            Err(_) => failed(TaskReason::Data),
        };
        self.end(claim, task, end).await.map_err(internal)
    }

    /// Queues the run of an export, unless somebody has asked the job to stop; its task is, from then on, as the run is.
    /// Whoever asks it later finds the run: the job is ours in this transaction, and theirs waits for it.
    pub(super) async fn export(
        &self,
        claim: JobClaim,
        task: &RefreshTask,
        tasks: &[RefreshTask],
    ) -> Result<bool, DbError> {
        let now = self.clock.now_micros();
        let Some(mut tx) = self.hold(claim).await? else { return Ok(false) };
        tx.lock(Topic::Definitions).await?;
        let is_canceled = refresh_jobs::is_cancel_requested(&mut tx, claim.id).await?;
        let end = match db::exports::find(&mut tx, ExportId(task.subject)).await? {
            _ if is_canceled => (TaskState::Canceled, None),
            None => skipped(TaskReason::Gone),
            Some(found) if is_blocked(&found.export, tasks) => skipped(TaskReason::Upstream),
            Some(found) => match self.queue_run(&mut tx, claim, &found.export, now).await? {
                Some(run) => {
                    let work = run.to_string();
                    refresh_jobs::begin_task(&mut tx, claim.id, task.position, Some(&work), now).await?;
                    tx.commit().await?;
                    return Ok(true);
                }
                None => skipped(TaskReason::StillActive),
            },
        };
        refresh_jobs::end_task(&mut tx, claim.id, task.position, end, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// None while a run of the export is active; that is recorded with the slot.
    async fn queue_run(
        &self,
        tx: &mut Tx,
        claim: JobClaim,
        export: &Export,
        now: i64,
    ) -> Result<Option<RunId>, DbError> {
        let connection = match export.settings.connection {
            Some(id) => db::connections::find(tx, id).await?.map(|stored| (id, stored.brand.id)),
            None => None,
        };
        let new = NewRun {
            id: RunId(uuid::Uuid::now_v7()),
            export: export.id,
            export_name: export.settings.name.clone(),
            settings_version: export.version,
            connection,
            trigger: if claim.slot_at.is_some() { Trigger::Schedule } else { Trigger::Manual },
            started_by: None,
            slot_at: claim.slot_at,
            resend_of: None,
            recheck_of: None,
            continues: None,
        };
        if claim.slot_at.is_some() {
            if db::runs::queue_slot(tx, &new, now).await? {
                return Ok(Some(new.id));
            }
            db::runs::record_skipped(tx, &new, RunReason::StillActive, now).await?;
            return Ok(None);
        }
        match db::runs::queue(tx, &new, now).await? {
            Queued::New(id) => Ok(Some(id)),
            Queued::Active(_) => Ok(None),
        }
    }

    async fn finish(&self, claim: JobClaim, tasks: &[RefreshTask], is_canceled: bool) -> Answer<()> {
        let has_failed = tasks.iter().any(|task| task.state == TaskState::Failure);
        let state = match (is_canceled, has_failed) {
            (true, _) => TaskState::Canceled,
            (false, true) => TaskState::Failure,
            (false, false) => TaskState::Successful,
        };
        let mut tx = self.db.begin().await.map_err(internal)?;
        let is_ours = refresh_jobs::finish(&mut tx, claim, state, self.clock.now_micros()).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        if is_ours {
            tracing::info!(job = %claim.id, state = state.as_str(), "a system refresh has ended");
            (self.wake)();
        }
        Ok(())
    }
}

/// Does an export depend on a segment that could not be counted? An inactive segment holds nobody up.
fn is_blocked(export: &Export, tasks: &[RefreshTask]) -> bool {
    tasks.iter().any(|task| {
        task.kind == TaskKind::Segment
            && export.settings.segments.contains(&SegmentId(task.subject))
            && (task.state == TaskState::Failure || task.reason == Some(TaskReason::Upstream))
    })
}

//! System refreshes: jobs with their tasks, taken up with a lease and a fence like runs.

use std::collections::HashMap;

use domain::id::JobId;
use domain::run::{RunState, Trigger};
use domain::system::{RefreshJob, RefreshTask, TaskKind, TaskReason, TaskState};

use super::{DbError, Topic, Tx, parse, sql};

/// A job to be recorded.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id: a UUID of version 7, so that ids follow the time.
    pub id: JobId,
    /// What starts it.
    pub trigger: Trigger,
    /// Who starts it: an address.
    pub started_by: Option<String>,
    /// The slot that it stands for.
    pub slot_at: Option<i64>,
}

/// A job that this process works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobClaim {
    /// The job.
    pub id: JobId,
    /// Grows with each taking-up.
    pub fence: i64,
    /// The slot that it stands for.
    pub slot_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    started_because: String,
    started_by: Option<String>,
    slot_at: Option<i64>,
    state: String,
    reason: Option<String>,
    cancel_requested_at: Option<i64>,
    queued_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

impl Row {
    fn job(self) -> Result<RefreshJob, DbError> {
        Ok(RefreshJob {
            id: parse("refresh_jobs.id", &self.id)?,
            trigger: Trigger::parse(&self.started_because).ok_or(DbError::Corrupt("refresh_jobs.started_because"))?,
            started_by: self.started_by,
            slot_at: self.slot_at,
            state: state("refresh_jobs.state", &self.state)?,
            reason: self.reason.as_deref().map(reason).transpose()?,
            cancel_requested: self.cancel_requested_at.is_some(),
            queued_at: self.queued_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

fn state(column: &'static str, name: &str) -> Result<TaskState, DbError> {
    TaskState::parse(name).ok_or(DbError::Corrupt(column))
}

fn reason(name: &str) -> Result<TaskReason, DbError> {
    TaskReason::parse(name).ok_or(DbError::Corrupt("refresh_tasks.reason"))
}

/// Queues a job; false if one is active, or the slot is recorded already.
pub async fn queue(tx: &mut Tx, new: &NewJob, now: i64) -> Result<bool, DbError> {
    insert(tx, new, TaskState::Queued, None, now).await
}

/// Records a slot that does not run. Does nothing if the slot is recorded already.
pub async fn record_skipped(tx: &mut Tx, new: &NewJob, reason: TaskReason, now: i64) -> Result<bool, DbError> {
    insert(tx, new, TaskState::Skipped, Some(reason), now).await
}

async fn insert(
    tx: &mut Tx,
    new: &NewJob,
    state: TaskState,
    reason: Option<TaskReason>,
    now: i64,
) -> Result<bool, DbError> {
    let added = sql::execute!(
        tx,
        "insert into refresh_jobs (id, lane, started_because, started_by, slot_at, state, reason, fence, queued_at,
            finished_at, number)
         values ($1, 1, $2, $3, $4, $5, $6, 0, $7, $8, (select coalesce(max(number), 0) + 1 from refresh_jobs))
         on conflict do nothing",
        new.id.to_string(),
        new.trigger.as_str(),
        &new.started_by,
        new.slot_at,
        state.as_str(),
        reason.map(TaskReason::as_str),
        now,
        state.is_final().then_some(now),
    )?;
    Ok(added == 1)
}

/// The job that has not ended, with the instant at which it was queued.
pub async fn active(tx: &mut Tx) -> Result<Option<(JobId, i64)>, DbError> {
    let row =
        sql::fetch_optional!(tx, (String, i64), "select id, queued_at from refresh_jobs where finished_at is null",)?;
    row.map(|(id, queued_at)| Ok((parse("refresh_jobs.id", &id)?, queued_at))).transpose()
}

/// The last slot that has come and been recorded, with what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSlot {
    /// The slot: microseconds since 1970, UTC.
    pub slot_at: i64,
    /// The state of its job.
    pub state: TaskState,
    /// Why it was skipped.
    pub reason: Option<TaskReason>,
    /// Has somebody refreshed since?
    pub is_made_up: bool,
}

/// The last slot that has come and been recorded. A clock that was ahead may have recorded some that are yet to come.
pub async fn last_slot(tx: &mut Tx, now: i64) -> Result<Option<LastSlot>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, String, Option<String>, i64),
        "select slot_at, state, reason,
            (select count(*) from refresh_jobs later
             where later.number > refresh_jobs.number and later.slot_at is null and later.state <> 'skipped')
         from refresh_jobs
         where slot_at <= $1
         order by slot_at desc
         limit 1",
        now,
    )?;
    row.map(|(slot_at, name, why, later)| {
        let (state, reason) = (state("refresh_jobs.state", &name)?, why.as_deref().map(reason).transpose()?);
        Ok(LastSlot { slot_at, state, reason, is_made_up: later > 0 })
    })
    .transpose()
}

/// The jobs, newest first.
pub async fn list(tx: &mut Tx, most: i64) -> Result<Vec<RefreshJob>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select id, started_because, started_by, slot_at, state, reason, cancel_requested_at, queued_at, started_at,
            finished_at
         from refresh_jobs
         order by number desc
         limit $1",
        most,
    )?;
    rows.into_iter().map(Row::job).collect()
}

/// Takes up the active job, if nobody works on it.
pub async fn claim(tx: &mut Tx, owner: &str, now: i64, lease_until: i64) -> Result<Option<JobClaim>, DbError> {
    tx.lock(Topic::Claims).await?;
    let row = sql::fetch_optional!(
        tx,
        (String, i64, Option<i64>),
        "update refresh_jobs
         set lease_owner = $1, lease_until = $3, fence = fence + 1, state = 'processing',
            started_at = coalesce(started_at, $2)
         where finished_at is null and (lease_until is null or lease_until <= $2)
         returning id, fence, slot_at",
        owner,
        now,
        lease_until,
    )?;
    row.map(|(id, fence, slot_at)| Ok(JobClaim { id: parse("refresh_jobs.id", &id)?, fence, slot_at })).transpose()
}

/// Ends the lease of a process that is known to be gone, so that its job is taken up at once.
pub async fn end_leases(tx: &mut Tx) -> Result<u64, DbError> {
    sql::execute!(tx, "update refresh_jobs set lease_until = 0 where lease_owner is not null")
}

/// Renews the lease: false when the job has been taken up by somebody else, or is gone. Every change of a task begins
/// with this, so that one that comes too late changes nothing.
pub async fn renew(tx: &mut Tx, claim: JobClaim, lease_until: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refresh_jobs set lease_until = $3 where id = $1 and fence = $2 and lease_owner is not null",
        claim.id.to_string(),
        claim.fence,
        lease_until,
    )?;
    Ok(changed == 1)
}

/// Lets go of a job that goes on later.
pub async fn release(tx: &mut Tx, claim: JobClaim) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refresh_jobs set lease_owner = null, lease_until = null where id = $1 and fence = $2",
        claim.id.to_string(),
        claim.fence,
    )?;
    Ok(changed == 1)
}

/// Ends a job.
pub async fn finish(tx: &mut Tx, claim: JobClaim, state: TaskState, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refresh_jobs
         set state = $3, finished_at = $4, lease_owner = null, lease_until = null
         where id = $1 and fence = $2 and finished_at is null",
        claim.id.to_string(),
        claim.fence,
        state.as_str(),
        now,
    )?;
    Ok(changed == 1)
}

/// Asks a job to stop.
pub async fn request_cancel(tx: &mut Tx, id: JobId, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refresh_jobs set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1",
        id.to_string(),
        now,
    )?;
    Ok(changed == 1)
}

/// Has somebody asked it to stop?
pub async fn is_cancel_requested(tx: &mut Tx, id: JobId) -> Result<bool, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (Option<i64>,),
        "select cancel_requested_at from refresh_jobs where id = $1",
        id.to_string(),
    )?;
    Ok(row.is_some_and(|(at,)| at.is_some()))
}

/// Adds a task that waits for its turn.
pub async fn add_task(
    tx: &mut Tx,
    job: JobId,
    position: i64,
    (kind, subject, name): (TaskKind, uuid::Uuid, &str),
) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into refresh_tasks (job_id, position, kind, subject_id, name, state)
         values ($1, $2, $3, $4, $5, 'queued')",
        job.to_string(),
        position,
        kind.as_str(),
        subject.to_string(),
        name,
    )?;
    Ok(())
}

/// Records that a task goes on, by which work.
pub async fn begin_task(tx: &mut Tx, job: JobId, position: i64, work: Option<&str>, now: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update refresh_tasks
         set state = 'processing', work = $3, started_at = coalesce(started_at, $4)
         where job_id = $1 and position = $2 and finished_at is null",
        job.to_string(),
        position,
        work,
        now,
    )?;
    Ok(())
}

/// Records how a task ended.
pub async fn end_task(
    tx: &mut Tx,
    job: JobId,
    position: i64,
    (state, reason): (TaskState, Option<TaskReason>),
    now: i64,
) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update refresh_tasks
         set state = $3, reason = $4, finished_at = $5
         where job_id = $1 and position = $2 and finished_at is null",
        job.to_string(),
        position,
        state.as_str(),
        reason.map(TaskReason::as_str),
        now,
    )?;
    Ok(())
}

/// The tasks of a job, in their order. The state of a task whose work is a run is that of the run.
pub async fn tasks(tx: &mut Tx, job: JobId) -> Result<Vec<RefreshTask>, DbError> {
    #[derive(sqlx::FromRow)]
    struct TaskRow {
        position: i64,
        kind: String,
        subject_id: String,
        name: String,
        state: String,
        reason: Option<String>,
        work: Option<String>,
        started_at: Option<i64>,
        finished_at: Option<i64>,
    }
    let rows = sql::fetch_all!(
        tx,
        TaskRow,
        "select position, kind, subject_id, name, state, reason, work, started_at, finished_at
         from refresh_tasks where job_id = $1 order by position",
        job.to_string(),
    )?;
    let runs = sql::fetch_all!(
        tx,
        (String, String, Option<i64>),
        "select runs.id, runs.state, runs.finished_at
         from refresh_tasks
         join runs on runs.id = refresh_tasks.work
         where refresh_tasks.job_id = $1 and refresh_tasks.kind = 'export'",
        job.to_string(),
    )?;
    let runs: HashMap<String, (String, Option<i64>)> =
        runs.into_iter().map(|(id, state, finished_at)| (id, (state, finished_at))).collect();
    rows.into_iter()
        .map(|row| {
            let mut task = RefreshTask {
                position: row.position,
                kind: TaskKind::parse(&row.kind).ok_or(DbError::Corrupt("refresh_tasks.kind"))?,
                subject: parse("refresh_tasks.subject_id", &row.subject_id)?,
                name: row.name,
                state: state("refresh_tasks.state", &row.state)?,
                reason: row.reason.as_deref().map(reason).transpose()?,
                work: row.work,
                started_at: row.started_at,
                finished_at: row.finished_at,
            };
            if task.kind == TaskKind::Export && task.state == TaskState::Processing {
                // A run that is gone went with its export.
                (task.state, task.finished_at) = match task.work.as_ref().and_then(|work| runs.get(work)) {
                    Some((state, at)) => {
                        (TaskState::of_run(RunState::parse(state).ok_or(DbError::Corrupt("runs.state"))?), *at)
                    }
                    None => (TaskState::Canceled, row.started_at),
                };
            }
            Ok(task)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::databases;

    async fn slots(tx: &mut Tx) -> Vec<Option<i64>> {
        list(tx, 10).await.expect("read").into_iter().map(|job| job.slot_at).collect()
    }

    /// The jobs of a Ferry before 0018 are numbered in the order in which they were shown.
    #[tokio::test]
    async fn jobs_stand_in_the_order_in_which_they_were_recorded_and_older_ones_in_that_of_their_times() {
        for db in databases().await {
            let mut tx = db.begin().await.expect("begun");
            for slot_at in [30, 10, 20].map(Some) {
                let id = JobId(uuid::Uuid::now_v7());
                let new = NewJob { id, trigger: Trigger::Schedule, started_by: None, slot_at };
                assert!(record_skipped(&mut tx, &new, TaskReason::Missed, 40).await.expect("recorded"));
            }
            assert_eq!(slots(&mut tx).await, [20, 10, 30].map(Some));
            assert_eq!(last_slot(&mut tx, 25).await.expect("read").map(|last| last.slot_at), Some(20));
            let by_time = "create index refresh_jobs_by_time on refresh_jobs (queued_at)";
            let drop_number = "alter table refresh_jobs drop column number";
            for undo in ["drop index refresh_jobs_by_number", drop_number, by_time] {
                tx.execute_text(undo).await;
            }
            let again = match db.kind() {
                "SQLite" => include_str!("../../../migrations/sqlite/0018_job_order.sql"),
                _ => include_str!("../../../migrations/postgres/0018_job_order.sql"),
            };
            tx.execute_text(again).await;
            assert_eq!(slots(&mut tx).await, [30, 20, 10].map(Some));
        }
    }
}

//! The checkpoint of a run: what is about to be sent is written before, what came of it after, with the counters and the
//! lease in the same transaction.

use domain::id::RunId;
use domain::run::RunState;

use super::batches::{Batch, Kind, RefusedRow};
use super::claims::count;
use super::{DbError, Tx, sql, values};

/// Everything that one checkpoint writes.
#[derive(Debug, Default)]
pub struct Checkpoint {
    /// Batches that were not there.
    pub new: Vec<Batch>,
    /// Batches as they stand now; only state, attempts, remote id and times change.
    pub changed: Vec<Batch>,
    /// Rows that were refused.
    pub refused: Vec<RefusedRow>,
    /// The state that the run goes on with.
    pub state: Option<RunState>,
    /// The first row without a batch.
    pub next_row: Option<u64>,
    /// To be added to the counters.
    pub sent: u64,
    /// Rows taken and worked through.
    pub accepted: u64,
    /// Rows that come from elsewhere than `refused`.
    pub tags_added: u64,
    /// Tags removed.
    pub tags_removed: u64,
    /// Requests that are about to be sent.
    pub requests: u64,
    /// Those among them that repeat an earlier one.
    pub retries: u64,
    /// Did the run get on?
    pub progress: bool,
}

impl Checkpoint {
    /// Nothing to write?
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.changed.is_empty()
            && self.refused.is_empty()
            && self.state.is_none()
            && self.next_row.is_none()
            && self.requests == 0
            && !self.progress
    }
}

/// Writes a checkpoint and renews the lease; false when somebody else has taken the run up: then nothing is written.
pub async fn write(
    tx: &mut Tx,
    run: RunId,
    fence: i64,
    point: &Checkpoint,
    now: i64,
    lease_until: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set lease_until = $3, state = coalesce($4, state), next_row = coalesce($5, next_row),
            sent = sent + $6, accepted = accepted + $7, rejected = rejected + $8, tags_added = tags_added + $9,
            tags_removed = tags_removed + $10, tags_changed = tags_changed + $9 + $10,
            requests = requests + $11, retries = retries + $12,
            progress_at = case when $13 = 1 then $14 else progress_at end,
            recoveries = case when $13 = 1 then 0 else recoveries end,
            failures = case when $13 = 1 then 0 else failures end
         where id = $1 and fence = $2 and state in ('sending', 'settling', 'tagging')",
        run.to_string(),
        fence,
        lease_until,
        point.state.map(RunState::as_str),
        point.next_row.map(count),
        count(point.sent),
        count(point.accepted),
        count(point.refused.len() as u64),
        count(point.tags_added),
        count(point.tags_removed),
        count(point.requests),
        count(point.retries),
        i64::from(point.progress),
        now,
    )?;
    if changed != 1 {
        return Ok(false);
    }
    let id = run.to_string();
    for batch in &point.new {
        insert(tx, &id, batch).await?;
    }
    for batch in &point.changed {
        update(tx, &id, batch).await?;
    }
    for row in &point.refused {
        insert_refused(tx, &id, row).await?;
    }
    Ok(true)
}

async fn insert(tx: &mut Tx, run: &str, batch: &Batch) -> Result<(), DbError> {
    let (kind, tag) = match &batch.kind {
        Kind::Upsert => ("upsert", None),
        Kind::AddTag(tag) => ("add_tag", Some(tag.as_str())),
        Kind::RemoveTag(tag) => ("remove_tag", Some(tag.as_str())),
    };
    let picked = batch.picked.as_ref().map(|rows| values::to_json("batches.picked", rows)).transpose()?;
    sql::execute!(
        tx,
        "insert into batches (run_id, seq, kind, tag, first_row, row_count, picked, state, attempts, returns, remote_id,
            due_at, sent_at, doubted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        run,
        count(batch.seq),
        kind,
        tag,
        count(batch.first_row),
        count(batch.row_count),
        picked,
        batch.state.as_str(),
        count(batch.attempts),
        count(batch.returns),
        &batch.remote_id,
        batch.due_at,
        batch.sent_at,
        batch.doubted_at,
    )?;
    Ok(())
}

async fn update(tx: &mut Tx, run: &str, batch: &Batch) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update batches set state = $3, attempts = $4, remote_id = $5, due_at = $6, sent_at = $7, doubted_at = $8
         where run_id = $1 and seq = $2",
        run,
        count(batch.seq),
        batch.state.as_str(),
        count(batch.attempts),
        &batch.remote_id,
        batch.due_at,
        batch.sent_at,
        batch.doubted_at,
    )?;
    Ok(())
}

async fn insert_refused(tx: &mut Tx, run: &str, row: &RefusedRow) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into refused_rows (run_id, plan_row, reason, detail) values ($1, $2, $3, $4)
         on conflict (run_id, plan_row) do update set reason = excluded.reason, detail = excluded.detail",
        run,
        count(row.row),
        row.reason.as_str(),
        row.detail.replace('\0', ""),
    )?;
    Ok(())
}

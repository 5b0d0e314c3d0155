//! The batches of a run and its checkpoint: what is about to be sent is written before, what came of it after, with the
//! counters and the lease in the same transaction.

use domain::id::RunId;
use domain::run::{RowReason, RunState};

use super::claims::count;
use super::{DbError, Tx, sql, values};

/// What the request of a batch does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Writes contacts.
    Upsert,
    /// Adds a tag.
    AddTag(String),
    /// Removes a tag.
    RemoveTag(String),
}

/// The state of a batch; see `migrations/sqlite/0006_runs.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// To be sent, or sent again: it is known not to have been taken.
    Planned,
    /// Its request may be on its way.
    Sending,
    /// Sent, and no answer says what became of it: to be sent again, which is harmless.
    Unknown,
    /// Taken; the destination works through it.
    Sent,
    /// Every row has its outcome.
    Settled,
    /// Its only row is refused.
    Refused,
    /// Its rows are in other batches now.
    Split,
    /// Given up on: the destination never said what became of it.
    Unconfirmed,
}

impl BatchState {
    const ALL: [Self; 8] = [
        Self::Planned,
        Self::Sending,
        Self::Unknown,
        Self::Sent,
        Self::Settled,
        Self::Refused,
        Self::Split,
        Self::Unconfirmed,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Split => "split",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// The contacts or tag changes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number in the run, from 0.
    pub seq: u64,
    /// What its request does.
    pub kind: Kind,
    /// The first row of the plan (or number of the tag's changes).
    pub first_row: u64,
    /// How many rows.
    pub row_count: u64,
    /// Its rows, where they do not follow each other.
    pub picked: Option<Vec<u64>>,
    /// How it stands.
    pub state: BatchState,
    /// Requests sent for it.
    pub attempts: u64,
    /// How often its rows have come back untaken.
    pub returns: u64,
    /// Its id at the destination.
    pub remote_id: Option<String>,
    /// Not sent before.
    pub due_at: i64,
    /// When it was taken.
    pub sent_at: Option<i64>,
}

impl Batch {
    /// Its rows in order.
    pub fn rows(&self) -> Vec<u64> {
        match &self.picked {
            Some(picked) => picked.clone(),
            None => (self.first_row..self.first_row + self.row_count).collect(),
        }
    }
}

/// One refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row of the plan.
    pub row: u64,
    /// Why.
    pub reason: RowReason,
    /// What the destination said, without addresses.
    pub detail: String,
}

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
    /// The first tag change without a batch.
    pub next_tag: Option<(u64, u64)>,
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
            && self.next_tag.is_none()
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
            next_tag = coalesce($6, next_tag), next_tag_row = coalesce($7, next_tag_row), sent = sent + $8,
            accepted = accepted + $9, rejected = rejected + $10, tags_added = tags_added + $11,
            tags_removed = tags_removed + $12, tags_changed = tags_changed + $11 + $12,
            requests = requests + $13, retries = retries + $14,
            progress_at = case when $15 = 1 then $16 else progress_at end,
            recoveries = case when $15 = 1 then 0 else recoveries end,
            failures = case when $15 = 1 then 0 else failures end
         where id = $1 and fence = $2 and state in ('sending', 'settling', 'tagging')",
        run.to_string(),
        fence,
        lease_until,
        point.state.map(RunState::as_str),
        point.next_row.map(count),
        point.next_tag.map(|(list, _)| count(list)),
        point.next_tag.map(|(_, row)| count(row)),
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
            due_at, sent_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
    )?;
    Ok(())
}

async fn update(tx: &mut Tx, run: &str, batch: &Batch) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update batches set state = $3, attempts = $4, remote_id = $5, due_at = $6, sent_at = $7
         where run_id = $1 and seq = $2",
        run,
        count(batch.seq),
        batch.state.as_str(),
        count(batch.attempts),
        &batch.remote_id,
        batch.due_at,
        batch.sent_at,
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

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    kind: String,
    tag: Option<String>,
    first_row: i64,
    row_count: i64,
    picked: Option<String>,
    state: String,
    attempts: i64,
    returns: i64,
    remote_id: Option<String>,
    due_at: i64,
    sent_at: Option<i64>,
}

impl Row {
    fn batch(self) -> Result<Batch, DbError> {
        let kind = match (self.kind.as_str(), self.tag) {
            ("upsert", None) => Kind::Upsert,
            ("add_tag", Some(tag)) => Kind::AddTag(tag),
            ("remove_tag", Some(tag)) => Kind::RemoveTag(tag),
            _ => return Err(DbError::Corrupt("batches.kind")),
        };
        let state = BatchState::ALL.into_iter().find(|state| state.as_str() == self.state);
        Ok(Batch {
            seq: values::unsigned("batches.seq", self.seq)?,
            kind,
            first_row: values::unsigned("batches.first_row", self.first_row)?,
            row_count: values::unsigned("batches.row_count", self.row_count)?,
            picked: self.picked.map(|text| values::from_json("batches.picked", &text)).transpose()?,
            state: state.ok_or(DbError::Corrupt("batches.state"))?,
            attempts: values::unsigned("batches.attempts", self.attempts)?,
            returns: values::unsigned("batches.returns", self.returns)?,
            remote_id: self.remote_id,
            due_at: self.due_at,
            sent_at: self.sent_at,
        })
    }
}

/// The batches of a run that are neither settled nor split, by number.
pub async fn unsettled(tx: &mut Tx, run: RunId) -> Result<Vec<Batch>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select seq, kind, tag, first_row, row_count, picked, state, attempts, returns, remote_id, due_at, sent_at
         from batches
         where run_id = $1 and state <> 'settled' and state <> 'split'
         order by seq",
        run.to_string(),
    )?;
    rows.into_iter().map(Row::batch).collect()
}

/// The number of the next batch of a run.
pub async fn next_seq(tx: &mut Tx, run: RunId) -> Result<u64, DbError> {
    let row = sql::fetch_one!(
        tx,
        (i64,),
        "select coalesce(max(seq) + 1, 0) from batches where run_id = $1",
        run.to_string(),
    )?;
    values::unsigned("batches.seq", row.0)
}

/// Refused rows of a run from a row on, in order.
pub async fn refused_from(tx: &mut Tx, run: RunId, from: u64, limit: u32) -> Result<Vec<RefusedRow>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (i64, String, String),
        "select plan_row, reason, detail from refused_rows where run_id = $1 and plan_row >= $2 order by plan_row limit $3",
        run.to_string(),
        count(from),
        i64::from(limit),
    )?;
    rows.into_iter()
        .map(|(row, reason, detail)| {
            let reason = RowReason::parse(&reason).ok_or(DbError::Corrupt("refused_rows.reason"))?;
            Ok(RefusedRow { row: values::unsigned("refused_rows.plan_row", row)?, reason, detail })
        })
        .collect()
}

/// Forgets the batches of runs that ended before an instant: their outcome stands in the files of the runs.
pub async fn forget(tx: &mut Tx, before: i64) -> Result<u64, DbError> {
    let rows = sql::execute!(
        tx,
        "delete from refused_rows where run_id in (select id from runs where finished_at < $1)",
        before,
    )?;
    let batches =
        sql::execute!(tx, "delete from batches where run_id in (select id from runs where finished_at < $1)", before)?;
    Ok(rows + batches)
}
